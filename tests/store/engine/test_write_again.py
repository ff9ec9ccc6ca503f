from collections.abc import Callable

import pytest
from sqlalchemy import insert

from ipam.errors import DatabaseUnavailable
from ipam.store.engine.database import Database, Transaction
from ipam.store.engine.write_again import ATTEMPTS, write_again, write_despite
from ipam.store.tables import network
from tests.store.rows import NETWORK


class TakenError(Exception):
    """What was chosen is another's."""


def taken_so_often(times: int) -> tuple[list[int], Callable[[Transaction], str]]:
    attempts: list[int] = []

    def work(_tx: Transaction) -> str:
        attempts.append(len(attempts))
        if len(attempts) <= times:
            raise TakenError
        return "done"

    return attempts, work


def test_it_is_tried_again_while_the_choice_is_taken(database: Database) -> None:
    attempts, work = taken_so_often(2)
    assert write_despite(database, work, TakenError, attempts=3) == "done"
    assert len(attempts) == 3


def test_the_last_attempt_tells_that_it_was_taken(database: Database) -> None:
    attempts, work = taken_so_often(3)
    with pytest.raises(TakenError):
        write_despite(database, work, TakenError, attempts=3)
    assert len(attempts) == 3


def test_what_else_is_raised_ends_it(database: Database) -> None:
    attempts, work = taken_so_often(3)
    with pytest.raises(TakenError):
        write_despite(database, work, KeyError, attempts=3)
    assert len(attempts) == 1


def test_a_key_that_stays_taken_is_nobody_s_fault(database: Database) -> None:
    attempts = []

    def insert_twice(tx: Transaction) -> None:
        attempts.append(tx)
        tx.execute(insert(network), [NETWORK, NETWORK])

    with pytest.raises(DatabaseUnavailable):
        write_again(database, insert_twice)
    assert len(attempts) == ATTEMPTS

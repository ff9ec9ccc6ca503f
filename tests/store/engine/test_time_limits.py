"""Work that takes too long, or that nobody waits for, ends and leaves nothing locked."""

import itertools
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import insert, select, text, update

from ipam.errors import ClientGone, TimeLimitExceeded
from ipam.store import tables
from ipam.store.engine.database import Database, Transaction
from ipam.store.engine.time_limit import TimeLimit, limit_work
from tests.store.rows import NETWORK

LONG = 10_000.0
FOR_EVER = {
    "sqlite": (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    ),
    "postgresql": "SELECT pg_sleep(100000)",
    "mysql": "SELECT SLEEP(100000)",
}


@pytest.fixture
def hasty(database_url: str) -> Iterator[Database]:
    """A database in which no statement may take longer than a second."""
    opened = Database(database_url, statement_seconds=1)
    yield opened
    opened.dispose()


@pytest.fixture(autouse=True)
def unlimited() -> Iterator[None]:
    yield
    limit_work(None)


def limit(*, ends_at: float = float("inf"), is_gone: Callable[[], bool] | None = None) -> None:
    limit_work(TimeLimit(30.0, ends_at, is_gone))


def rename(tx: Transaction, name: str) -> None:
    tx.execute(update(tables.network).values(name=name))


def names(database: Database) -> list[str]:
    return [*database.read(lambda tx: tx.execute(select(tables.network.c.name)).scalars())]


def add(tx: Transaction) -> None:
    tx.execute(insert(tables.network), NETWORK | {"id": "one", "name": "before"})


def test_a_statement_that_takes_too_long_ends_and_leaves_nothing_locked(
    hasty: Database, database: Database
) -> None:
    database.write(add)

    def work(tx: Transaction) -> None:
        rename(tx, "never")
        tx.execute(text(FOR_EVER[tx.dialect]))

    with pytest.raises(TimeLimitExceeded, match="took longer than 1 s for a statement"):
        hasty.write(work)
    assert names(database) == ["before"]
    database.write(lambda tx: rename(tx, "after"))  # would wait for a lock that is held
    assert names(hasty) == ["after"]


def test_a_read_that_takes_too_long_ends(hasty: Database) -> None:
    with pytest.raises(TimeLimitExceeded):
        hasty.read(lambda tx: tx.execute(text(FOR_EVER[tx.dialect])).all())
    assert names(hasty) == []


def test_without_a_limit_statements_have_none(database: Database) -> None:
    shown = {
        "sqlite": "SELECT 0",
        "postgresql": "SHOW statement_timeout",
        "mysql": "SELECT @@max_statement_time",
    }
    found = database.read(lambda tx: tx.execute(text(shown[tx.dialect])).scalar_one())
    assert float(found) == 0


def test_a_request_whose_time_is_over_makes_no_further_statement(database: Database) -> None:
    database.write(add)

    def work(tx: Transaction) -> None:
        rename(tx, "never")
        limit_work(None)
        raise AssertionError("not reached")

    limit(ends_at=0.0)
    with pytest.raises(TimeLimitExceeded, match="took longer than 30 s"):
        database.write(work)
    limit_work(None)
    assert names(database) == ["before"]


def test_a_request_whose_client_left_is_undone_though_its_work_is_done(
    database: Database,
) -> None:
    database.write(add)
    looks = itertools.count()
    limit(is_gone=lambda: next(looks) > 0)  # there for the statement, gone before the commit
    with pytest.raises(ClientGone):
        database.write(lambda tx: rename(tx, "never"))
    limit_work(None)
    assert names(database) == ["before"]
    database.write(lambda tx: rename(tx, "after"))


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_on_sqlite_a_client_that_leaves_ends_the_statement_under_way(
    database_url: str,
) -> None:
    patient = Database(database_url, statement_seconds=3600)
    looks = itertools.count()
    limit(is_gone=lambda: next(looks) > 3)
    with pytest.raises(ClientGone):
        patient.read(lambda tx: tx.execute(text(FOR_EVER[tx.dialect])).all())
    patient.dispose()

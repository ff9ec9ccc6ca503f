"""Rehearsals: transactions of a thread that run inside one, of which nothing stays."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError, OperationalError

from ipam.errors import DatabaseUnavailable
from ipam.store import tables
from ipam.store.engine.database import Database, Transaction
from tests.store.rows import NETWORK


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path}/one.sqlite")
    tables.metadata.create_all(opened.engine)
    yield opened
    opened.dispose()


def add(tx: Transaction, name: str = "one") -> None:
    tx.execute(insert(tables.network), NETWORK | {"id": name})


def names_in(tx: Transaction) -> list[str]:
    query = select(tables.network.c.id).order_by(tables.network.c.id)
    return [row[0] for row in tx.execute(query)]


def test_each_sees_what_those_before_it_did_and_nothing_stays(database: Database) -> None:
    def work(outer: Transaction) -> list[list[str]]:
        seen = []
        with outer.undone():
            database.write(add)
            seen.append(database.read(names_in))
            with pytest.raises(IntegrityError):
                database.write(add)  # which undoes itself alone
            database.write(lambda tx: add(tx, "two"))
            seen.append(names_in(outer))
        return [*seen, names_in(outer)]

    assert database.rehearse(work) == [["one"], ["one", "two"], []]
    assert database.read(names_in) == []
    database.write(add)
    assert database.read(names_in) == ["one"]


def test_nothing_counts_as_committed(sqlite: Database) -> None:
    heard: list[str] = []

    def inner(tx: Transaction) -> None:
        tx.before_commit(lambda: heard.append("before"))
        tx.on_commit(lambda: heard.append("committed"))
        tx.on_rollback(lambda: heard.append("rolled back"))
        add(tx)

    sqlite.rehearse(lambda _outer: sqlite.write(inner))
    assert heard == ["before", "rolled back"]


def test_a_read_in_it_changes_nothing(sqlite: Database) -> None:
    with pytest.raises(AssertionError, match="a change inside a read"):
        sqlite.rehearse(lambda _outer: sqlite.read(add))


def test_what_may_heal_has_the_whole_tried_again(sqlite: Database) -> None:
    """Also if the work takes the fault for an answer, as an application does."""
    attempts: list[int] = []

    def fail_once(tx: Transaction) -> None:
        add(tx)
        if len(attempts) == 1:
            busy = sqlite3.OperationalError("database is locked")
            busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise OperationalError("INSERT", {}, busy)

    def work(outer: Transaction) -> list[str]:
        attempts.append(1)
        try:
            sqlite.write(fail_once)
        except DatabaseUnavailable:
            return ["a wrong answer"]
        return names_in(outer)

    assert sqlite.rehearse(work) == ["one"]
    assert len(attempts) == 2

"""Transactions: what commits, what is tried again, and what a missing database does."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError

from ipam.errors import DatabaseUnavailable
from ipam.store import tables
from ipam.store.engine.database import Database, Transaction
from tests.servers.choice import on_servers
from tests.servers.private_server import PrivateServer
from tests.store.rows import NETWORK
from tests.waiting import PATIENCE_SECONDS


class Undo(Exception):  # noqa: N818  # not an error
    """Ends a transaction without a trace."""


def add(tx: Transaction, name: str = "one") -> None:
    tx.execute(insert(tables.network), NETWORK | {"id": name})


def names(database: Database) -> list[str]:
    query = select(tables.network.c.id).order_by(tables.network.c.id)
    return [row[0] for row in database.read(lambda tx: tx.execute(query).all())]


def test_a_write_is_there_afterwards(database: Database) -> None:
    database.write(add)
    assert names(database) == ["one"]


def test_a_write_that_raises_leaves_nothing(database: Database) -> None:
    def work(tx: Transaction) -> None:
        add(tx)
        raise Undo

    with pytest.raises(Undo):
        database.write(work)
    assert names(database) == []


def test_a_read_changes_nothing(database: Database) -> None:
    with pytest.raises(AssertionError, match="a change inside a read"):
        database.read(add)
    assert names(database) == []


def test_a_broken_rule_surfaces_as_it_is(database: Database) -> None:
    database.write(add)
    with pytest.raises(IntegrityError):
        database.write(add)


def test_callbacks_follow_the_end_of_the_transaction(database: Database) -> None:
    heard: list[str] = []

    def work(tx: Transaction) -> None:
        tx.on_commit(lambda: heard.append("committed"))
        tx.on_rollback(lambda: heard.append("first"))
        tx.on_rollback(lambda: heard.append("second"))

    def fail(tx: Transaction) -> None:
        work(tx)
        raise Undo

    database.write(work)
    with pytest.raises(Undo):
        database.write(fail)
    assert heard == ["committed", "second", "first"]


def test_a_transaction_that_deadlocks_is_run_again(database: Database, backend: str) -> None:
    """Two transactions that lock two rows in opposite order both come to their end."""
    database.write(add)
    database.write(lambda tx: add(tx, "two"))
    both = threading.Barrier(2)
    one_is_through = threading.Event()
    attempts: list[str] = []

    def swap(tx: Transaction, first: str, second: str) -> None:
        attempts.append(first)
        if len(attempts) > 2:
            # PostgreSQL lets it overtake the one that waited for the row, and both lock again.
            one_is_through.wait(PATIENCE_SECONDS)
        for name in (first, second):
            where = tables.network.c.id == name
            tx.execute(update(tables.network).where(where).values(mtu=tables.network.c.mtu + 1))
            if name == first and len(attempts) <= 2 and backend != "sqlite":
                both.wait(PATIENCE_SECONDS)

    def write(first: str, second: str) -> None:
        database.write(lambda tx: swap(tx, first, second))
        one_is_through.set()

    threads = [
        threading.Thread(target=write, args=["one", "two"]),
        threading.Thread(target=write, args=["two", "one"]),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    query = select(tables.network.c.mtu)
    assert database.read(lambda tx: tx.execute(query).scalars().all()) == [1502, 1502]
    assert len(attempts) == (2 if backend == "sqlite" else 3)


def test_sqlite_writers_of_one_process_take_turns(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/turns.sqlite")
    database.write(lambda tx: tx.execute(text("CREATE TABLE counter (n INTEGER)")))
    database.write(lambda tx: tx.execute(text("INSERT INTO counter VALUES (0)")))

    def count() -> None:
        for _ in range(50):
            database.write(lambda tx: tx.execute(text("UPDATE counter SET n = n + 1")))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = database.read(lambda tx: tx.execute(text("SELECT n FROM counter")).scalar())
    database.dispose()
    assert total == 200


def test_sqlite_has_no_second_transaction(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/one.sqlite")
    with pytest.raises(RuntimeError):
        database.write_aside(lambda _tx: None)
    database.dispose()


@on_servers
def test_a_transaction_aside_stays_when_the_outer_one_does_not(
    database: Database, backend: str
) -> None:

    def work(_tx: Transaction) -> None:
        database.write_aside(add)
        raise Undo

    with pytest.raises(Undo):
        database.write(work)
    assert names(database) == ["one"]


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "oracle://somewhere"])
def test_a_database_that_cannot_serve_is_refused_at_once(url: str) -> None:
    with pytest.raises(Exception, match=r"file|oracle"):
        Database(url)


@pytest.fixture
def restarted(
    database: Database, database_server: PrivateServer | None
) -> Iterator[Callable[[], PrivateServer]]:
    """A function that gives the server to stop; it runs again after the test."""
    assert database_server is not None
    server = database_server

    def stop() -> PrivateServer:
        server.stop()
        return server

    yield stop
    if not server.is_running:
        server.start()


@on_servers
def test_while_the_database_is_away_it_says_so_and_after_its_return_all_is_well(
    database: Database, restarted: Callable[[], PrivateServer]
) -> None:
    database.write(add)
    server = restarted()
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable):
            names(database)
        with pytest.raises(DatabaseUnavailable):
            database.write(lambda tx: add(tx, "lost"))
    server.start()
    assert names(database) == ["one"]
    database.write(lambda tx: add(tx, "two"))
    assert names(database) == ["one", "two"]


@on_servers
def test_a_restart_between_two_requests_goes_unnoticed(
    database: Database, restarted: Callable[[], PrivateServer]
) -> None:
    def hold(tx: Transaction) -> None:
        add(tx)
        database.read(lambda inner: inner.execute(text("SELECT 1")))  # a second pooled connection

    database.write(hold)
    restarted().start()
    database.write(lambda tx: add(tx, "two"))
    assert names(database) == ["one", "two"]


@on_servers
def test_a_commit_that_is_cut_off_is_not_repeated(
    database: Database, restarted: Callable[[], PrivateServer]
) -> None:
    runs: list[int] = []

    def work(tx: Transaction) -> None:
        runs.append(1)
        add(tx)
        restarted()

    with pytest.raises(DatabaseUnavailable, match="during the commit"):
        database.write(work)
    assert len(runs) == 1

"""Connections that are closed whoever has them."""

import threading
from typing import Any

from sqlalchemy import text

from ipam.store.engine.database import Database, Transaction
from ipam.store.engine.pools import close_connections


def raw(tx: Transaction) -> Any:
    """The driver's own connection."""
    return tx.connection.connection.driver_connection


def is_open(database: Database, connection: Any) -> bool:
    """Whether the driver still uses this connection."""
    driver = database.engine.dialect.loaded_dbapi
    try:
        connection.cursor().execute("SELECT 1")
        connection.rollback()
    except driver.Error:
        return False
    return True


def test_idle_connections_are_closed_at_once(database: Database) -> None:
    connection = database.read(raw)
    assert is_open(database, connection)
    close_connections(database.engine)
    assert not is_open(database, connection)


def test_a_connection_in_use_is_closed_when_it_returns(database: Database) -> None:
    used, closed = threading.Event(), threading.Event()
    found: list[Any] = []

    def work(tx: Transaction) -> None:
        found.append(raw(tx))
        used.set()
        closed.wait()
        assert tx.execute(text("SELECT 1")).scalar_one() == 1

    thread = threading.Thread(target=database.read, args=[work])
    thread.start()
    used.wait()
    database.dispose()
    closed.set()
    thread.join()
    assert not is_open(database, found[0])


def test_connections_made_afterwards_stay(database: Database) -> None:
    database.read(raw)
    close_connections(database.engine)
    connection = database.read(raw)
    assert is_open(database, connection)
    assert database.read(raw) is connection

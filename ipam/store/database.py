"""One door to the database: transactions that are tried again, on three engines.

`Database.write` and `Database.read` take a function of a `Transaction` and run it whole, again when
the database refused for a transient reason. The function must therefore have no effect outside the
transaction; what should follow a commit or undo an attempt is registered on the transaction.
"""

import contextlib
import fcntl
import logging
import os
import random
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import sqlalchemy
from sqlalchemy import Connection, CursorResult, Executable, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ipam.errors import DatabaseUnavailable
from ipam.store.retry import is_disconnect, is_transient

LOG = logging.getLogger(__name__)
T = TypeVar("T")

POOL_TIMEOUT_SECONDS = 10
CONNECT_TIMEOUT_SECONDS = 5
FIRST_RETRY_SECONDS = 0.005
LONGEST_RETRY_SECONDS = 0.5


class Transaction:
    """One attempt at a unit of work: a connection, and what to do when the attempt ends."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._after_commit: list[Callable[[], None]] = []
        self._after_rollback: list[Callable[[], None]] = []

    @property
    def dialect(self) -> str:
        """`sqlite`, `postgresql` or `mysql` (MariaDB included)."""
        name = self.connection.dialect.name
        return "mysql" if name == "mariadb" else name

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run one statement; a list of dictionaries runs it for each."""
        return self.connection.execute(statement, parameters)  # type: ignore[return-value]  # Core

    def on_commit(self, callback: Callable[[], None]) -> None:
        """Call this once the transaction is durable. It must not raise."""
        self._after_commit.append(callback)

    def on_rollback(self, callback: Callable[[], None]) -> None:
        """Call this when this attempt came to nothing. It must not raise."""
        self._after_rollback.append(callback)

    def _ended(self, committed: bool) -> None:
        for callback in self._after_commit if committed else reversed(self._after_rollback):
            callback()


class Database:
    """An engine and the rules for using it. Safe to share between threads, not across a fork."""

    def __init__(self, url: str, *, pool_size: int = 20, max_attempts: int = 10) -> None:
        self.url = make_url(url)
        self.max_attempts = max_attempts
        self.engine = _create_engine(self.url, pool_size)
        self._write_lock_path = (
            f"{self.url.database}.lock"
            if self.url.get_backend_name() == "sqlite" and self.url.database
            else None
        )

    def write(self, work: Callable[[Transaction], T]) -> T:
        """The result of `work`, committed. Raises DatabaseUnavailable when retries are used up."""
        return self._attempt(work, writes=True)

    def read(self, work: Callable[[Transaction], T]) -> T:
        """The result of `work` on one consistent connection, nothing committed."""
        return self._attempt(work, writes=False)

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()

    def _attempt(self, work: Callable[[Transaction], T], *, writes: bool) -> T:
        for attempt in range(1, self.max_attempts + 1):
            try:
                with self._write_lock() if writes else contextlib.nullcontext():
                    return self._once(work, writes=writes)
            except PoolTimeoutError as error:
                raise DatabaseUnavailable("Every database connection is busy.") from error
            except DBAPIError as error:
                self._retry_or_raise(error, attempt)
        raise AssertionError("the last attempt returns or raises")

    def _retry_or_raise(self, error: DBAPIError, attempt: int) -> None:
        lost = is_disconnect(error) or isinstance(error, InterfaceError)
        if not (lost or is_transient(error)):
            raise error
        if attempt == self.max_attempts or (lost and attempt > 1):
            LOG.warning("database: attempt %d: %s", attempt, error.orig)
            raise DatabaseUnavailable("The database does not answer; try again.") from error
        ceiling = min(FIRST_RETRY_SECONDS * 2**attempt, LONGEST_RETRY_SECONDS)
        time.sleep(random.uniform(0, ceiling))  # noqa: S311  # jitter, not a secret

    def _once(self, work: Callable[[Transaction], T], *, writes: bool) -> T:
        with self.engine.connect() as connection:
            transaction = Transaction(connection)
            if writes and self._write_lock_path:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                result = work(transaction)
                if writes:
                    connection.commit()
            except BaseException:
                connection.rollback()
                transaction._ended(committed=False)  # noqa: SLF001  # the other half of this file
                raise
            transaction._ended(committed=True)  # noqa: SLF001  # the other half of this file
            return result

    @contextlib.contextmanager
    def _write_lock(self) -> Iterator[None]:
        """On SQLite, a queue for writers that wakes the next one at once.

        SQLite's own busy handler sleeps between looks, which puts hundreds of milliseconds into
        the tail when several processes write. The lock is advisory: without it things stay right.
        """
        if self._write_lock_path is None:
            yield
            return
        descriptor = os.open(self._write_lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _create_engine(url: sqlalchemy.URL, pool_size: int) -> sqlalchemy.Engine:
    backend = url.get_backend_name()
    options: dict[str, Any] = {"pool_timeout": POOL_TIMEOUT_SECONDS, "pool_size": pool_size}
    if backend == "sqlite":
        engine = sqlalchemy.create_engine(url, connect_args={"timeout": 30}, **options)
        event.listen(engine, "connect", _prepare_sqlite)
        return engine
    options |= {"pool_recycle": 3600, "max_overflow": 0}
    options["connect_args"] = {"connect_timeout": CONNECT_TIMEOUT_SECONDS}
    if backend == "mysql" or backend == "mariadb":
        options["isolation_level"] = "READ COMMITTED"
        options["connect_args"]["charset"] = "utf8mb4"
    return sqlalchemy.create_engine(url, **options)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where Database says so
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


__all__ = ["Database", "OperationalError", "Transaction"]

"""Access to the database: transactions that are tried again, on three engines.

`Database.write` and `Database.read` take a function of a `Transaction`. They run it again, as a
whole, when the database refused for a transient reason. The function must therefore have no effect
outside the transaction. What should follow a commit or a rollback is registered on the
transaction.
"""

import contextlib
import fcntl
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NoReturn, TypeAlias, TypeVar

import sqlalchemy
from sqlalchemy import Connection, CursorResult, Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ipam import files
from ipam.backoff import Backoff
from ipam.errors import DatabaseUnavailable, TimeLimitExceeded
from ipam.store.engine import time_limit
from ipam.store.engine.engines import IMMEDIATE, READING, create_engine, limit_sqlite, read_url
from ipam.store.engine.notes import Notes
from ipam.store.engine.pools import close_connections
from ipam.store.engine.retry import is_disconnect, is_timeout, is_transient
from ipam.store.engine.time_limit import TimeLimit

LOG = logging.getLogger(__name__)
T = TypeVar("T")

BACKOFF = Backoff(first_seconds=0.01, longest_seconds=0.5)
LAST_ATTEMPT_STARTS_WITHIN_SECONDS = 5.0
LOCK_WAIT_SECONDS = 5

ASIDE_POOL_SIZE = 4
ASIDE_LOCK_WAIT_SECONDS = 1
"""The lock may belong to the outer transaction. No database detects that, so the wait is short."""


class _Over(Exception):  # noqa: N818  # not an error
    """A rehearsal has what it wanted to know, and its transaction is to be rolled back."""


class Transaction:
    """One attempt at a unit of work: a connection, and what to do when the attempt ends."""

    def __init__(
        self, connection: Connection, *, writes: bool = True, limit: TimeLimit | None = None
    ) -> None:
        self.connection = connection
        self._writes = writes
        self._limit = limit
        self.notes: Notes | None = None
        """Where the changes are noted, if somebody wants to know them."""
        self._before_commit: list[Callable[[], None]] = []
        self._after_commit: list[Callable[[], None]] = []
        self._after_rollback: list[Callable[[], None]] = []

    @property
    def dialect(self) -> str:
        """`sqlite`, `postgresql` or `mysql` (MariaDB included)."""
        name = self.connection.dialect.name
        return "mysql" if name == "mariadb" else name

    def execute(
        self, statement: Executable, parameters: Any = None
    ) -> CursorResult[*tuple[Any, ...]]:
        """Run one statement; a list of dictionaries runs it for each.

        A change is refused inside `Database.read`, which on some databases runs without a
        transaction and could not undo it. Raises TimeLimitExceeded or ClientGone when nobody
        waits for the result any more.
        """
        if self._limit is not None:
            self._limit.check()
        assert self._writes or not statement.is_dml, f"a change inside a read: {statement}"
        return self.connection.execute(statement, parameters)

    def check(self) -> None:
        """Raise TimeLimitExceeded or ClientGone when nobody waits for the result any more."""
        if self._limit is not None:
            self._limit.check()

    def note(self, attribute: str, before: object, after: object) -> None:
        """Note a change of the request's object that no column of its row shows."""
        if self.notes is not None:
            self.notes.say(attribute, before, after)

    def note_deleted(self, row: Any) -> None:
        """Note which row this deletes, where the request's path may name another object."""
        if self.notes is not None:
            self.notes.deleted = row

    def before_commit(self, callback: Callable[[], None]) -> None:
        """Call this when the work is done, inside the transaction. It may execute statements."""
        self._before_commit.append(callback)

    def on_commit(self, callback: Callable[[], None]) -> None:
        """Call this once the transaction is durable. It must not raise."""
        self._after_commit.append(callback)

    def on_rollback(self, callback: Callable[[], None]) -> None:
        """Call this when this attempt failed, or may have failed. It must not raise."""
        self._after_rollback.append(callback)

    def run(self, work: Callable[["Transaction"], T]) -> T:
        """The result of the work, committed if this may write. For `Database` alone."""
        try:
            result = work(self)
            if self._writes:
                for callback in self._before_commit:
                    callback()
                if self._limit is not None:
                    self._limit.check()
                _commit(self.connection)
        except BaseException:
            _roll_back(self.connection)
            for callback in reversed(self._after_rollback):
                callback()
            raise
        for callback in self._after_commit:
            callback()
        return result

    @contextlib.contextmanager
    def undone(self) -> Iterator[None]:
        """Undo what was done inside this block, however it ends."""
        savepoint = self.connection.begin_nested()
        try:
            yield
        finally:
            if savepoint.is_active:
                savepoint.rollback()

    def run_inside(self, outer: "Transaction", work: Callable[["Transaction"], T]) -> T:
        """Like `run`, as a part of another transaction, whose end is the end of this one."""
        savepoint = self.connection.begin_nested()
        try:
            result = work(self)
            for callback in self._before_commit:
                callback()
            savepoint.commit()
        except BaseException:
            if savepoint.is_active:
                savepoint.rollback()
            for callback in reversed(self._after_rollback):
                callback()
            raise
        outer._after_rollback += self._after_rollback  # noqa: SLF001  # it is of its own kind
        return result


Envelope: TypeAlias = Callable[[Transaction, Callable[[Transaction], Any]], Any]
"""Runs the work it is given and returns its result. May act before and after it."""

_ENVELOPE: ContextVar[Envelope | None] = ContextVar("ipam_envelope", default=None)


def enclose(envelope: Envelope | None) -> None:
    """Run every later `Database.write` of this thread inside this envelope; None ends them all.

    An envelope is inside those that were set before it. For actions that belong into the
    transaction, but that its author should not have to know.
    """
    outer = _ENVELOPE.get()
    if outer is None or envelope is None:
        _ENVELOPE.set(envelope)
        return

    def both(tx: Transaction, work: Callable[[Transaction], Any]) -> Any:
        return outer(tx, lambda inner: envelope(inner, work))

    _ENVELOPE.set(both)


class Rehearsal:
    """A transaction in which all others of a thread run, and of which nothing stays."""

    def __init__(self, outer: Transaction) -> None:
        self.outer = outer
        self.failure: DBAPIError | None = None
        """Why the outer transaction is of no use any more."""

    def attempt(self, work: Callable[[Transaction], T], *, writes: bool) -> T:
        """The result of the work. A fault that another attempt may heal ends the rehearsal."""
        if self.failure is not None:
            raise DatabaseUnavailable("The transaction around this one has ended.")
        inner = Transaction(self.outer.connection, writes=writes, limit=time_limit.current())
        try:
            return inner.run_inside(self.outer, work)
        except DBAPIError as error:
            if not (is_transient(error) or is_disconnect(error) or is_timeout(error)):
                raise
            self.failure = error
            raise DatabaseUnavailable("The database does not answer; try again.") from error


_REHEARSAL: ContextVar[Rehearsal | None] = ContextVar("ipam_rehearsal", default=None)


class Database:
    """An engine and the rules for using it. Safe to share between threads, not across a fork."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 20,
        max_attempts: int = 10,
        statement_seconds: int = 0,
    ) -> None:
        """`statement_seconds` is how long a statement may take; 0 sets no limit.

        Raises SettingsUnfit if it is the URL of no database that can be used here.
        """
        self.url = read_url(url)
        self._is_sqlite = self.url.get_backend_name() == "sqlite"
        self.max_attempts = max_attempts
        self.statement_seconds = statement_seconds
        self.engine = create_engine(
            self.url,
            pool_size=pool_size,
            lock_wait_seconds=LOCK_WAIT_SECONDS,
            statement_seconds=statement_seconds,
        )
        self._aside = create_engine(
            self.url,
            pool_size=ASIDE_POOL_SIZE,
            lock_wait_seconds=ASIDE_LOCK_WAIT_SECONDS,
            statement_seconds=statement_seconds,
        )
        self._write_lock_path = Path(f"{self.url.database}.lock") if self._is_sqlite else None
        self._before_dispose: list[Callable[[], None]] = []

    @property
    def has_one_writer(self) -> bool:
        """Whether a transaction in a transaction would wait for itself: SQLite, or a rehearsal."""
        return self._is_sqlite or _REHEARSAL.get() is not None

    def write(self, work: Callable[[Transaction], T]) -> T:
        """The result of `work`, committed, inside what `enclose` set for this thread.

        Raises DatabaseUnavailable when retries are used up, the database is away, or the
        connection was lost during COMMIT, so that nobody knows whether it took effect. Raises
        TimeLimitExceeded when a statement or the whole request took too long.
        """
        envelope = _ENVELOPE.get()
        if envelope is None:
            return self._attempt(self.engine, work, writes=True)

        def enclosed(tx: Transaction) -> T:
            result: T = envelope(tx, work)
            return result

        return self._attempt(self.engine, enclosed, writes=True)

    def write_aside(self, work: Callable[[Transaction], T]) -> T:
        """Like `write`, but called inside another transaction and independent of it.

        It uses a second pool of connections, so that threads that hold one of the first pool do
        not wait for each other. `work` must need no lock that the outer transaction holds.
        """
        if self.has_one_writer:
            raise RuntimeError("the second writer would wait for the first")
        return self._attempt(self._aside, work, writes=True)

    def rehearse(self, work: Callable[[Transaction], T]) -> T:
        """The result of `work`, of whose changes nothing stays.

        Every `write` and `read` of this thread inside `work` is a part of its transaction, which
        is rolled back. What they registered for a commit is not called. Raises as `write` does.
        """

        def rehearsed(outer: Transaction) -> NoReturn:
            rehearsal = Rehearsal(outer)
            token = _REHEARSAL.set(rehearsal)
            try:
                result = work(outer)
            finally:
                _REHEARSAL.reset(token)
                if rehearsal.failure is not None:
                    raise rehearsal.failure  # so that it is tried again
            raise _Over(result)

        try:
            self._attempt(self.engine, rehearsed, writes=True)
        except _Over as over:
            found: T = over.args[0]
            return found
        raise AssertionError("a rehearsal was committed")

    def read(self, work: Callable[[Transaction], T]) -> T:
        """The result of `work`, which only reads, on one connection."""
        return self._attempt(self.engine, work, writes=False)

    def read_in_pieces(self, work: Callable[[Transaction], T]) -> T:
        """Like `read`, and rows may come while their statement runs (`reading.read_pieces`).

        It costs PostgreSQL some round trips more.
        """
        return self._attempt(self.engine, work, writes=False, options={})

    def read_one_state(self, work: Callable[[Transaction], T]) -> T:
        """Like `read_in_pieces`, and all of its statements see one state of the database.

        It is done once, as `work` writes elsewhere what it has read.
        """
        options = {} if self.has_one_writer else {"isolation_level": "REPEATABLE READ"}
        with self.engine.connect() as connection:
            connection.execution_options(**options)
            return Transaction(connection, writes=False).run(work)

    def ping(self) -> None:
        """Raise DatabaseUnavailable when the database does not answer."""
        self.read(lambda tx: tx.execute(sqlalchemy.select(1)).scalar_one())

    def connections(self) -> dict[str, int]:
        """How many connections this process has in use, idle, and at most."""
        pools: list[Any] = [engine.pool for engine in (self.engine, self._aside)]
        return {
            "in_use": sum(pool.checkedout() for pool in pools),
            "idle": sum(pool.checkedin() for pool in pools),
            "limit": sum(pool.size() for pool in pools),
        }

    def before_dispose(self, callback: Callable[[], None]) -> None:
        """Call this when nobody else uses the database any more. It must not raise."""
        self._before_dispose.append(callback)

    def dispose(self) -> None:
        """Close every connection; those that are in use, when they are not any more."""
        for callback in self._before_dispose:
            callback()
        close_connections(self.engine)
        close_connections(self._aside)

    def _attempt(
        self,
        engine: sqlalchemy.Engine,
        work: Callable[[Transaction], T],
        *,
        writes: bool,
        options: Mapping[str, Any] | None = None,
    ) -> T:
        """The result of the work, by a connection with these execution options."""
        rehearsal = _REHEARSAL.get()
        if rehearsal is not None:
            return rehearsal.attempt(work, writes=writes)
        if options is None:
            options = IMMEDIATE if writes else READING[engine.dialect.name]
        deadline = time.monotonic() + LAST_ATTEMPT_STARTS_WITHIN_SECONDS
        attempt, limit = 1, time_limit.current()
        while True:
            try:
                with self._write_lock() if writes else contextlib.nullcontext():
                    return self._once(engine, work, limit, options, writes=writes)
            except PoolTimeoutError as error:
                raise DatabaseUnavailable("Every database connection is busy.") from error
            except DBAPIError as error:
                if is_timeout(error):
                    self._say_timeout(error, limit)
                last = attempt >= self.max_attempts or time.monotonic() >= deadline
                self._retry_or_raise(engine, error, attempt, last=last)
            attempt += 1

    def _once(
        self,
        engine: sqlalchemy.Engine,
        work: Callable[[Transaction], T],
        limit: TimeLimit | None,
        options: Mapping[str, Any],
        *,
        writes: bool,
    ) -> T:
        with engine.connect() as connection:
            connection.execution_options(**options)
            if self._is_sqlite and self.statement_seconds:
                limit_sqlite(connection, self._end_of_statements(limit))
            return Transaction(connection, writes=writes, limit=limit).run(work)

    def _end_of_statements(self, limit: TimeLimit | None) -> Callable[[], bool]:
        """Whether the statements of a transaction that begins now must end."""
        ends_at = time.monotonic() + self.statement_seconds
        if limit is None:
            return lambda: time.monotonic() >= ends_at
        return lambda: limit.is_over() or time.monotonic() >= ends_at

    def _say_timeout(self, error: DBAPIError, limit: TimeLimit | None) -> NoReturn:
        if limit is not None:
            limit.check()
        LOG.warning("database: %s: %.200s", error.orig, error.statement)
        raise TimeLimitExceeded(
            f"The database took longer than {self.statement_seconds} s for a statement, and"
            " nothing of the request was done."
        ) from error

    def _retry_or_raise(
        self, engine: sqlalchemy.Engine, error: DBAPIError, attempt: int, *, last: bool
    ) -> None:
        lost = is_disconnect(error)
        if not (lost or is_transient(error)):
            raise error
        if lost:
            close_connections(engine)  # its idle connections are dead, too
        if last or (lost and attempt > 1):
            LOG.warning("database: attempt %d: %s", attempt, error.orig)
            raise DatabaseUnavailable("The database does not answer; try again.") from error
        time.sleep(BACKOFF.random_seconds(attempt))

    @contextlib.contextmanager
    def _write_lock(self) -> Iterator[None]:
        """On SQLite, a queue of writers that wakes the next writer at once.

        SQLite's own busy handler sleeps between attempts, so that some writes take hundreds of
        milliseconds longer when several processes write. The lock is advisory: results are right
        without it.
        """
        if self._write_lock_path is None:
            yield
            return
        descriptor = _open_lock(self._write_lock_path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _open_lock(path: Path) -> int:
    try:
        database = path.with_suffix("")
        return files.opened(path, os.O_RDWR, like=database if database.exists() else path.parent)
    except OSError as error:
        raise DatabaseUnavailable(f"Cannot write beside the database: {error}.") from error


def _commit(connection: Connection) -> None:
    try:
        connection.commit()
    except DBAPIError as error:
        if not is_disconnect(error):
            raise
        connection.invalidate()
        raise DatabaseUnavailable(
            "The connection to the database broke during the commit: look whether the change was"
            " made before you try again."
        ) from error


def _roll_back(connection: Connection) -> None:
    try:
        connection.rollback()
    except DBAPIError:  # the first error says more
        connection.invalidate()


__all__ = ["Database", "Envelope", "Transaction", "enclose"]

"""SQLAlchemy engines for SQLite, PostgreSQL and MariaDB, set up to behave alike."""

import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import sqlalchemy
from sqlalchemy import Connection, event
from sqlalchemy.exc import ArgumentError

from ipam import extras, files
from ipam.errors import SettingsUnfit
from ipam.store.engine import pools
from ipam.store.engine.kept_statements import CompiledStatements
from ipam.store.engine.row_hash import SQLITE_FUNCTION, of_sqlite

POOL_TIMEOUT_SECONDS = 8
CONNECT_TIMEOUT_SECONDS = 3
SQLITE_BUSY_SECONDS = 4
SQLITE_STATEMENTS_KEPT = 24
"""By each connection: a long one takes 30 kB, and a port's creation needs about 15."""

SILENT_SECONDS_BEFORE_KEEPALIVE = 3
KEEPALIVE_SECONDS = 1
KEEPALIVES = 3
"""A server that vanished silently is noticed after about 6 s. Slow answers are waited for."""

IMMEDIATE: Final = {"ipam_immediate": True}
"""Execution options of a connection that will write: SQLite then takes the write lock at BEGIN.

A transaction that reads first and asks for the lock later is refused if another wrote meanwhile.
"""


READING: Final[dict[str, dict[str, Any]]] = {
    # Without BEGIN and ROLLBACK. A ROLLBACK would also make psycopg forget its prepared
    # statements.
    "postgresql": {"isolation_level": "AUTOCOMMIT"},
    "sqlite": {},
    "mysql": {},
    "mariadb": {},
}
"""Execution options of a connection that will only read, by backend.

At READ COMMITTED each statement sees its own state, with or without a transaction. On SQLite all
statements of a transaction see one state. On MariaDB, leaving out the transaction would save no
round trip.
"""


SQLITE_STEPS_PER_LOOK: Final = 200_000
"""Steps of SQLite's machine between two looks at the clock: 5 to 10 ms. Few statements take so
many, and each look needs Python's lock."""


def read_url(text: str) -> sqlalchemy.URL:
    """Raises SettingsUnfit, which does not repeat the text: there may be a password in it."""
    try:
        return sqlalchemy.make_url(text)
    except ArgumentError as error:
        raise _unfit("it is no URL") from error
    except ValueError as error:
        raise _unfit("its port is no number") from error


def create_engine(
    url: sqlalchemy.URL, *, pool_size: int, lock_wait_seconds: int, statement_seconds: int = 0
) -> sqlalchemy.Engine:
    """A new engine with at most `pool_size` connections. Connects to nothing yet.

    A statement that waits longer than `lock_wait_seconds` for a row fails with an error that is
    transient to `ipam.store.engine.retry`. SQLite has no row locks. One that takes longer than
    `statement_seconds` (0 for any time) fails with an error that is a timeout there. On SQLite
    the time of a transaction is limited, by `limit_sqlite`.

    Raises SettingsUnfit if the database is of another kind, or its driver is not there.
    """
    options: dict[str, Any] = {
        "pool_timeout": POOL_TIMEOUT_SECONDS,
        "pool_size": pool_size,
        "max_overflow": 0,
        "execution_options": {"compiled_cache": CompiledStatements()},
        "json_serializer": lambda value: msgspec.json.encode(value).decode(),
        "json_deserializer": msgspec.json.decode,
    }
    try:
        engine = _of_kind(url, options, lock_wait_seconds, statement_seconds)
    except (ArgumentError, ModuleNotFoundError) as error:
        raise _unfit(str(error)) from error
    pools.close_late_returns(engine)
    return engine


def _unfit(reason: str) -> SettingsUnfit:
    said = (
        f"[database] connection: {reason}. Write sqlite:////PATH,"
        " postgresql+psycopg://USER:PASSWORD@HOST:PORT/DATABASE or mysql+pymysql://…, and in a"
        " password %40 for @, %3A for : and %2F for /."
    )
    return SettingsUnfit([said])


def _of_kind(
    url: sqlalchemy.URL, options: dict[str, Any], lock_wait_seconds: int, statement_seconds: int
) -> sqlalchemy.Engine:
    match url.get_backend_name():
        case "sqlite":
            return _sqlite(url, options, limited=statement_seconds > 0)
        case "postgresql":
            return _postgresql(url, options, lock_wait_seconds, statement_seconds)
        case "mysql" | "mariadb":
            return _mariadb(url, options, lock_wait_seconds, statement_seconds)
        case other:
            raise ArgumentError(f"{other} is none of sqlite, postgresql and mysql")


def _sqlite(url: sqlalchemy.URL, options: dict[str, Any], *, limited: bool) -> sqlalchemy.Engine:
    if url.database in {None, "", ":memory:"}:
        raise ArgumentError("an SQLite database must be a file: connections share no memory")
    database = Path(url.database or "")
    engine = sqlalchemy.create_engine(
        url,
        connect_args={
            "timeout": SQLITE_BUSY_SECONDS,
            "check_same_thread": False,
            "cached_statements": SQLITE_STATEMENTS_KEPT,
        },
        **options,
    )
    event.listen(engine, "do_connect", lambda *_told: _make_private_file(database))
    event.listen(engine, "connect", _prepare_sqlite)
    if limited:
        event.listen(engine, "connect", _watch_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_private_file(path: Path) -> None:
    """SQLite would make a file that all can read. Its other files get the mode of this one."""
    if not path.exists():
        with contextlib.suppress(OSError):  # SQLite says what is wrong
            files.make(path, like=path.parent)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing; _begin_sqlite does
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    connection.create_function(SQLITE_FUNCTION, -1, of_sqlite, deterministic=True)


def _watch_sqlite(connection: Any, record: Any) -> None:
    """Have the connection end what its `is_over` says is over. `limit_sqlite` sets that."""
    watched = record.info[_IS_OVER] = [_never]
    connection.set_progress_handler(
        lambda: watched[0](),  # noqa: PLW0108  # the one that is there at the look
        SQLITE_STEPS_PER_LOOK,
    )


def _never() -> bool:
    return False


_IS_OVER: Final = "ipam_is_over"


def limit_sqlite(connection: Connection, is_over: Callable[[], bool]) -> None:
    """End the statements of this connection from now on when `is_over`."""
    connection.info[_IS_OVER][0] = is_over


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("ipam_immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _postgresql(
    url: sqlalchemy.URL, options: dict[str, Any], lock_wait_seconds: int, statement_seconds: int
) -> sqlalchemy.Engine:
    from ipam.store.engine.postgresql_cursor import LeanCursor  # noqa: PLC0415  # needs psycopg

    limits = f"-c lock_timeout={lock_wait_seconds}s -c statement_timeout={statement_seconds}s"
    keepalives = {
        "keepalives_idle": SILENT_SECONDS_BEFORE_KEEPALIVE,
        "keepalives_interval": KEEPALIVE_SECONDS,
        "keepalives_count": KEEPALIVES,
    }
    return sqlalchemy.create_engine(
        url,
        isolation_level="READ COMMITTED",
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "options": limits,
            "cursor_factory": LeanCursor,
            **keepalives,
        },
        **options,
    )


def _mariadb(
    url: sqlalchemy.URL, options: dict[str, Any], lock_wait_seconds: int, statement_seconds: int
) -> sqlalchemy.Engine:
    # Only MariaDB reads the comment. MySQL has no such limit for writes.
    limits = f"innodb_lock_wait_timeout={lock_wait_seconds}"
    limits += f" /*M!100100 , max_statement_time={statement_seconds} */"
    with extras.needed_for("[database] connection = mysql+mysqldb://…"):
        engine = _mariadb_engine(url, options, limits)
    event.listen(engine, "connect", _keep_alive)
    return engine


def _mariadb_engine(
    url: sqlalchemy.URL, options: dict[str, Any], limits: str
) -> sqlalchemy.Engine:
    return sqlalchemy.create_engine(
        url,
        isolation_level="READ COMMITTED",
        # Every transaction ends before its connection returns to the pool. No second ROLLBACK.
        pool_reset_on_return=None,
        pool_recycle=3600,  # the server closes a connection that idles for wait_timeout, 8 h
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "charset": "utf8mb4",
            "init_command": f"SET SESSION {limits}",
            "local_infile": False,  # else a server could ask mysqlclient for any file of this host
            **_verified(url),
        },
        **options,
    )


def _verified(url: sqlalchemy.URL) -> dict[str, str]:
    """PyMySQL asks whose certificate it is when it has a CA. mysqlclient needs to be told to."""
    query = url.query
    if url.get_driver_name() != "mysqldb" or "ssl_mode" in query:
        return {}
    if {"ssl_ca", "ssl_capath"}.isdisjoint(query) or _is_off(query.get("ssl_check_hostname")):
        return {}
    return {"ssl_mode": "VERIFY_IDENTITY"}


def _is_off(value: object) -> bool:
    return str(value).lower() in ("false", "0", "no", "off")


def _keep_alive(connection: Any, _record: object) -> None:
    """The drivers offer no setting for this, so their socket is set up from outside."""
    if hasattr(connection, "fileno"):
        descriptor = connection.fileno()  # of mysqlclient
    else:
        descriptor = connection._sock.fileno()  # noqa: SLF001  # of PyMySQL, no public way
    with socket.socket(fileno=os.dup(descriptor)) as channel:
        _set_keepalive(channel)


def _set_keepalive(channel: socket.socket) -> None:
    if channel.family == socket.AF_UNIX:
        return
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, SILENT_SECONDS_BEFORE_KEEPALIVE)
    channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_SECONDS)
    channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVES)

"""Which database errors another attempt may heal, and which constraint an error names.

Pure functions of the driver's exception (or SQLAlchemy's wrapper of it). The drivers are not
imported. What their errors carry tells them apart: psycopg has `sqlstate`, PyMySQL and mysqlclient
a number as their first argument, sqlite3 `sqlite_errorcode`.
"""

import re
import sqlite3
from typing import Final

TRANSIENT_SQLSTATES: Final = frozenset(
    {
        "40001",  # serialization_failure
        "40P01",  # deadlock_detected
        "55P03",  # lock_not_available: NOWAIT, lock_timeout
    }
)
LOST_SQLSTATES: Final = frozenset({"57P01", "57P02", "57P03", "57P05"})
"""Administrator's shutdown, crash of another backend, starting up, idle session closed."""

TRANSIENT_MYSQL: Final = frozenset(
    {
        1020,  # the record has changed since it was read (innodb_snapshot_isolation)
        1040,  # too many connections
        1047,  # Galera: the node is not ready for queries
        1205,  # lock wait timeout
        1213,  # deadlock; in Galera also a certification failure, at COMMIT too
    }
)
LOST_MYSQL: Final = frozenset(
    {0, 1053, 1927, 2002, 2003, 2005, 2006, 2013, 2014, 2026, 2055, 4031}
)
"""0 is PyMySQL's InterfaceError for a connection that it closed itself; 1053 a server shutdown,
1927 a killed connection, 2002 and 2003 nobody listening, 2005 and 2026 mysqlclient's for a name
without an address and for a failure of TLS, 4031 an idle connection closed."""
COMMIT_FAILED_MYSQL: Final = 1180
"""On Galera: undone for another's transaction, or the node lost its group during the COMMIT, and
nobody knows whether that took effect."""

TIMEOUT_SQLSTATE: Final = "57014"
"""query_canceled: by statement_timeout, or by an administrator."""
TIMEOUT_MYSQL: Final = frozenset({1969, 3024})
"""max_statement_time of MariaDB, max_execution_time of MySQL."""

DUPLICATE_MYSQL: Final = 1062
FOREIGN_KEY_MYSQL: Final = frozenset({1216, 1217, 1451, 1452})


def is_transient(error: BaseException) -> bool:
    """Whether the same transaction may succeed when it is run again, whole, on this connection."""
    cause = _cause(error)
    if isinstance(cause, sqlite3.Error):
        return _sqlite_code(cause) & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
    code = _mysql_code(cause)
    if code is not None:
        return code in TRANSIENT_MYSQL or "wsrep" in str(cause).lower()
    return _sqlstate(cause) in TRANSIENT_SQLSTATES


def is_disconnect(error: BaseException) -> bool:
    """Whether the connection is gone, or could not be made, or is of no use any more."""
    cause = _cause(error)
    code = _mysql_code(cause)
    if code is not None:
        unknown_end = code == COMMIT_FAILED_MYSQL and not is_transient(cause)
        return code in LOST_MYSQL or unknown_end
    if type(cause).__module__.startswith("psycopg"):
        state = _sqlstate(cause)
        if state is None:  # only an error without a server, or one that lost it, has no state
            return type(cause).__name__ in {"OperationalError", "InterfaceError"} or isinstance(
                cause, OSError
            )
        return state in LOST_SQLSTATES or state.startswith("08")
    return False


def is_timeout(error: BaseException) -> bool:
    """Whether the database ended a statement because it took too long."""
    cause = _cause(error)
    if isinstance(cause, sqlite3.Error):
        return _sqlite_code(cause) == sqlite3.SQLITE_INTERRUPT
    code = _mysql_code(cause)
    return code in TIMEOUT_MYSQL if code is not None else _sqlstate(cause) == TIMEOUT_SQLSTATE


def is_duplicate_key(error: BaseException, key: str | None = None) -> bool:
    """Whether a unique constraint refused the row; with `key`, whether it was that one.

    `key` is the constraint's name in `ipam.store.tables`, such as
    `uq_port_network_pk_mac_address`. Not every database tells the name of a primary key.
    """
    cause = _cause(error)
    code = _mysql_code(cause)
    if isinstance(cause, sqlite3.Error):
        duplicate = _sqlite_code(cause) in {
            sqlite3.SQLITE_CONSTRAINT_UNIQUE,
            sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
        }
    elif code is not None:
        duplicate = code == DUPLICATE_MYSQL
    else:
        duplicate = _sqlstate(cause) == "23505"
    return duplicate and (key is None or key == violated_constraint(error))


def is_foreign_key_violation(error: BaseException) -> bool:
    """Whether a deleted row is still referred to, or a row that is referred to is missing."""
    cause = _cause(error)
    if isinstance(cause, sqlite3.Error):
        return _sqlite_code(cause) in {
            sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY,
            sqlite3.SQLITE_CONSTRAINT_TRIGGER,  # how a RESTRICT action reports itself
        }
    code = _mysql_code(cause)
    if code is not None:
        return code in FOREIGN_KEY_MYSQL
    return _sqlstate(cause) == "23503"


def violated_constraint(error: BaseException) -> str | None:
    """The name of the constraint that refused, or None if the database does not tell it.

    SQLite names the columns of a unique constraint instead; `ipam.store.tables` names constraints
    after their columns, so the name follows. It says nothing about foreign keys.
    """
    cause = _cause(error)
    text = str(cause)
    if isinstance(cause, sqlite3.Error):
        columns = re.findall(r"(\w+)\.(\w+)", text)
        table = columns[0][:1] if columns else ()
        return "_".join(["uq", *table, *(column for _, column in columns)]) if columns else None
    if _mysql_code(cause) is not None:
        match = re.search(r"CONSTRAINT `([^`]+)`", text) or re.search(r"for key '([^']+)'", text)
        return match[1].rpartition(".")[2] if match else None
    name = getattr(getattr(cause, "diag", None), "constraint_name", None)
    return name if isinstance(name, str) else None


def _cause(error: BaseException) -> BaseException:
    """The driver's error inside SQLAlchemy's, or the error itself."""
    original = getattr(error, "orig", None)
    return original if isinstance(original, BaseException) else error


def _sqlite_code(cause: sqlite3.Error) -> int:
    return getattr(cause, "sqlite_errorcode", 0)


def _mysql_code(cause: BaseException) -> int | None:
    if not type(cause).__module__.startswith(("pymysql", "MySQLdb")):
        return None
    return cause.args[0] if cause.args and isinstance(cause.args[0], int) else -1


def _sqlstate(cause: BaseException) -> str | None:
    state = getattr(cause, "sqlstate", None)
    return state if isinstance(state, str) else None

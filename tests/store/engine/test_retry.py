"""Real errors of real databases are recognised."""

from collections.abc import Callable

import pymysql
import pytest
from sqlalchemy import Executable, delete, insert, text
from sqlalchemy.exc import DBAPIError

from ipam.store import tables
from ipam.store.engine.database import Database
from ipam.store.engine.retry import (
    is_disconnect,
    is_duplicate_key,
    is_foreign_key_violation,
    is_transient,
    violated_constraint,
)
from tests.store.rows import NETWORK


class MysqlclientError(Exception):
    """As mysqlclient's, which not every machine has."""

    __module__ = "MySQLdb"


@pytest.fixture
def refusal(database: Database) -> Callable[..., DBAPIError]:
    """A function that gives the error of a statement."""

    def run(statement: Executable, values: object = None) -> DBAPIError:
        with pytest.raises(DBAPIError) as caught:
            database.write(lambda tx: tx.execute(statement, values))
        return caught.value

    return run


def test_a_second_row_with_a_unique_value_names_its_constraint(
    database: Database, refusal: Callable[..., DBAPIError]
) -> None:
    database.write(lambda tx: tx.execute(insert(tables.network), NETWORK))
    error = refusal(insert(tables.network), NETWORK)
    assert is_duplicate_key(error)
    assert is_duplicate_key(error, "uq_network_id")
    assert not is_duplicate_key(error, "uq_port_id")
    assert not is_foreign_key_violation(error)
    assert not is_transient(error)
    assert not is_disconnect(error)


def test_a_unique_constraint_of_two_columns_has_the_name_of_both(
    database: Database, refusal: Callable[..., DBAPIError]
) -> None:
    lease = {
        "id": "one",
        "network_id": "n",
        "ip_address": b"\n\0\0\1",
        "project_id": "p",
        "host": "h",
        "first_seen_at_us": 1,
        "last_seen_at_us": 1,
    }
    database.write(lambda tx: tx.execute(insert(tables.lease), lease))
    error = refusal(insert(tables.lease), lease | {"id": "two"})
    assert is_duplicate_key(error, "uq_lease_network_id_ip_address")


def test_a_missing_parent_is_a_foreign_key_violation(
    refusal: Callable[..., DBAPIError], backend: str
) -> None:
    row = {"subnet_pk": 4711, "first": b"\n\0\0\1", "last": b"\n\0\0\2"}
    error = refusal(insert(tables.allocation_pool), row)
    assert is_foreign_key_violation(error)
    assert not is_duplicate_key(error)
    if backend != "sqlite":  # which does not tell
        assert violated_constraint(error) == "fk_allocation_pool_subnet_pk"


def test_a_row_that_others_refer_to_cannot_go(
    database: Database, refusal: Callable[..., DBAPIError]
) -> None:
    key = database.write(
        lambda tx: tx.execute(insert(tables.network), NETWORK).inserted_primary_key
    )
    assert key is not None
    subnet = {name: NETWORK[name] for name in ("id", "project_id", "created_at", "updated_at")}
    empty = {"dns_nameservers": [], "host_routes": [], "service_types": [], "cidr": ""}
    subnet |= {"network_pk": key[0], "ip_version": 4, "enable_dhcp": True, **empty}
    database.write(lambda tx: tx.execute(insert(tables.subnet), subnet))
    assert is_foreign_key_violation(refusal(delete(tables.network)))


def test_a_statement_with_a_fault_is_not_tried_again(
    refusal: Callable[..., DBAPIError],
) -> None:
    error = refusal(text("SELECT no_such_column FROM network"))
    assert not is_transient(error)
    assert not is_disconnect(error)


@pytest.mark.parametrize(
    ("error", "transient", "lost"),
    [
        (pymysql.err.OperationalError(1213, "Deadlock found"), True, False),
        (pymysql.err.OperationalError(1205, "Lock wait timeout exceeded"), True, False),
        (pymysql.err.OperationalError(1020, "Record has changed since last read"), True, False),
        (pymysql.err.OperationalError(1047, "WSREP has not yet prepared node"), True, False),
        (pymysql.err.InternalError(1180, "wsrep aborted transaction"), True, False),
        (pymysql.err.OperationalError(2006, "MySQL server has gone away"), False, True),
        (pymysql.err.OperationalError(2013, "Lost connection during query"), False, True),
        (pymysql.err.OperationalError(1180, "Not connected to Primary Component"), False, True),
        (pymysql.err.InterfaceError(0, ""), False, True),
        (pymysql.err.ProgrammingError(1064, "You have an error in your SQL syntax"), False, False),
        (MysqlclientError(1213, "Deadlock found"), True, False),
        (MysqlclientError(1180, "wsrep aborted transaction"), True, False),
        (MysqlclientError(1180, "Not connected to Primary Component"), False, True),
        (MysqlclientError(2005, "Unknown server host"), False, True),
        (MysqlclientError(2013, "Lost connection to server during query"), False, True),
        (MysqlclientError(2026, "TLS/SSL error: certificate has expired"), False, True),
        (MysqlclientError(1064, "You have an error in your SQL syntax"), False, False),
        (ValueError("not of a database"), False, False),
    ],
    ids=str,
)
def test_errors_that_are_hard_to_provoke(error: Exception, transient: bool, lost: bool) -> None:
    assert (is_transient(error), is_disconnect(error)) == (transient, lost)

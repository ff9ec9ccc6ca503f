"""Rows of histories are there when their transaction is, and not otherwise."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Column, Integer, LargeBinary, MetaData, String, Table, func, insert, select

from ipam.store.engine import last_rows
from ipam.store.engine.database import Database, Transaction
from tests.store.statements import statements

_META = MetaData()
THINGS = Table(
    "last_things",
    _META,
    Column("pk", Integer, primary_key=True, autoincrement=True),
    Column("name", String(20)),
    Column("octets", LargeBinary(16)),
)
OTHERS = Table(
    "last_others",
    _META,
    Column("pk", Integer, primary_key=True, autoincrement=True),
    Column("name", String(20)),
)


@pytest.fixture
def tables(database: Database) -> Iterator[Database]:
    _META.create_all(database.engine)
    yield database
    _META.drop_all(database.engine)


def add(tx: Transaction, things: int, others: int) -> None:
    named = [(f"thing {number}", bytes([number] * 4)) for number in range(things)]
    last_rows.add(tx, THINGS, ("name", "octets"), named)
    last_rows.add(tx, OTHERS, ("name",), [(None,)] * others)


def counted(tx: Transaction) -> tuple[int, ...]:
    found = (tx.execute(select(func.count()).select_from(each)) for each in (THINGS, OTHERS))
    return tuple(each.scalar_one() for each in found)


@pytest.mark.parametrize("numbers", [(1, 1), (1, 0), (0, 0), (3, 1), (20, 30)])
def test_the_rows_of_each_table_are_committed(tables: Database, numbers: tuple[int, int]) -> None:
    tables.write(lambda tx: add(tx, *numbers))
    assert tables.read(counted) == numbers
    row = tables.read(lambda tx: tx.execute(select(THINGS).order_by(THINGS.c.pk)).first())
    assert row is None or tuple(row)[1:] == ("thing 0", b"\0\0\0\0")


def test_postgresql_is_asked_once_for_a_row_of_each(tables: Database) -> None:
    with statements(tables) as seen:
        tables.write(lambda tx: add(tx, 1, 1))
    inserts = [text for text, _ in seen if "INSERT" in text]
    assert len(inserts) == (1 if tables.engine.dialect.name == "postgresql" else 2)


def test_a_statement_sees_the_rows_that_are_written_now(tables: Database) -> None:
    def work(tx: Transaction) -> tuple[int, ...]:
        add(tx, 1, 1)
        before = counted(tx)
        last_rows.write_now(tx)
        add(tx, 2, 0)
        return before + counted(tx)

    assert tables.write(work) == (0, 0, 1, 1)
    assert tables.read(counted) == (3, 1)


def test_of_a_transaction_that_fails_no_row_stays(tables: Database) -> None:
    def fail(tx: Transaction) -> None:
        add(tx, 1, 1)
        raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        tables.write(fail)
    tables.write(lambda tx: tx.execute(insert(OTHERS), {"name": "later"}))
    assert tables.read(counted) == (0, 1)
    assert not last_rows._WAITING  # what stays there stays for ever

"""A statement that is compiled once does what SQLAlchemy would have it do."""

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select
from sqlalchemy.exc import IntegrityError

from ipam.store.engine import frequent
from ipam.store.engine.database import Database

THINGS = Table(
    "frequent_things",
    MetaData(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", String(20)),
)
ADD = insert(THINGS)


def test_each_row_is_counted_and_a_double_refused(database: Database) -> None:
    THINGS.create(database.engine)

    def add(number: int, name: str) -> int:
        row = {"name": name, "number": number}
        return database.write(lambda tx: frequent.run(tx, ADD, row).rowcount)

    assert [add(number, f"thing {number}") for number in (1, 2)] == [1, 1]
    with pytest.raises(IntegrityError):
        add(2, "again")
    found = database.read(lambda tx: tx.execute(select(THINGS).order_by(THINGS.c.number)).all())
    assert [tuple(row) for row in found] == [(1, "thing 1"), (2, "thing 2")]

"""What the rows of all resources have in common: numbers, revisions, times, locks."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    CursorResult,
    Delete,
    Insert,
    Select,
    Update,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy import Table as Table  # noqa: PLC0414  # the API names the type, not the library

from ipam import clock, model
from ipam.chunks import alternatives
from ipam.store.engine import bulk, reading
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Collection, Record


def with_standard_columns(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a new row with its id, revision and times."""
    now = clock.now_seconds()
    standard = {"id": model.new_id(), "revision_number": 0, "created_at": now, "updated_at": now}
    return standard | dict(values)


def insert_one(tx: Transaction, table: Table, values: Mapping[str, Any]) -> int:
    """Insert a row; its number."""
    key = tx.execute(_insert(table), values).inserted_primary_key
    assert key is not None, table.name
    return int(key[0])


def insert_many(tx: Transaction, table: Table, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert rows that have the same columns; their numbers in the same order."""
    if len(rows) == 1:
        return [insert_one(tx, table, rows[0])]
    bulk.insert_values(tx, table, rows)
    pks: dict[str, int] = {}
    ids = [row["id"] for row in rows]
    for some in alternatives(ids):
        found = select(table.c.id, table.c.pk).where(table.c.id.in_(some))
        pks |= {row.id: row.pk for row in tx.execute(found)}
    return [pks[each] for each in ids]


def find(tx: Transaction, table: Table, resource_id: str) -> Record | None:
    """The row with this id. What is no id is not asked for: PostgreSQL takes no NUL, for one."""
    if not model.is_uuid(resource_id):
        return None
    return tx.execute(select(table).where(table.c.id == resource_id)).one_or_none()


def lock(tx: Transaction, table: Table, resource_id: str) -> Record | None:
    """The row with this id, locked until the transaction ends; see `find`."""
    if not model.is_uuid(resource_id):
        return None
    row = tx.execute(_lock(table), {"the_id": resource_id}).one_or_none()
    if row is not None and tx.notes is not None:
        tx.notes.held[table.name, row.pk] = row
    return row


def touch(tx: Transaction, table: Table, pk: int, values: Mapping[str, Any]) -> int:
    """Set these values, the next revision and the time; the number of rows found (0 or 1)."""
    return _touched(tx, table, pk, values, _touch(table)).rowcount


def touch_and_read(
    tx: Transaction, collection: Collection, held: Record, values: Mapping[str, Any]
) -> Record:
    """Like `touch` for a row that is `held`, so locked; as the collection reads it afterwards.

    PostgreSQL gives that with its UPDATE. Had this to wait for the row, it would give what other
    tables say of it as it was before the wait.
    """
    table: Any = collection.pk.table
    if tx.dialect == "postgresql":
        return _touched(tx, table, held.pk, values, _touch_and_read(collection)).one()
    touch(tx, table, held.pk, values)
    row = reading.read_one(tx, collection, held.id)
    assert row is not None, f"{table.name} {held.id} is locked, and gone"
    return row


def _touched(
    tx: Transaction, table: Table, pk: int, values: Mapping[str, Any], statement: Update
) -> CursorResult[*tuple[Any, ...]]:
    if tx.notes is not None:
        tx.notes.touch(table.name, pk, values)
    new = {**values, "the_pk": pk, "updated_at": clock.now_seconds()}
    return tx.execute(statement, new)


def delete_one(tx: Transaction, table: Table, pk: int) -> None:
    """Delete the row with this number."""
    tx.execute(_delete(table), {"the_pk": pk})


# Statements that every request needs are made once: SQLAlchemy walks through each new statement
# object to find out whether it has compiled it before.


@cache
def _insert(table: Table) -> Insert:
    return insert(table)


@cache
def _lock(table: Table) -> Select[Any]:
    return select(table).where(table.c.id == bindparam("the_id")).with_for_update()


@cache
def _touch(table: Table) -> Update:
    """Sets the columns that the parameters name, too."""
    next_revision = table.c.revision_number + 1
    return (
        update(table)
        .where(table.c.pk == bindparam("the_pk"))
        .values(revision_number=next_revision)
    )


@cache
def _touch_and_read(collection: Collection) -> Any:
    """The UPDATE of a table that is joined with one other."""
    source: Any = collection.source
    return _touch(source.left).where(source.onclause).returning(*collection.selected)


@cache
def _delete(table: Table) -> Delete:
    return delete(table).where(table.c.pk == bindparam("the_pk"))

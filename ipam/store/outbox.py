"""Statements on tables of things that a worker sends: who sends what, and when again.

Such a table has the columns pk, created_at_us, send_at_us, attempts and last_error. A row is
written in the transaction of the change that it reports, so it exists exactly when the change
does. It is deleted when it has arrived. After a crash it is sent again.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, func, select, update

from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record

AT_ONCE_US: Final = 0
"""A time to send that is in the past on every host, even one with a wrong clock."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many rows are in the outbox, and when the oldest was made (None: no rows)."""

    events: int
    oldest_at_us: int | None


def is_due(tx: Transaction, table: Table, *conditions: ColumnElement[bool], now_us: int) -> bool:
    """Whether there is something to claim."""
    query = select(table.c.pk).where(table.c.send_at_us <= now_us, *conditions).limit(1)
    return tx.execute(query).first() is not None


def claim(
    tx: Transaction,
    table: Table,
    *conditions: ColumnElement[bool],
    now_us: int,
    hold_us: int,
    limit: int,
) -> list[Record]:
    """The oldest rows that are due, at most `limit`, in the order in which they were made.

    No other worker gets them for `hold_us`. Rows that another worker is claiming are skipped.
    Their `attempts` are those before this one.
    """
    query = (
        select(table)
        .where(table.c.send_at_us <= now_us, *conditions)
        .order_by(table.c.send_at_us, table.c.pk)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = tx.execute(query).all()
    if not found:
        return []
    held = update(table).where(table.c.pk.in_([row.pk for row in found]))
    tx.execute(held.values(send_at_us=now_us + hold_us, attempts=table.c.attempts + 1))
    return sorted(found, key=lambda row: row.pk)


def postpone(
    tx: Transaction, table: Table, pk: int, *, attempts: int, send_at_us: int, last_error: str
) -> None:
    """Send the row again at that time, unless another worker has claimed it meanwhile."""
    mine = (table.c.pk == pk, table.c.attempts == attempts)
    room: Any = table.c.last_error.type
    values = {"send_at_us": send_at_us, "last_error": last_error[: room.length]}
    tx.execute(update(table).where(*mine).values(**values))


def waiting(tx: Transaction, table: Table) -> Waiting:
    """What is in the outbox."""
    row = tx.execute(
        select(func.count(), func.min(table.c.created_at_us)).select_from(table)
    ).one()
    return Waiting(int(row[0]), None if row[1] is None else int(row[1]))

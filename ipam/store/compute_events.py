"""Statements on the outbox of events for Nova.

An event is written in the transaction of the change that it reports, so it exists exactly when
the change does. It is deleted after Nova has accepted it. After a crash it is sent again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, func, insert, select, update

from ipam import clock
from ipam.rules.nova_events import ComputeEvent
from ipam.store import tables
from ipam.store.engine.database import Transaction

_T = tables.compute_event

AT_ONCE_US: Final = 0
"""A time to send that is in the past on every host, even one with a wrong clock."""


ERROR_LENGTH: Final = 255


@dataclass(frozen=True, slots=True)
class Claimed:
    """An event that only this worker sends, until its claim ends."""

    pk: int
    event: ComputeEvent
    created_at_us: int
    attempts: int
    """This one included."""
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many events are in the outbox, and when the oldest was made (None: no events)."""

    events: int
    oldest_at_us: int | None


def put(tx: Transaction, events: Sequence[ComputeEvent]) -> None:
    """Add events, to be sent at once."""
    now_us = clock.now_microseconds()
    new = [
        {
            "name": event.name,
            "server_id": event.server_id,
            "port_id": event.port_id,
            "created_at_us": now_us,
            "send_at_us": AT_ONCE_US,
            "attempts": 0,
        }
        for event in events
    ]
    if new:
        tx.execute(insert(_T), new)


def is_due(tx: Transaction, *, now_us: int) -> bool:
    """Whether there is something to claim."""
    query = select(_T.c.pk).where(_T.c.send_at_us <= now_us).limit(1)
    return tx.execute(query).first() is not None


def claim(tx: Transaction, *, now_us: int, hold_us: int, limit: int) -> list[Claimed]:
    """The oldest events that are due, at most `limit`, in the order in which they were made.

    No other worker gets them for `hold_us`. Events that another worker is claiming are skipped.
    """
    query = (
        select(_T)
        .where(_T.c.send_at_us <= now_us)
        .order_by(_T.c.send_at_us, _T.c.pk)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = tx.execute(query).all()
    if not found:
        return []
    held = update(_T).where(_T.c.pk.in_([row.pk for row in found]))
    tx.execute(held.values(send_at_us=now_us + hold_us, attempts=_T.c.attempts + 1))
    return [
        Claimed(
            row.pk,
            ComputeEvent(row.name, row.server_id, row.port_id),
            row.created_at_us,
            row.attempts + 1,
            row.last_error,
        )
        for row in sorted(found, key=lambda row: row.pk)
    ]


def done(tx: Transaction, claimed: Sequence[Claimed]) -> None:
    """Delete events that need not be sent again."""
    if claimed:
        tx.execute(delete(_T).where(_T.c.pk.in_([each.pk for each in claimed])))


def postpone(tx: Transaction, claimed: Claimed, *, send_at_us: int, last_error: str) -> None:
    """Send the event again at that time, unless another worker has claimed it meanwhile."""
    mine = (_T.c.pk == claimed.pk, _T.c.attempts == claimed.attempts)
    values = {"send_at_us": send_at_us, "last_error": last_error[:ERROR_LENGTH]}
    tx.execute(update(_T).where(*mine).values(**values))


def waiting(tx: Transaction) -> Waiting:
    """What is in the outbox."""
    row = tx.execute(select(func.count(), func.min(_T.c.created_at_us)).select_from(_T)).one()
    return Waiting(int(row[0]), None if row[1] is None else int(row[1]))

"""Statements on the outbox of events for Nova.

An event is deleted after Nova has accepted it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert

from ipam import clock
from ipam.rules.nova_events import ComputeEvent
from ipam.store import outbox, tables
from ipam.store.engine.database import Transaction
from ipam.store.outbox import AT_ONCE_US, Waiting

_T = tables.compute_event


@dataclass(frozen=True, slots=True)
class Claimed:
    """An event that only this worker sends, until its claim ends."""

    pk: int
    event: ComputeEvent
    created_at_us: int
    attempts: int
    """This one included."""
    last_error: str = ""


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
    return outbox.is_due(tx, _T, now_us=now_us)


def claim(tx: Transaction, *, now_us: int, hold_us: int, limit: int) -> list[Claimed]:
    """The oldest events that are due, at most `limit`: see `outbox.claim`."""
    return [
        Claimed(
            row.pk,
            ComputeEvent(row.name, row.server_id, row.port_id),
            row.created_at_us,
            row.attempts + 1,
            row.last_error,
        )
        for row in outbox.claim(tx, _T, now_us=now_us, hold_us=hold_us, limit=limit)
    ]


def done(tx: Transaction, claimed: Sequence[Claimed]) -> None:
    """Delete events that need not be sent again."""
    if claimed:
        tx.execute(delete(_T).where(_T.c.pk.in_([each.pk for each in claimed])))


def postpone(tx: Transaction, claimed: Claimed, *, send_at_us: int, last_error: str) -> None:
    """Send the event again at that time, unless another worker has claimed it meanwhile."""
    outbox.postpone(
        tx,
        _T,
        claimed.pk,
        attempts=claimed.attempts,
        send_at_us=send_at_us,
        last_error=last_error,
    )


def waiting(tx: Transaction) -> Waiting:
    """What is in the outbox."""
    return outbox.waiting(tx, _T)

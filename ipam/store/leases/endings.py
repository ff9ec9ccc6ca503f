"""Ends leases that no DHCP server ended, and forgets old history."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, insert, select

from ipam import clock, model
from ipam.chunks import alternatives
from ipam.model import LeaseAction
from ipam.rules.leases import Key, Lease, LeaseEvent
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.store.leases import own_names
from ipam.store.tables import lease, lease_event

_COPIED: Final = (
    *sorted(
        {*Lease.__struct_fields__} & {*LeaseEvent.__struct_fields__} & {*lease_event.c.keys()}
    ),
    "project_id",
    "port_id",
)
"""The columns of a lease that the event of its end copies."""


def end_of_port(tx: Transaction, port_id: str, reason: str) -> int:
    """Delete the port's leases and record the reason in the history; how many were deleted."""
    now_us = clock.now_microseconds()
    ended = tx.execute(_OF_PORT, {"of_port": port_id}).all()
    _end(tx, ended, [_end_event(row, "del", reason, now_us, now_us) for row in ended])
    return len(ended)


_OF_PORT: Final = select(lease).where(lease.c.port_id == bindparam("of_port"))


def stretch(tx: Transaction, *, after: int, rows: int) -> tuple[int, bool]:
    """The row number of the last of so many leases after a row number; whether there are more."""
    some = select(lease.c.pk).where(lease.c.pk > after).order_by(lease.c.pk).limit(rows).subquery()
    query = select(func.coalesce(func.max(some.c.pk), after), func.count())
    last, count = tx.execute(query.select_from(some)).one()
    return int(last), count == rows


def end_overdue(tx: Transaction, *, before: int, after: int, last: int, limit: int) -> list[Key]:
    """End leases that expired before this instant (epoch seconds); which were ended.

    Of those after one row number and up to another: no index finds what has expired. Each gets a
    `missed` event. Rows that another process has locked are skipped.
    """
    query = (
        select(lease)
        .where(lease.c.pk > after, lease.c.pk <= last, lease.c.expires_at < before)
        .order_by(lease.c.pk)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    overdue = tx.execute(query).all()
    now_us = clock.now_microseconds()
    _end(tx, overdue, [_missed(row, now_us) for row in overdue])
    own_names.note_changes(tx, {row.port_id for row in overdue if row.own_name and row.port_id})
    return [(row.network_id, row.ip_address) for row in overdue]


def forget_events(tx: Transaction, *, before_us: int, limit: int) -> int:
    """Delete the oldest events recorded before this instant, at most `limit`; how many were."""
    query = (
        select(lease_event.c.pk)
        .where(lease_event.c.recorded_at_us < before_us)
        .order_by(lease_event.c.recorded_at_us)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    pks = list(tx.execute(query).scalars())
    for some in alternatives(pks):
        tx.execute(delete(lease_event).where(lease_event.c.pk.in_(some)))
    return len(pks)


def _end(tx: Transaction, ended: Sequence[Record], events: Sequence[Mapping[str, Any]]) -> None:
    """Delete these leases and put the events of their ends into the history."""
    if ended:
        tx.execute(insert(lease_event), events)
        tx.execute(delete(lease).where(lease.c.pk.in_([row.pk for row in ended])))


def _missed(row: Record, now_us: int) -> Mapping[str, Any]:
    ended_at_us = min(max(row.expires_at * 1_000_000, row.last_seen_at_us), now_us)
    reason = "the lease ran out and no DHCP server reported its end"
    if row.source == model.SLAAC_LEASE:
        reason = "the machine was not seen with its address any more"
    return _end_event(row, "missed", reason, ended_at_us, now_us)


def _end_event(
    row: Record, action: LeaseAction, reason: str, occurred_at_us: int, recorded_at_us: int
) -> Mapping[str, Any]:
    return {name: getattr(row, name) for name in _COPIED} | {
        "id": model.new_id(),
        "action": action,
        "source": "service",
        "details": {"reason": reason},
        "occurred_at_us": occurred_at_us,
        "recorded_at_us": recorded_at_us,
    }

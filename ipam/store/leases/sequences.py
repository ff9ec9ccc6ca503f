"""How far each host has told its lease events, so that each is applied once and in order.

The ids in the history tell a repetition, too, but history is forgotten after a time.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select, update

from ipam.chunks import alternatives
from ipam.rules.leases import LeaseEvent
from ipam.store.engine.database import Transaction
from ipam.store.tables import lease_sequence


@dataclass(frozen=True, slots=True)
class Mark:
    """The last event that a host told."""

    epoch: str
    sequence: int


def read(tx: Transaction, hosts: Collection[str]) -> dict[str, Mark]:
    """How far these hosts are, locked until the transaction ends."""
    found: dict[str, Mark] = {}
    for some in alternatives(sorted(hosts)):
        query = (
            select(lease_sequence)
            .where(lease_sequence.c.host.in_(some))
            .order_by(lease_sequence.c.host)  # all writers lock in one order
            .with_for_update()
        )
        found.update({row.host: Mark(row.epoch, row.sequence) for row in tx.execute(query)})
    return found


def has(marks: Mapping[str, Mark], event: LeaseEvent) -> bool:
    """Whether the event was told before."""
    mark = marks.get(event.host)
    return (
        mark is not None
        and event.epoch == mark.epoch
        and event.sequence is not None
        and event.sequence <= mark.sequence
    )


def continues(marks: Mapping[str, Mark], event: LeaseEvent) -> bool:
    """Whether the event is of the life of which its host told last."""
    mark = marks.get(event.host)
    return mark is not None and event.epoch == mark.epoch and event.sequence is not None


def write(tx: Transaction, before: Mapping[str, Mark], events: Sequence[LeaseEvent]) -> None:
    """Note that the hosts have told these events. Raises IntegrityError if another was first."""
    last = {
        event.host: Mark(event.epoch, event.sequence)
        for event in events
        if event.epoch is not None and event.sequence is not None
    }
    for host, mark in sorted(last.items()):
        row = {"host": host, "epoch": mark.epoch, "sequence": mark.sequence}
        if host in before:
            tx.execute(update(lease_sequence).where(lease_sequence.c.host == host).values(row))
        else:
            tx.execute(insert(lease_sequence).values(row))

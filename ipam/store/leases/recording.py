"""Records lease events of DHCP servers: the history, and the leases that follow from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from ipam import clock, model
from ipam.rules.leases import Holder, Key, Lease, LeaseEvent, after_all, holder_of
from ipam.store import served_networks
from ipam.store.engine import bulk
from ipam.store.engine.database import Database, Transaction
from ipam.store.engine.rows_by_number import ByNumbers
from ipam.store.engine.write_again import write_again
from ipam.store.leases import sequences, touched
from ipam.store.tables import agent, lease, lease_event

_TOLD: Final = tuple(
    (LeaseEvent.__dataclass_fields__.keys() & set(lease_event.c.keys())) - {"details"}
)
"""The columns of the history that an event has. Its place in its epoch is kept by `sequences`."""
_HISTORY: Final = (*_TOLD, "details", "project_id", "port_id", "recorded_at_us")
_LEASE: Final = (*touched.STATE, "project_id", "subnet_id", "port_id")
_told_by: Final = attrgetter(*_TOLD)
_state_of: Final = attrgetter(*touched.STATE)
_GONE: Final = ByNumbers(delete(lease), lease.c.pk)


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many events of a batch were new, and how many were known."""

    applied: int
    duplicates: int


def record(database: Database, events: Sequence[LeaseEvent], *, reporter: str = "") -> Recorded:
    """Insert events into the history, each id once, and update the leases; all or nothing.

    The order of the events counts. If the `reporter`, a host, is not to be believed in all, only
    leases of networks that it serves, and leases that it gave, change.
    Raises DatabaseUnavailable when others keep interfering.
    """
    try:
        return database.write(lambda tx: _record(tx, events, reporter, trusting=True))
    except IntegrityError:
        pass
    # A batch collides only with its own repetition, or with another host's event for an address.
    return write_again(database, lambda tx: _record(tx, events, reporter))


def _record(
    tx: Transaction, events: Sequence[LeaseEvent], reporter: str, *, trusting: bool = False
) -> Recorded:
    """`trusting`: what goes on where its host ended has no id that the history has.

    If it has one after all, the history refuses it.
    """
    marks = sequences.read(tx, {event.host for event in events if event.epoch})
    new = [event for event in events if not sequences.has(marks, event)]
    first_of_id = {event.id: event for event in reversed(new)}
    unsure = [e.id for e in new if not (trusting and sequences.continues(marks, e))]
    known = touched.known_ids(tx, list(dict.fromkeys(unsure)))
    fresh = [e for e in new if e.id not in known and first_of_id[e.id] is e]
    sequences.write(tx, marks, new)
    keys = sorted({event.key for event in fresh})
    stored = touched.stored_leases(tx, keys) if keys else {}
    ended = touched.ends(tx, [e for e in fresh if not e.is_end and e.key not in stored])
    owners = touched.owners(tx, keys) if keys else {}
    projects = touched.projects(tx, {event.network_id for event in fresh})
    with_holders = [
        (event, holder_of(event, owners.get(event.key), projects.get(event.network_id, "")))
        for event in fresh
    ]
    now_us = clock.now_microseconds()
    rows = [_history_row(*each, now_us) for each in with_holders]
    bulk.insert_all(tx, lease_event, _HISTORY, rows)
    before = {key: each for key, (_, each) in stored.items()}
    believed = _believed(tx, with_holders, before, reporter) if reporter else with_holders
    leases = after_all(before, believed, ended, model.new_id)
    _write_leases(tx, stored, leases, {event.key: holder for event, holder in with_holders})
    return Recorded(len(fresh), len(events) - len(fresh))


def _believed(
    tx: Transaction,
    events: Sequence[tuple[LeaseEvent, Holder]],
    leases: Mapping[Key, Lease],
    reporter: str,
) -> list[tuple[LeaseEvent, Holder]]:
    """The events of networks that this host serves, or of leases that it gave."""
    own = (agent.c.host == reporter, agent.c.agent_type == model.DHCP_AGENT_TYPE)
    row = tx.execute(select(agent).where(*own)).one_or_none()
    ids = {event.network_id for event, _ in events}
    served = served_networks.served_ids(tx, row, list(ids)) if row else frozenset()
    gave = {key for key, lease_ in leases.items() if lease_.host == reporter}
    return [each for each in events if each[0].network_id in served or each[0].key in gave]


def _history_row(event: LeaseEvent, holder: Holder, recorded_at_us: int) -> tuple[Any, ...]:
    return (
        *_told_by(event),
        msgspec.json.encode(event.details).decode(),
        holder.project_id,
        holder.port_id,
        recorded_at_us,
    )


def _write_leases(
    tx: Transaction,
    stored: Mapping[Key, tuple[int, Lease]],
    leases: Mapping[Key, Lease | None],
    owners: Mapping[Key, Holder],
) -> None:
    """Insert, change and delete rows so that they become `leases`."""
    made, changed, gone = [], [], []
    for key, state in leases.items():
        pk, before = stored.get(key, (None, None))
        if state is None and pk is not None:
            gone.append(pk)
        elif state is not None and state != before:
            holder = owners[key]
            row = (*_state_of(state), holder.project_id, holder.subnet_id, holder.port_id)
            if pk is None:
                made.append(row)
            else:
                changed.append((pk, *row))
    for statement, parameters in _GONE.each(tx, gone) if gone else ():
        tx.execute(statement, parameters)
    bulk.insert_all(tx, lease, _LEASE, made)
    bulk.update_all(tx, lease, ("pk", *_LEASE), changed)

"""Records lease events of DHCP servers: the history, and the leases that follow from it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, case, delete, func, insert, select, tuple_, update

from ipam import clock, model
from ipam.chunks import MOST_PARAMETERS, alternatives
from ipam.rules.leases import (
    SERVICE,
    Holder,
    Key,
    Lease,
    LeaseEvent,
    after_all,
    holder_of,
)
from ipam.store import served_networks
from ipam.store.engine.database import Database, Transaction
from ipam.store.engine.write_again import write_again
from ipam.store.leases import sequences
from ipam.store.tables import agent, ip_address, lease, lease_event, network, port, subnet

MOST_KEYS: Final = MOST_PARAMETERS // 2
"""A key is two parameters."""

_STATE: Final = tuple(Lease.__dataclass_fields__)
_TOLD: Final = tuple(LeaseEvent.__dataclass_fields__.keys() & set(lease_event.c.keys()))
"""The columns of the history that an event has. Its place in its epoch is kept by `sequences`."""


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
    # A batch collides only with its own repetition, or with another host's event for an address.
    return write_again(database, lambda tx: _record(tx, events, reporter))


def _record(tx: Transaction, events: Sequence[LeaseEvent], reporter: str) -> Recorded:
    marks = sequences.read(tx, {event.host for event in events if event.epoch})
    new = [event for event in events if not sequences.has(marks, event)]
    first_of_id = {event.id: event for event in reversed(new)}
    known = _known_ids(tx, list(first_of_id))
    fresh = [e for e in new if e.id not in known and first_of_id[e.id] is e]
    sequences.write(tx, marks, new)
    keys = sorted({event.key for event in fresh})
    stored = _stored_leases(tx, keys)
    ended = _ends(tx, [e for e in fresh if not e.is_end and e.key not in stored])
    owners = _owners(tx, keys)
    projects = _projects(tx, {event.network_id for event in fresh})
    with_holders = [
        (event, holder_of(event, owners.get(event.key), projects.get(event.network_id, "")))
        for event in fresh
    ]
    now_us = clock.now_microseconds()
    if with_holders:
        rows = [_history_row(*each, now_us) for each in with_holders]
        tx.execute(insert(lease_event), rows)
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


def _known_ids(tx: Transaction, ids: Sequence[str]) -> set[str]:
    known: set[str] = set()
    for some in alternatives(ids):
        query = select(lease_event.c.id).where(lease_event.c.id.in_(some))
        known.update(tx.execute(query).scalars())
    return known


def _stored_leases(tx: Transaction, keys: Sequence[Key]) -> dict[Key, tuple[int, Lease]]:
    """The leases of these addresses with their row numbers, locked until the transaction ends."""
    found: dict[Key, tuple[int, Lease]] = {}
    columns = [lease.c[name] for name in _STATE]
    for some in alternatives(keys, MOST_KEYS):
        query = (
            select(lease.c.pk, *columns)
            .where(tuple_(lease.c.network_id, lease.c.ip_address).in_(some))
            .order_by(lease.c.pk)  # all writers lock in one order
            .with_for_update()
        )
        for row in tx.execute(query):
            state = Lease(*tuple(row)[1:])
            found[state.network_id, state.ip_address] = (row.pk, state)
    return found


def _ends(tx: Transaction, events: Sequence[LeaseEvent]) -> dict[Key, dict[str, int]]:
    """When the lease of each address was last ended, by host, if that is newer than an event.

    An event that arrives late must not bring back a lease that has ended since. `missed` events do
    not count: they are only a guess, which a renewal that arrives late corrects.
    """
    if not events:
        return {}
    oldest = min(event.occurred_at_us for event in events)
    ended: dict[Key, dict[str, int]] = {}
    by = case((lease_event.c.source == "service", SERVICE), else_=lease_event.c.host).label("by")
    for some in alternatives(sorted({event.key for event in events}), MOST_KEYS):
        query = (
            select(
                lease_event.c.network_id,
                lease_event.c.ip_address,
                by,
                func.max(lease_event.c.occurred_at_us).label("at_us"),
            )
            # Events are recorded after they occur, and this column has an index.
            .where(lease_event.c.recorded_at_us >= oldest, lease_event.c.action == "del")
            .where(tuple_(lease_event.c.network_id, lease_event.c.ip_address).in_(some))
            .group_by(lease_event.c.network_id, lease_event.c.ip_address, by)
        )
        for row in tx.execute(query):
            ended.setdefault((row.network_id, row.ip_address), {})[row.by] = row.at_us
    return ended


def _owners(tx: Transaction, keys: Sequence[Key]) -> dict[Key, Holder]:
    """The ports that own these addresses."""
    found: dict[Key, Holder] = {}
    for some in alternatives(keys, MOST_KEYS):
        query = (
            select(
                network.c.id.label("network_id"),
                ip_address.c.ip,
                subnet.c.id.label("subnet_id"),
                port.c.id.label("port_id"),
                port.c.project_id,
                port.c.mac_address,
                port.c.binding_host_id,
            )
            .join_from(ip_address, subnet, subnet.c.pk == ip_address.c.subnet_pk)
            .join(network, network.c.pk == subnet.c.network_pk)
            .join(port, port.c.pk == ip_address.c.owner_pk)
            .where(
                ip_address.c.ip.in_({address for _, address in some}),
                network.c.id.in_({network_id for network_id, _ in some}),
            )
        )
        for row in tx.execute(query):
            found[row.network_id, row.ip] = Holder(
                row.project_id, row.subnet_id, row.port_id, row.mac_address, row.binding_host_id
            )
    return found


def _projects(tx: Transaction, network_ids: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for some in alternatives(sorted(network_ids)):
        query = select(network.c.id, network.c.project_id).where(network.c.id.in_(some))
        found.update({row.id: row.project_id for row in tx.execute(query)})
    return found


def _history_row(event: LeaseEvent, holder: Holder, recorded_at_us: int) -> dict[str, Any]:
    return {name: getattr(event, name) for name in _TOLD} | {
        "project_id": holder.project_id,
        "port_id": holder.port_id,
        "recorded_at_us": recorded_at_us,
    }


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
            row = {name: getattr(state, name) for name in _STATE} | {
                "project_id": holder.project_id,
                "subnet_id": holder.subnet_id,
                "port_id": holder.port_id,
            }
            if pk is None:
                made.append(row)
            else:
                changed.append(row | {"b_pk": pk})
    for some in alternatives(gone):
        tx.execute(delete(lease).where(lease.c.pk.in_(some)))
    if made:
        tx.execute(insert(lease), made)
    if changed:
        tx.execute(update(lease).where(lease.c.pk == bindparam("b_pk")), changed)

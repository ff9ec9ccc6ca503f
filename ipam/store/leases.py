"""Leases and their history in the database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, insert, select, tuple_, update

from ipam import clock, model
from ipam.chunks import MOST_PARAMETERS, chunks
from ipam.rules.leases import Key, Lease, LeaseEvent, after
from ipam.store.engine import instants
from ipam.store.engine.database import Database, Transaction
from ipam.store.engine.listing import Collection
from ipam.store.engine.write_again import write_again
from ipam.store.tables import ip_address, lease, lease_event, network, port, subnet

MOST_KEYS: Final = MOST_PARAMETERS // 2
"""A key is two parameters."""

LEASES: Final = Collection(
    source=lease,
    selected=tuple(lease.c),
    columns={
        "id": lease.c.id,
        "network_id": lease.c.network_id,
        "subnet_id": lease.c.subnet_id,
        "port_id": lease.c.port_id,
        "project_id": lease.c.project_id,
        "tenant_id": lease.c.project_id,
        "ip_address": lease.c.ip_address,
        "mac_address": lease.c.mac_address,
        "client_id": lease.c.client_id,
        "duid": lease.c.duid,
        "iaid": lease.c.iaid,
        "hostname": lease.c.hostname,
        "host": lease.c.host,
        "expires_at": lease.c.expires_at,
        "first_seen_at": lease.c.first_seen_at_us,
        "last_seen_at": lease.c.last_seen_at_us,
    },
    id=lease.c.id,
    pk=lease.c.pk,
    special={
        "expires_at": instants.equal_seconds(lease.c.expires_at),
        "first_seen_at": instants.equal(lease.c.first_seen_at_us),
        "last_seen_at": instants.equal(lease.c.last_seen_at_us),
        # Both together: those that were held at some moment of that time, as far as was seen.
        "since": instants.at_or_after(lease.c.last_seen_at_us),
        "until": instants.before(lease.c.first_seen_at_us),
    },
)

EVENTS: Final = Collection(
    source=lease_event,
    selected=tuple(lease_event.c),
    columns={
        "id": lease_event.c.id,
        "network_id": lease_event.c.network_id,
        "port_id": lease_event.c.port_id,
        "project_id": lease_event.c.project_id,
        "tenant_id": lease_event.c.project_id,
        "action": lease_event.c.action,
        "ip_address": lease_event.c.ip_address,
        "mac_address": lease_event.c.mac_address,
        "client_id": lease_event.c.client_id,
        "duid": lease_event.c.duid,
        "iaid": lease_event.c.iaid,
        "hostname": lease_event.c.hostname,
        "host": lease_event.c.host,
        "expires_at": lease_event.c.expires_at,
        "occurred_at": lease_event.c.occurred_at_us,
        "recorded_at": lease_event.c.recorded_at_us,
    },
    id=lease_event.c.id,
    pk=lease_event.c.pk,
    special={
        "expires_at": instants.equal_seconds(lease_event.c.expires_at),
        "occurred_at": instants.equal(lease_event.c.occurred_at_us),
        "recorded_at": instants.equal(lease_event.c.recorded_at_us),
        # What occurred from an instant on was recorded from it on, and that column has an index.
        "since": instants.at_or_after(lease_event.c.occurred_at_us, lease_event.c.recorded_at_us),
        "until": instants.before(lease_event.c.occurred_at_us),
    },
    newest_first=True,
)

_STATE = tuple(Lease.__dataclass_fields__)
_COPIED = (
    *sorted(Lease.__dataclass_fields__.keys() & LeaseEvent.__dataclass_fields__.keys()),
    *("project_id", "port_id"),
)
"""What the event of a lease's end has of the lease."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many events of a batch were new, and how many were known."""

    applied: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class _Holder:
    """Who holds an address: what a lease of it is said to belong to."""

    project_id: str
    subnet_id: str | None = None
    port_id: str | None = None
    mac_address: str | None = None
    host: str = ""
    """To which its port is bound."""


def record(database: Database, events: Sequence[LeaseEvent]) -> Recorded:
    """Put events into the history, each id once, and bring the leases up to date; all or nothing.

    They are taken in their order. Raises DatabaseUnavailable when others keep interfering.
    """
    # A batch collides only with itself sent twice, or with another host's word on an address.
    return write_again(database, lambda tx: _record(tx, events))


def _record(tx: Transaction, events: Sequence[LeaseEvent]) -> Recorded:
    first_of_id = {event.id: event for event in reversed(events)}
    known = _known_ids(tx, list(first_of_id))
    fresh = [e for e in events if e.id not in known and first_of_id[e.id] is e]
    keys = sorted({event.key for event in fresh})
    stored = _stored_leases(tx, keys)
    ended = _ends(tx, [e for e in fresh if not e.is_end and e.key not in stored])
    holders = _holders(tx, keys)
    projects = _projects(tx, {event.network_id for event in fresh})

    leases: dict[Key, Lease | None] = {key: state for key, (_, state) in stored.items()}
    recorded_at_us = clock.now_microseconds()
    rows = []
    for event in fresh:
        before = leases.get(event.key)
        holder = _holder(event, holders, projects)
        if event.occurred_at_us >= ended.get(event.key, 0):
            leases[event.key] = after(before, event, model.new_id, bound_host=holder.host)
        if event.action == "del" and leases.get(event.key) is None:
            ended[event.key] = max(event.occurred_at_us, ended.get(event.key, 0))
        rows.append(_history_row(event, holder, recorded_at_us))
    if rows:
        tx.execute(insert(lease_event), rows)
    last_of_key = {event.key: event for event in fresh}
    owners = {key: _holder(event, holders, projects) for key, event in last_of_key.items()}
    _write_leases(tx, stored, leases, owners)
    return Recorded(len(fresh), len(events) - len(fresh))


def _known_ids(tx: Transaction, ids: Sequence[str]) -> set[str]:
    known: set[str] = set()
    for some in chunks(ids):
        query = select(lease_event.c.id).where(lease_event.c.id.in_(some))
        known.update(tx.execute(query).scalars())
    return known


def _stored_leases(tx: Transaction, keys: Sequence[Key]) -> dict[Key, tuple[int, Lease]]:
    """The leases of these addresses with their row numbers, locked until the transaction ends."""
    found: dict[Key, tuple[int, Lease]] = {}
    columns = [lease.c[name] for name in _STATE]
    for some in chunks(keys, MOST_KEYS):
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


def _ends(tx: Transaction, events: Sequence[LeaseEvent]) -> dict[Key, int]:
    """When a DHCP server last ended the lease of these addresses, if that is newer than an event.

    An event that was long on its way must not bring back what has ended since. `missed` is not
    asked for: it is a conclusion, and a renewal that arrives late refutes it.
    """
    if not events:
        return {}
    oldest = min(event.occurred_at_us for event in events)
    ended: dict[Key, int] = {}
    for some in chunks(sorted({event.key for event in events}), MOST_KEYS):
        query = (
            select(
                lease_event.c.network_id,
                lease_event.c.ip_address,
                func.max(lease_event.c.occurred_at_us).label("at_us"),
            )
            # Nothing is recorded before it occurs, and this column has an index.
            .where(lease_event.c.recorded_at_us >= oldest, lease_event.c.action == "del")
            .where(tuple_(lease_event.c.network_id, lease_event.c.ip_address).in_(some))
            .group_by(lease_event.c.network_id, lease_event.c.ip_address)
        )
        ended.update({(r.network_id, r.ip_address): r.at_us for r in tx.execute(query)})
    return ended


def _holders(tx: Transaction, keys: Sequence[Key]) -> dict[Key, _Holder]:
    """The ports that own these addresses now."""
    found: dict[Key, _Holder] = {}
    for some in chunks(keys, MOST_KEYS):
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
            found[row.network_id, row.ip] = _Holder(
                *(row.project_id, row.subnet_id, row.port_id, row.mac_address),
                row.binding_host_id,
            )
    return found


def _projects(tx: Transaction, network_ids: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for some in chunks(sorted(network_ids)):
        query = select(network.c.id, network.c.project_id).where(network.c.id.in_(some))
        found.update({row.id: row.project_id for row in tx.execute(query)})
    return found


def _holder(
    event: LeaseEvent, holders: Mapping[Key, _Holder], projects: Mapping[str, str]
) -> _Holder:
    """The holder that the event is about: not a port that has the address with another MAC."""
    holder = holders.get(event.key)
    project_id = projects.get(event.network_id, "")
    if holder is None:
        return _Holder(project_id)
    if event.mac_address and event.mac_address != holder.mac_address and not event.duid:
        return _Holder(project_id, holder.subnet_id)
    return holder


def _history_row(event: LeaseEvent, holder: _Holder, recorded_at_us: int) -> dict[str, Any]:
    return asdict(event) | {
        "project_id": holder.project_id,
        "port_id": holder.port_id,
        "recorded_at_us": recorded_at_us,
    }


def _write_leases(
    tx: Transaction,
    stored: Mapping[Key, tuple[int, Lease]],
    leases: Mapping[Key, Lease | None],
    owners: Mapping[Key, _Holder],
) -> None:
    """Bring the rows from `stored` to `leases`."""
    made, changed, gone = [], [], []
    for key, state in leases.items():
        pk, before = stored.get(key, (None, None))
        if state is None and pk is not None:
            gone.append(pk)
        elif state is not None and state != before:
            holder = owners[key]
            row = asdict(state) | {
                "project_id": holder.project_id,
                "subnet_id": holder.subnet_id,
                "port_id": holder.port_id,
            }
            if pk is None:
                made.append(row)
            else:
                changed.append(row | {"b_pk": pk})
    for some in chunks(gone):
        tx.execute(delete(lease).where(lease.c.pk.in_(some)))
    if made:
        tx.execute(insert(lease), made)
    if changed:
        tx.execute(update(lease).where(lease.c.pk == bindparam("b_pk")), changed)


def end_overdue(tx: Transaction, *, before: int, limit: int) -> int:
    """End leases whose time was up before this instant (epoch seconds); how many were ended.

    Each gets a `missed` event. Rows that another process is at work on are left to it.
    """
    query = (
        select(lease)
        .where(lease.c.expires_at < before)
        .order_by(lease.c.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    overdue = tx.execute(query).all()
    if not overdue:
        return 0
    now_us = clock.now_microseconds()
    tx.execute(insert(lease_event), [_missed(row, now_us) for row in overdue])
    tx.execute(delete(lease).where(lease.c.pk.in_([row.pk for row in overdue])))
    return len(overdue)


def _missed(row: Any, now_us: int) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _COPIED} | {
        "id": model.new_id(),
        "action": "missed",
        "details": {"reason": "the lease ran out and no DHCP server reported its end"},
        "occurred_at_us": min(max(row.expires_at * 1_000_000, row.last_seen_at_us), now_us),
        "recorded_at_us": now_us,
    }


def forget_events(tx: Transaction, *, before_us: int, limit: int) -> int:
    """Delete the oldest events recorded before this instant, at most `limit`; how many."""
    query = (
        select(lease_event.c.pk)
        .where(lease_event.c.recorded_at_us < before_us)
        .order_by(lease_event.c.recorded_at_us)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    pks = list(tx.execute(query).scalars())
    for some in chunks(pks):
        tx.execute(delete(lease_event).where(lease_event.c.pk.in_(some)))
    return len(pks)

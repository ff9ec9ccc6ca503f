"""Reads what a batch of lease events touches: leases, owners of addresses, earlier ends.

Each needs one statement for all addresses on PostgreSQL, which gets them as one parameter. The
others are asked for as many at a time as a statement has parameters.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network
from typing import Any, Final, TypeAlias

import msgspec
from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    Select,
    String,
    bindparam,
    case,
    column,
    func,
    select,
    tuple_,
)

from ipam.chunks import MOST_PARAMETERS, alternatives
from ipam.rules.leases import SERVICE, Holder, Key, Lease, LeaseEvent
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.store.tables import ip_address, lease, lease_event, network, port, subnet

MOST_KEYS: Final = MOST_PARAMETERS // 2
"""A key is two parameters."""
STATE: Final = Lease.__struct_fields__
"""The columns of a lease that are its state."""
HOLDER: Final = ("project_id", "subnet_id", "port_id")
"""The columns of a lease that say whose it is."""

_Pair: TypeAlias = tuple[ColumnElement[Any], ColumnElement[Any]]

_GIVEN: Final = (
    func.json_to_recordset(bindparam("given"))
    .table_valued(column("network_id", String), column("ip_address", LargeBinary))
    .render_derived(name="given", with_types=True)
)
_GIVEN_KEYS: Final = select(_GIVEN.c.network_id, _GIVEN.c.ip_address)
"""The keys of the parameter `given`, on PostgreSQL."""


class _OfKeys:
    """A statement for the rows whose network and address are one of many keys."""

    def __init__(self, statement: Select[Any], pair: _Pair) -> None:
        self._some = statement.where(tuple_(*pair).in_(bindparam("keys", expanding=True)))
        self._all = statement.where(tuple_(*pair).in_(_GIVEN_KEYS))

    def rows(self, tx: Transaction, keys: Sequence[Key], **more: Any) -> Iterator[Record]:
        """The rows. `more` are further parameters."""
        if tx.dialect == "postgresql":
            yield from tx.execute(self._all, {"given": _as_json(keys), **more})
            return
        for some in alternatives(keys, MOST_KEYS):
            yield from tx.execute(self._some, {"keys": some, **more})


def _as_json(keys: Sequence[Key]) -> str:
    given = [{"network_id": each, "ip_address": f"\\x{ip.hex()}"} for each, ip in keys]
    return msgspec.json.encode(given).decode()


def known_ids(tx: Transaction, ids: Sequence[str]) -> set[str]:
    """Those of these ids that the history has."""
    known: set[str] = set()
    for some in alternatives(ids):
        query = select(lease_event.c.id).where(lease_event.c.id.in_(some))
        known.update(tx.execute(query).scalars())
    return known


@dataclass(frozen=True, slots=True)
class Stored:
    """A row of a lease."""

    pk: int
    lease: Lease
    holder: tuple[str, str | None, str | None]
    """The values of `HOLDER`."""


def stored_leases(tx: Transaction, keys: Sequence[Key]) -> dict[Key, Stored]:
    """The leases of these addresses, locked until the transaction ends."""
    found: dict[Key, Stored] = {}
    for row in _STORED.rows(tx, keys):
        pk, project_id, subnet_id, port_id, *state = tuple(row)
        known = Lease(*state)
        key = known.network_id, known.ip_address
        found[key] = Stored(pk, known, (project_id, subnet_id, port_id))
    return found


_STORED: Final = _OfKeys(
    select(lease.c.pk, *(lease.c[name] for name in (*HOLDER, *STATE)))
    .order_by(lease.c.pk)  # all writers lock in one order
    .with_for_update(of=lease),
    (lease.c.network_id, lease.c.ip_address),
)


def ends(tx: Transaction, events: Sequence[LeaseEvent]) -> dict[Key, dict[str, int]]:
    """When the lease of each address was last ended, by host, if that is newer than an event.

    An event that arrives late must not bring back a lease that has ended since. `missed` events do
    not count: they are only a guess, which a renewal that arrives late corrects.
    """
    if not events:
        return {}
    oldest = min(event.occurred_at_us for event in events)
    ended: dict[Key, dict[str, int]] = {}
    for row in _ENDS.rows(tx, sorted({event.key for event in events}), oldest=oldest):
        ended.setdefault((row.network_id, row.ip_address), {})[row.by] = row.at_us
    return ended


_BY: Final = case((lease_event.c.source == "service", SERVICE), else_=lease_event.c.host)
_ENDS: Final = _OfKeys(
    select(
        lease_event.c.network_id,
        lease_event.c.ip_address,
        _BY.label("by"),
        func.max(lease_event.c.occurred_at_us).label("at_us"),
    )
    # Events are recorded after they occur, and this column has an index.
    .where(lease_event.c.recorded_at_us >= bindparam("oldest"), lease_event.c.action == "del")
    .group_by(lease_event.c.network_id, lease_event.c.ip_address, _BY),
    (lease_event.c.network_id, lease_event.c.ip_address),
)


def owners(tx: Transaction, keys: Sequence[Key]) -> dict[Key, Holder]:
    """The ports that own these addresses."""
    return {
        (row.network_id, row.ip): Holder(
            row.project_id, row.subnet_id, row.port_id, row.mac_address, row.binding_host_id
        )
        for row in _OWNERS.rows(tx, keys)
    }


_OWNERS: Final = _OfKeys(
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
    .join(port, port.c.pk == ip_address.c.owner_pk),
    (network.c.id, ip_address.c.ip),
)


def owners_by_mac(tx: Transaction, events: Sequence[LeaseEvent]) -> dict[Key, Holder]:
    """For the IPv6 addresses of these events, the ports of their networks with their MACs."""
    of_machine: dict[tuple[str, str], list[LeaseEvent]] = {}
    for event in events:
        if event.mac_address:
            of_machine.setdefault((event.network_id, event.mac_address), []).append(event)
    found: dict[Key, Holder] = {}
    for some in alternatives(list(of_machine), MOST_KEYS):
        of_networks, of_macs = zip(*some, strict=True)
        for row in tx.execute(_WITH_MAC, {"of_networks": of_networks, "of_macs": of_macs}):
            prefix, mac = IPv6Network(row.cidr), row.mac_address
            holder = Holder(row.project_id, row.subnet_id, row.port_id, mac, row.binding_host_id)
            mine = of_machine.get((row.network_id, mac), ())
            found |= {e.key: holder for e in mine if IPv6Address(e.ip_address) in prefix}
    return found


_WITH_MAC: Final = (
    select(
        network.c.id.label("network_id"),
        subnet.c.id.label("subnet_id"),
        subnet.c.cidr,
        port.c.id.label("port_id"),
        port.c.mac_address,
        port.c.project_id,
        port.c.binding_host_id,
    )
    .join_from(network, port, port.c.network_pk == network.c.pk)
    .join(subnet, subnet.c.network_pk == network.c.pk)
    # No pairs, so that each has its index. What then is of no pair is left out above.
    .where(
        network.c.id.in_(bindparam("of_networks", expanding=True)),
        port.c.mac_address.in_(bindparam("of_macs", expanding=True)),
        subnet.c.ip_version == 6,
    )
)


def projects(tx: Transaction, network_ids: Iterable[str]) -> dict[str, str]:
    """The project of each of these networks."""
    found: dict[str, str] = {}
    for some in alternatives(sorted(network_ids)):
        query = select(network.c.id, network.c.project_id).where(network.c.id.in_(some))
        found.update({row.id: row.project_id for row in tx.execute(query)})
    return found

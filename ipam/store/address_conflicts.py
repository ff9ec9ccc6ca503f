"""Statements on what is known of addresses that two machines have."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import Select, and_, or_, select

from ipam import clock, model
from ipam.chunks import alternatives
from ipam.store import tables
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record

MOST_LEASES: Final = 1000

_agent, _ip, _lease = tables.agent, tables.ip_address, tables.lease
_network, _port, _subnet = tables.network, tables.port, tables.subnet

Key = tuple[str, bytes]
"""A network's id and an address."""


def foreign_leases(tx: Transaction, network_id: str | None) -> list[Record]:
    """Leases of addresses of ports to machines with another MAC address than the port's."""
    query = (
        select(
            _lease.c.network_id,
            _lease.c.ip_address,
            _lease.c.mac_address,
            _lease.c.host,
            _lease.c.first_seen_at_us,
        )
        .select_from(_lease)
        .join(_network, _network.c.id == _lease.c.network_id)
        .join(_subnet, _subnet.c.network_pk == _network.c.pk)
        .join(_ip, and_(_ip.c.subnet_pk == _subnet.c.pk, _ip.c.ip == _lease.c.ip_address))
        .join(_port, _port.c.pk == _ip.c.owner_pk)
        .where(
            _lease.c.mac_address != _port.c.mac_address,
            _lease.c.source == model.DHCP_LEASE,
            or_(_lease.c.expires_at.is_(None), _lease.c.expires_at > clock.now_seconds()),
        )
    )
    if network_id is not None:
        query = query.where(_lease.c.network_id == network_id)
    return list(tx.execute(query.order_by(_lease.c.pk).limit(MOST_LEASES)))


def agents_facts(tx: Transaction, *, oldest_heartbeat: int) -> list[Record]:
    """The host and the `configurations` of each living agent."""
    query = select(_agent.c.host, _agent.c.configurations).where(
        _agent.c.agent_type == model.DHCP_AGENT_TYPE, _agent.c.heartbeat_at >= oldest_heartbeat
    )
    return list(tx.execute(query.order_by(_agent.c.host)))


def owners(tx: Transaction, keys: Iterable[Key]) -> Mapping[Key, Record]:
    """The ports that have the addresses: `network_id`, `ip`, `id`, `name`, `mac_address`."""
    by_address: dict[bytes, set[str]] = {}
    for network_id, address in keys:
        by_address.setdefault(address, set()).add(network_id)
    found: dict[Key, Any] = {}
    for some in alternatives(sorted(by_address)):
        for row in tx.execute(_OWNERS.where(_ip.c.ip.in_(some))):
            if row.network_id in by_address[row.ip]:
                found[row.network_id, row.ip] = row
    return found


_OWNERS: Final[Select[Any]] = (
    select(
        _network.c.id.label("network_id"),
        _network.c.project_id,
        _ip.c.ip,
        _port.c.id,
        _port.c.name,
        _port.c.mac_address,
    )
    .select_from(_ip)
    .join(_port, _port.c.pk == _ip.c.owner_pk)
    .join(_subnet, _subnet.c.pk == _ip.c.subnet_pk)
    .join(_network, _network.c.pk == _subnet.c.network_pk)
)

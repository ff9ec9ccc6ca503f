"""Makes networks and subnets again that hosts serve and a restored backup does not have.

A host knows how a network is served, and not from which addresses it is filled: a subnet that is
made again has no allocation pool, so that nothing is given until an admin says from where.
"""

from collections.abc import Iterable
from ipaddress import ip_network
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import select

from ipam import model
from ipam.protocol.dhcp_state import FullNetwork, ServedSubnet
from ipam.rules.segments import Segment
from ipam.store import subnet_counters, subnet_ranges, tables
from ipam.store.engine import rows
from ipam.store.engine.database import Transaction
from ipam.store.recovery import Estate, Recovery


class Returned(NamedTuple):
    """The ids of what was made."""

    networks: frozenset[str]
    subnets: frozenset[str]


def make(
    tx: Transaction, current: Recovery, estate: Estate, told: Iterable[FullNetwork]
) -> Returned:
    """Make what the estate lacks. What collides with something that is there is left out."""
    pks = {key: row.pk for key, row in estate.networks.items()}
    spans = {key: [(low, high) for _id, low, high in found] for key, found in estate.spans.items()}
    made_networks, made_subnets = set(), set()
    for network in told:
        if network.id not in pks:
            segment = Segment(
                network.network_type, network.physical_network, network.segmentation_id
            )
            if _is_taken(tx, segment):
                continue
            row = _network_row(network, segment, current)
            pks[network.id] = rows.insert_one(tx, tables.network, row)
            made_networks.add(network.id)
        mine = spans.setdefault(network.id, [])
        for subnet in network.subnets:
            if subnet.id in estate.subnets or subnet.id in made_subnets:
                continue
            cidr = ip_network(subnet.cidr)
            low, high = cidr.network_address.packed, cidr.broadcast_address.packed
            if any(len(one[0]) == len(low) and one[0] <= high and low <= one[1] for one in mine):
                continue
            _make_subnet(tx, pks[network.id], network, subnet, current)
            mine.append((low, high))
            made_subnets.add(subnet.id)
    return Returned(frozenset(made_networks), frozenset(made_subnets))


def _is_taken(tx: Transaction, segment: Segment) -> bool:
    found = select(tables.network.c.pk).where(tables.network.c.segment == segment.key)
    return segment.key is not None and tx.execute(found).first() is not None


def _network_row(network: FullNetwork, segment: Segment, current: Recovery) -> dict[str, Any]:
    return rows.with_standard_columns(
        {
            "id": network.id,
            "project_id": network.project_id,
            "name": network.name,
            "description": "taken back from its hosts after a restore",
            "revision_number": current.restored_at,
            "admin_state_up": network.admin_state_up,
            "shared": False,
            "mtu": network.mtu,
            "dns_domain": network.dns_domain,
            "port_security_enabled": True,
            "router_external": False,
            "is_default": False,
            "provider_network_type": segment.type,
            "provider_physical_network": segment.physical_network,
            "provider_segmentation_id": segment.id,
            "segment": segment.key,
        }
    )


def _make_subnet(
    tx: Transaction,
    network_pk: int,
    network: FullNetwork,
    subnet: ServedSubnet,
    current: Recovery,
) -> None:
    row = rows.with_standard_columns(
        {
            "id": subnet.id,
            "project_id": network.project_id,
            "name": subnet.name,
            "description": "taken back from its hosts after a restore",
            "revision_number": current.restored_at,
            "network_pk": network_pk,
            "ip_version": subnet.ip_version,
            "cidr": subnet.cidr,
            "gateway_ip": model.pack(subnet.gateway_ip) if subnet.gateway_ip else None,
            "enable_dhcp": subnet.enable_dhcp,
            "ipv6_ra_mode": subnet.ipv6_ra_mode,
            "ipv6_address_mode": subnet.ipv6_address_mode,
            "dns_nameservers": subnet.dns_nameservers,
            "host_routes": msgspec.to_builtins(subnet.host_routes),
            "service_types": [],
        }
    )
    pk = rows.insert_one(tx, tables.subnet, row)
    subnet_counters.open_(tx, pk)
    ranges = [(model.pack(one.start), model.pack(one.end)) for one in subnet.dynamic_ranges]
    subnet_ranges.set_dynamic_ranges(tx, pk, ranges)

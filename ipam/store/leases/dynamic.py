"""Statements on the ports that leases of dynamic ranges make."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import and_, select

from ipam import model
from ipam.chunks import alternatives
from ipam.rules.leases import Key
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.store.tables import dynamic_range, ip_address, network, port, subnet


@dataclass(frozen=True, slots=True)
class DynamicSubnet:
    """A subnet with dynamic ranges, and what a port of it needs to know."""

    pk: int
    id: str
    network_pk: int
    project_id: str
    port_security_enabled: bool


_SUBNET: Final = (
    subnet.c.pk,
    subnet.c.id,
    network.c.pk,
    network.c.project_id,
    network.c.port_security_enabled,
)
"""The columns of a DynamicSubnet."""

Dynamic = Mapping[str, Sequence[tuple[bytes, bytes, DynamicSubnet]]]
"""By network id: first and last address of each range, with its subnet."""


def subnet_of(dynamic: Dynamic, key: Key) -> DynamicSubnet | None:
    """The subnet in whose dynamic ranges the address is."""
    network_id, ip = key
    return next((s for low, high, s in dynamic.get(network_id, ()) if low <= ip <= high), None)


def ranges_of(tx: Transaction, network_ids: Collection[str]) -> Dynamic:
    """The dynamic ranges of these networks. Runs one statement where there are few networks."""
    found: dict[str, list[tuple[bytes, bytes, DynamicSubnet]]] = {}
    for some in alternatives(sorted(network_ids)):
        for row in tx.execute(_RANGES.where(network.c.id.in_(some))):
            first, last, network_id, *rest = tuple(row)
            found.setdefault(network_id, []).append((first, last, DynamicSubnet(*rest)))
    return found


_RANGES: Final = (
    select(dynamic_range.c.first, dynamic_range.c.last, network.c.id, *_SUBNET)
    .select_from(dynamic_range)
    .join(subnet, subnet.c.pk == dynamic_range.c.subnet_pk)
    .join(network, network.c.pk == subnet.c.network_pk)
)


def left_behind(tx: Transaction, keys: Sequence[Key]) -> dict[Key, DynamicSubnet]:
    """Those of these addresses that ports of leases have, with their subnets."""
    found: dict[Key, DynamicSubnet] = {}
    wanted = frozenset(keys)
    for some in alternatives(sorted({ip for _, ip in keys})):
        for row in tx.execute(_OF_LEASES.where(ip_address.c.ip.in_(some))):
            ip, network_id, *rest = tuple(row)
            if (key := (network_id, bytes(ip))) in wanted:
                found[key] = DynamicSubnet(*rest)
    return found


_OF_LEASES: Final = (
    select(ip_address.c.ip, network.c.id, *_SUBNET)
    .select_from(ip_address)
    .join(subnet, subnet.c.pk == ip_address.c.subnet_pk)
    .join(network, network.c.pk == subnet.c.network_pk)
    .join(port, port.c.pk == ip_address.c.owner_pk)
    .where(port.c.device_owner == model.LEASE_PORT_OWNER)
)


def owner_of(tx: Transaction, subnet_pk: int, ip: bytes) -> Record | None:
    """The port that has the address, locked."""
    owns = and_(ip_address.c.subnet_pk == subnet_pk, ip_address.c.ip == ip)
    query = select(port).join(ip_address, ip_address.c.owner_pk == port.c.pk).where(owns)
    return tx.execute(query.with_for_update(of=port)).one_or_none()


def with_mac(tx: Transaction, network_pk: int, mac_address: str) -> Record | None:
    """The network's port with this MAC address, locked."""
    same = (port.c.network_pk == network_pk, port.c.mac_address == mac_address)
    return tx.execute(select(port).where(*same).with_for_update()).one_or_none()

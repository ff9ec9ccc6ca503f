"""Statements on subnets and their allocation pools."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import delete, select

from ipam import model
from ipam.store import rbac, subnet_counters, tables, tags, visibility
from ipam.store.engine import instants
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Collection, Record

_T = tables.subnet
_POOL = tables.allocation_pool
_RANGE = tables.dynamic_range

_IP = tables.ip_address
_GATEWAYS_OWNER: Final = (
    select(_IP.c.owner_pk)
    .where(_IP.c.subnet_pk == _T.c.pk, _IP.c.ip == _T.c.gateway_ip)
    .scalar_subquery()
)

COLLECTION: Final = Collection(
    source=_T.join(tables.network, tables.network.c.pk == _T.c.network_pk).outerjoin(
        tables.subnetpool, tables.subnetpool.c.pk == _T.c.subnetpool_pk
    ),
    selected=(
        *_T.c,
        tables.network.c.id.label("network_id"),
        tables.network.c.router_external,
        tables.network.c.provider_network_type,
        _GATEWAYS_OWNER.label("gateways_owner_pk"),
        tables.subnetpool.c.id.label("subnetpool_id"),
    ),
    columns={
        "id": _T.c.id,
        "name": _T.c.name,
        "project_id": _T.c.project_id,
        "tenant_id": _T.c.project_id,
        "description": _T.c.description,
        "network_id": tables.network.c.id,
        "subnetpool_id": tables.subnetpool.c.id,
        "ip_version": _T.c.ip_version,
        "cidr": _T.c.cidr,
        "gateway_ip": _T.c.gateway_ip,
        "enable_dhcp": _T.c.enable_dhcp,
        "ipv6_ra_mode": _T.c.ipv6_ra_mode,
        "router:external": tables.network.c.router_external,
        "shared": rbac.shared_for_viewer(tables.network, "network"),
        "ipv6_address_mode": _T.c.ipv6_address_mode,
        "address_selection": _T.c.address_selection,
        "dns_publish_fixed_ip": _T.c.dns_publish_fixed_ip,
        "revision_number": _T.c.revision_number,
        "created_at": _T.c.created_at,
        "updated_at": _T.c.updated_at,
    },
    id=_T.c.id,
    pk=_T.c.pk,
    special={**instants.of_changes(_T), **tags.filters(_T)},
    relations=visibility.ON_NETWORK,
)


def of_network(tx: Transaction, network_pk: int) -> Sequence[Record]:
    """The rows of a network's subnets, oldest first."""
    return tx.execute(select(_T).where(_T.c.network_pk == network_pk).order_by(_T.c.pk)).all()


def has_ipv6(tx: Transaction, network_pk: int) -> bool:
    """Whether the network has an IPv6 subnet."""
    query = select(_T.c.pk).where(_T.c.network_pk == network_pk, _T.c.ip_version == 6)
    return tx.execute(query.limit(1)).first() is not None


def port_in_use(
    tx: Transaction, subnet_pk: int, *, dhcp_device_id: str, owners: Sequence[str] = ()
) -> str | None:
    """The id of a port with an address of the subnet, other than the network's DHCP port.

    With `owners`, only ports whose device_owner is among them count.
    """
    port, ip = tables.port, tables.ip_address
    query = select(port.c.id).join(ip, ip.c.owner_pk == port.c.pk)
    query = query.where(
        ip.c.subnet_pk == subnet_pk,
        (port.c.device_owner != model.DHCP_PORT_OWNER) | (port.c.device_id != dhcp_device_id),
    )
    if owners:
        query = query.where(port.c.device_owner.in_(owners))
    return tx.execute(query.limit(1)).scalar_one_or_none()


def owned(tx: Transaction, subnet_pk: int) -> Sequence[Record]:
    """Every address (`ip`) of the subnet that a port has, with columns for Nova's events."""
    port, ip = tables.port.c, tables.ip_address.c
    columns = (ip.ip, port.pk, port.id, port.status, port.device_id, port.device_owner)
    query = select(*columns).select_from(tables.ip_address.join(tables.port))
    return tx.execute(query.where(ip.subnet_pk == subnet_pk).order_by(ip.ip)).all()


def owner_of(tx: Transaction, subnet_pk: int, address: bytes) -> Any:
    """The port (`id`, `device_owner`) that has this address; None when no port has it."""
    port, ip = tables.port, tables.ip_address
    return tx.execute(
        select(port.c.id, port.c.device_owner)
        .join(ip, ip.c.owner_pk == port.c.pk)
        .where(ip.c.subnet_pk == subnet_pk, ip.c.ip == address)
    ).one_or_none()


def remove(tx: Transaction, subnet_pk: int) -> None:
    """Delete a subnet whose addresses are all released and whose pools the allocator closed."""
    tags.forget(tx, _T, subnet_pk)
    subnet_counters.close(tx, subnet_pk)
    for table in (_POOL, _RANGE):
        tx.execute(delete(table).where(table.c.subnet_pk == subnet_pk))
    tx.execute(delete(_T).where(_T.c.pk == subnet_pk))


def network_id_of(tx: Transaction, subnet_id: str) -> str | None:
    """The id of the network that the subnet is on."""
    return tx.execute(
        select(tables.network.c.id)
        .join(_T, _T.c.network_pk == tables.network.c.pk)
        .where(_T.c.id == subnet_id)
    ).scalar_one_or_none()

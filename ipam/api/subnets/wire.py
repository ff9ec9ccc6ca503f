"""Subnets as the API shows and takes them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from msgspec import UNSET, Struct, UnsetType

from ipam import model
from ipam.api.http import writing
from ipam.api.http.kind import Kind, Parent
from ipam.api.networks import wire as network_wire
from ipam.errors import CallerError, SubnetNotFound
from ipam.rules import subnets as subnet_rules
from ipam.rules.subnet_options import SubnetOptions
from ipam.rules.subnets import Shape
from ipam.store import subnets
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.values import Cidr, Description, IpAddress, Name, PrefixLength, ProjectId, Tag, Uuid

Ipv6Mode = Literal["slaac", "dhcpv6-stateful", "dhcpv6-stateless"]


class AllocationPool(Struct):
    start: IpAddress
    end: IpAddress


class HostRoute(Struct):
    destination: Cidr
    nexthop: IpAddress


class SubnetCreate(Struct, kw_only=True):
    network_id: Uuid
    cidr: Cidr | None = None
    ip_version: Literal[4, 6]
    name: Name = ""
    description: Description = ""
    project_id: ProjectId | UnsetType = UNSET
    tenant_id: ProjectId | UnsetType = UNSET
    tags: list[Tag] = []
    gateway_ip: IpAddress | UnsetType | None = UNSET
    allocation_pools: list[AllocationPool] | UnsetType = UNSET
    dns_nameservers: list[IpAddress] = []
    host_routes: list[HostRoute] = []
    enable_dhcp: bool = True
    ipv6_ra_mode: Ipv6Mode | None = None
    ipv6_address_mode: Ipv6Mode | None = None
    service_types: list[Name] = []
    subnetpool_id: Uuid | None = None
    use_default_subnetpool: bool = False
    prefixlen: PrefixLength | None = None
    segment_id: None = None
    dns_publish_fixed_ip: Literal[False] = False


class SubnetUpdate(Struct, kw_only=True):
    name: Name | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    gateway_ip: IpAddress | UnsetType | None = UNSET
    allocation_pools: list[AllocationPool] | UnsetType = UNSET
    dns_nameservers: list[IpAddress] | UnsetType = UNSET
    host_routes: list[HostRoute] | UnsetType = UNSET
    enable_dhcp: bool | UnsetType = UNSET
    service_types: list[Name] | UnsetType = UNSET


class SubnetView(Struct, kw_only=True):
    id: str
    name: Name
    tenant_id: str
    project_id: str
    network_id: str
    ip_version: int
    cidr: Cidr
    gateway_ip: IpAddress | None
    allocation_pools: list[AllocationPool]
    dns_nameservers: list[str]
    host_routes: list[dict[str, str]]
    enable_dhcp: bool
    ipv6_ra_mode: Ipv6Mode | None
    ipv6_address_mode: Ipv6Mode | None
    service_types: list[str]
    subnetpool_id: Uuid | None = None
    segment_id: str | None = None
    dns_publish_fixed_ip: bool = False
    description: Description
    tags: tuple[str, ...] = ()
    created_at: str
    updated_at: str
    revision_number: int


def views(tx: Transaction, found: Sequence[Record]) -> list[SubnetView]:
    """The subnets of these rows."""
    pools = subnets.pools(tx, [row.pk for row in found])
    return [
        SubnetView(
            **writing.standard_view(row),
            network_id=row.network_id,
            ip_version=row.ip_version,
            cidr=row.cidr,
            gateway_ip=model.unpack(row.gateway_ip) if row.gateway_ip else None,
            allocation_pools=[
                AllocationPool(model.unpack(first), model.unpack(last))
                for first, last in pools[row.pk]
            ],
            dns_nameservers=row.dns_nameservers,
            host_routes=row.host_routes,
            enable_dhcp=row.enable_dhcp,
            ipv6_ra_mode=row.ipv6_ra_mode,
            ipv6_address_mode=row.ipv6_address_mode,
            service_types=row.service_types,
            subnetpool_id=row.subnetpool_id,
        )
        for row in found
    ]


KIND: Final = Kind(
    "subnet",
    "subnets",
    SubnetView,
    subnets.COLLECTION,
    views,
    SubnetNotFound,
    parent=Parent(network_wire.KIND, "network_id"),
)


def shape_of(values: Mapping[str, Any]) -> Shape:
    """The subnet that a POST describes, defaults filled in."""
    cidr = values["cidr"]
    gateway = values.get("gateway_ip", UNSET)
    if isinstance(gateway, UnsetType):
        gateway = subnet_rules.default_gateway(cidr)
    pools = values.get("allocation_pools", UNSET)
    ranges = (
        subnet_rules.default_pools(cidr, gateway)
        if isinstance(pools, UnsetType)
        else [(pool.start, pool.end) for pool in pools]
    )
    routes = values.get("host_routes", [])
    return Shape(
        cidr=cidr,
        ip_version=values["ip_version"],
        gateway_ip=gateway,
        pools=ranges,
        enable_dhcp=values.get("enable_dhcp", True),
        ipv6_ra_mode=values.get("ipv6_ra_mode"),
        ipv6_address_mode=values.get("ipv6_address_mode"),
        destinations=[route.destination for route in routes],
        nexthops=[route.nexthop for route in routes],
    )


def create_faults(values: Mapping[str, Any]) -> list[CallerError]:
    """Every rule that a POST breaks, as far as its good values can tell."""
    if values.get("cidr") is None or "ip_version" not in values:
        return []
    return subnet_rules.faults(shape_of(values))


def options_of(values: Mapping[str, Any]) -> SubnetOptions:
    """What a POST has the machines told, as far as its good values say."""
    cidr, gateway = values.get("cidr"), values.get("gateway_ip", UNSET)
    if isinstance(gateway, UnsetType):
        gateway = subnet_rules.default_gateway(cidr) if cidr else None
    return SubnetOptions(
        ip_version=values.get("ip_version", 6 if ":" in (cidr or "") else 4),
        gateway_ip=gateway,
        dns_nameservers=values.get("dns_nameservers", []),
        host_routes=[(one.destination, one.nexthop) for one in values.get("host_routes", [])],
    )


def options_after(row: Record, asked: SubnetUpdate) -> SubnetOptions:
    """What the machines would be told after the change."""
    kept = [HostRoute(**route) for route in row.host_routes]
    routes = kept if isinstance(asked.host_routes, UnsetType) else asked.host_routes
    kept_gateway = model.unpack(row.gateway_ip) if row.gateway_ip else None
    return SubnetOptions(
        ip_version=row.ip_version,
        gateway_ip=kept_gateway if isinstance(asked.gateway_ip, UnsetType) else asked.gateway_ip,
        dns_nameservers=row.dns_nameservers
        if isinstance(asked.dns_nameservers, UnsetType)
        else asked.dns_nameservers,
        host_routes=[(route.destination, route.nexthop) for route in routes],
    )


def shape_after(row: Record, pools: Sequence[tuple[bytes, bytes]], asked: SubnetUpdate) -> Shape:
    """The subnet as it would be after the change."""
    kept_gateway = model.unpack(row.gateway_ip) if row.gateway_ip else None
    routes = [] if isinstance(asked.host_routes, UnsetType) else asked.host_routes
    return Shape(
        cidr=row.cidr,
        ip_version=row.ip_version,
        gateway_ip=kept_gateway if isinstance(asked.gateway_ip, UnsetType) else asked.gateway_ip,
        pools=[(model.unpack(first), model.unpack(last)) for first, last in pools]
        if isinstance(asked.allocation_pools, UnsetType)
        else [(pool.start, pool.end) for pool in asked.allocation_pools],
        enable_dhcp=row.enable_dhcp
        if isinstance(asked.enable_dhcp, UnsetType)
        else asked.enable_dhcp,
        ipv6_ra_mode=row.ipv6_ra_mode,
        ipv6_address_mode=row.ipv6_address_mode,
        destinations=[route.destination for route in routes],
        nexthops=[route.nexthop for route in routes],
    )

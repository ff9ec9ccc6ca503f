"""The bodies of subnets."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, convert

from ipam import model
from ipam.api.http import writing
from ipam.api.http.attributes import NULL_IS_EMPTY
from ipam.api.http.kind import Kind, Parent
from ipam.api.http.standard_attributes import (
    CREATED_AT,
    DESCRIPTION,
    ID,
    NAME,
    PROJECT_ID,
    REVISION_NUMBER,
    TAGS,
    TENANT_ID,
    UPDATED_AT,
)
from ipam.api.networks import dhcp_settings_wire
from ipam.api.networks import wire as network_wire
from ipam.api.networks.dhcp_settings_wire import (
    DHCP_BOOT,
    DHCP_OPTIONS,
    SUBNET_LEASE_TIME,
    DhcpBoot,
    SubnetLeaseTime,
    SubnetOption,
    SubnetOptions,
)
from ipam.api.subnets.client_class_wire import CLIENT_CLASSES, ClientClass, ClientClasses
from ipam.errors import SubnetNotFound
from ipam.model import AddressSelection
from ipam.rules.segments import FLAT, VLAN
from ipam.settings.network import HOST_ROUTES_MAX, NAME_SERVERS_MAX
from ipam.store import subnet_ranges, subnets
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.values import (
    Cidr,
    Description,
    IpAddress,
    Name,
    PrefixLength,
    ProjectId,
    RouteCidr,
    ServiceType,
    ShortName,
    Tags,
    Uuid,
)

Ipv6Mode = Literal["slaac", "dhcpv6-stateful", "dhcpv6-stateless"]


NETWORK_ID: Final = Meta(description="The network that it is on.")
CIDR: Final = Meta(description="The network in prefix notation; a subnet pool can choose it.")
NEW_CIDR: Final = Meta(
    description="A larger or smaller prefix around the addresses that ports have; pools that had"
    " all addresses grow with it. Machines learn their netmask at their next renewal."
)
IP_VERSION: Final = Meta(description="4 or 6.")
GATEWAY_IP: Final = Meta(
    description="The router that clients are told; null for none, the first address when left out."
    " An IPv6 router advertises itself: ipam does not name it."
)
GATEWAY_SERVED: Final = Meta(
    description="Whether a port has gateway_ip; null without a gateway, and where none has it on a"
    " flat or vlan network, whose uplink may lead to it."
)
ALLOCATION_POOLS: Final = Meta(
    description="Ranges from which addresses are given; the whole subnet"
    " without its gateway when left out."
)
DYNAMIC_RANGES: Final = Meta(
    description="Ranges from which the DHCP servers give machines without a port an address; only"
    " IPv4. What they take is taken from the allocation pools, unless these are given, too."
)
STATIC_RANGES: Final = Meta(
    description="Ranges of which a port gets an address only if it names it. What they take is"
    " taken from the allocation pools, unless these are given, too."
)
DNS_NAMESERVERS: Final = Meta(
    description="Name servers that clients are told; empty says the network's own resolver,"
    " `0.0.0.0` or `::` alone says none."
)
HOST_ROUTES: Final = Meta(description="Further routes that clients are told.")
ENABLE_DHCP: Final = Meta(description="Whether DHCP is served.")
IPV6_RA_MODE: Final = Meta(
    description="What router advertisements say; null when another router sends them."
)
IPV6_ADDRESS_MODE: Final = Meta(
    description="Where IPv6 addresses come from: machines make them of their MAC addresses if this"
    " or ipv6_ra_mode is slaac or dhcpv6-stateless; else they come from the pools."
)
SERVICE_TYPES: Final = Meta(
    description="The device_owners whose ports get addresses here; any when empty."
)
ADDRESS_SELECTION: Final = Meta(
    description="Which free address a port gets: the least recently used, the lowest, a random"
    " one, or one that follows from its mac_address or dns_name, the same each time if it can."
)
SUBNETPOOL_ID: Final = Meta(
    description="The subnet pool that the cidr comes from; null when it was given."
)
SEGMENT_ID: Final = Meta(description="Always null: networks have no segments.")
ROUTER_EXTERNAL: Final = Meta(description="Whether its network leads outside.")
DNS_PUBLISH_FIXED_IP: Final = Meta(
    description="Whether ports with a dns_name have records of their addresses here in zones"
    " elsewhere."
)


class AllocationPool(Struct):
    start: Annotated[IpAddress, Meta(description="The first address of the range.")]
    end: Annotated[IpAddress, Meta(description="The last address of the range.")]


class DynamicRange(AllocationPool):
    """Addresses that the DHCP servers give by themselves."""


class StaticRange(AllocationPool):
    """Addresses of fixed use, which nobody gets by chance."""

    label: Annotated[ShortName, Meta(description="What they are for.")] = ""
    owner: Annotated[Name, Meta(description="Who plans them: a team or a person.")] = ""


class HostRoute(Struct):
    destination: Annotated[RouteCidr, Meta(description="The network that is reached this way.")]
    nexthop: Annotated[IpAddress, Meta(description="The router that is asked.")]


ALLOCATION_POOLS_MAX: Final = 100
DYNAMIC_RANGES_MAX: Final = 10
STATIC_RANGES_MAX: Final = 100
SERVICE_TYPES_MAX: Final = 20

NameServers = Annotated[list[IpAddress], NULL_IS_EMPTY, Meta(max_length=NAME_SERVERS_MAX)]
HostRoutes = Annotated[list[HostRoute], NULL_IS_EMPTY, Meta(max_length=HOST_ROUTES_MAX)]
AllocationPools = Annotated[list[AllocationPool], Meta(max_length=ALLOCATION_POOLS_MAX)]
DynamicRanges = Annotated[list[DynamicRange], NULL_IS_EMPTY, Meta(max_length=DYNAMIC_RANGES_MAX)]
StaticRanges = Annotated[list[StaticRange], NULL_IS_EMPTY, Meta(max_length=STATIC_RANGES_MAX)]
ServiceTypes = Annotated[list[ServiceType], Meta(max_length=SERVICE_TYPES_MAX)]


class SubnetCreate(Struct, kw_only=True):
    network_id: Annotated[Uuid, NETWORK_ID]
    cidr: Annotated[Cidr | None, CIDR] = None
    ip_version: Annotated[Literal[4, 6], IP_VERSION]
    name: Annotated[Name, NAME] = ""
    description: Annotated[Description, DESCRIPTION] = ""
    project_id: Annotated[ProjectId | UnsetType, PROJECT_ID] = UNSET
    tenant_id: Annotated[ProjectId | UnsetType, TENANT_ID] = UNSET
    tags: Annotated[Tags, TAGS] = []
    gateway_ip: Annotated[IpAddress | UnsetType | None, GATEWAY_IP] = UNSET
    allocation_pools: Annotated[AllocationPools | UnsetType, ALLOCATION_POOLS] = UNSET
    dynamic_ranges: Annotated[DynamicRanges, DYNAMIC_RANGES] = []
    static_ranges: Annotated[StaticRanges, STATIC_RANGES] = []
    client_classes: Annotated[ClientClasses, CLIENT_CLASSES] = []
    dhcp_options: Annotated[SubnetOptions, DHCP_OPTIONS] = []
    dhcp_boot: Annotated[DhcpBoot | None, DHCP_BOOT] = None
    lease_time: Annotated[SubnetLeaseTime | None, SUBNET_LEASE_TIME] = None
    dns_nameservers: Annotated[NameServers, DNS_NAMESERVERS] = []
    host_routes: Annotated[HostRoutes, HOST_ROUTES] = []
    enable_dhcp: Annotated[bool, ENABLE_DHCP] = True
    ipv6_ra_mode: Annotated[Ipv6Mode | None, IPV6_RA_MODE] = None
    ipv6_address_mode: Annotated[Ipv6Mode | None, IPV6_ADDRESS_MODE] = None
    service_types: Annotated[ServiceTypes, SERVICE_TYPES] = []
    address_selection: Annotated[AddressSelection, ADDRESS_SELECTION] = model.LEAST_RECENTLY_USED
    subnetpool_id: Annotated[Uuid | None, SUBNETPOOL_ID] = None
    use_default_subnetpool: Annotated[
        bool, Meta(description="Take the cidr from the default subnet pool.")
    ] = False
    prefixlen: Annotated[
        PrefixLength | None,
        Meta(description="The prefix length, for a subnet whose cidr the pool chooses."),
    ] = None
    segment_id: Annotated[None, SEGMENT_ID] = None
    dns_publish_fixed_ip: Annotated[bool, DNS_PUBLISH_FIXED_IP] = False


class SubnetUpdate(Struct, kw_only=True):
    name: Annotated[Name | UnsetType, NAME] = UNSET
    cidr: Annotated[Cidr | UnsetType, NEW_CIDR] = UNSET
    description: Annotated[Description | UnsetType, DESCRIPTION] = UNSET
    gateway_ip: Annotated[IpAddress | UnsetType | None, GATEWAY_IP] = UNSET
    allocation_pools: Annotated[AllocationPools | UnsetType, ALLOCATION_POOLS] = UNSET
    dynamic_ranges: Annotated[DynamicRanges | UnsetType, DYNAMIC_RANGES] = UNSET
    static_ranges: Annotated[StaticRanges | UnsetType, STATIC_RANGES] = UNSET
    client_classes: Annotated[ClientClasses | UnsetType, CLIENT_CLASSES] = UNSET
    dhcp_options: Annotated[SubnetOptions | UnsetType, DHCP_OPTIONS] = UNSET
    dhcp_boot: Annotated[DhcpBoot | UnsetType | None, DHCP_BOOT] = UNSET
    lease_time: Annotated[SubnetLeaseTime | UnsetType | None, SUBNET_LEASE_TIME] = UNSET
    dns_nameservers: Annotated[NameServers | UnsetType, DNS_NAMESERVERS] = UNSET
    host_routes: Annotated[HostRoutes | UnsetType, HOST_ROUTES] = UNSET
    enable_dhcp: Annotated[bool | UnsetType, ENABLE_DHCP] = UNSET
    service_types: Annotated[ServiceTypes | UnsetType, SERVICE_TYPES] = UNSET
    address_selection: Annotated[AddressSelection | UnsetType, ADDRESS_SELECTION] = UNSET
    dns_publish_fixed_ip: Annotated[bool | UnsetType, DNS_PUBLISH_FIXED_IP] = UNSET


class SubnetView(Struct, kw_only=True):
    id: Annotated[str, ID]
    name: Annotated[Name, NAME]
    tenant_id: Annotated[str, TENANT_ID]
    project_id: Annotated[str, PROJECT_ID]
    network_id: Annotated[str, NETWORK_ID]
    ip_version: Annotated[int, IP_VERSION]
    cidr: Annotated[Cidr, CIDR]
    gateway_ip: Annotated[IpAddress | None, GATEWAY_IP]
    allocation_pools: Annotated[list[AllocationPool], ALLOCATION_POOLS]
    dynamic_ranges: Annotated[list[DynamicRange], DYNAMIC_RANGES]
    static_ranges: Annotated[list[StaticRange], STATIC_RANGES]
    client_classes: Annotated[list[ClientClass], CLIENT_CLASSES]
    dhcp_options: Annotated[list[SubnetOption], DHCP_OPTIONS]
    dhcp_boot: Annotated[DhcpBoot | None, DHCP_BOOT]
    lease_time: Annotated[int | None, SUBNET_LEASE_TIME]
    dns_nameservers: Annotated[list[str], DNS_NAMESERVERS]
    host_routes: Annotated[list[dict[str, str]], HOST_ROUTES]
    enable_dhcp: Annotated[bool, ENABLE_DHCP]
    ipv6_ra_mode: Annotated[Ipv6Mode | None, IPV6_RA_MODE]
    ipv6_address_mode: Annotated[Ipv6Mode | None, IPV6_ADDRESS_MODE]
    service_types: Annotated[list[str], SERVICE_TYPES]
    address_selection: Annotated[AddressSelection, ADDRESS_SELECTION]
    router_external: Annotated[bool, ROUTER_EXTERNAL] = msgspec.field(name="router:external")
    gateway_served: Annotated[bool | None, GATEWAY_SERVED] = None
    subnetpool_id: Annotated[Uuid | None, SUBNETPOOL_ID] = None
    segment_id: Annotated[str | None, SEGMENT_ID] = None
    dns_publish_fixed_ip: Annotated[bool, DNS_PUBLISH_FIXED_IP] = False
    description: Annotated[Description, DESCRIPTION]
    tags: Annotated[tuple[str, ...], TAGS] = ()
    created_at: Annotated[str, CREATED_AT]
    updated_at: Annotated[str, UPDATED_AT]
    revision_number: Annotated[int, REVISION_NUMBER]


def views(tx: Transaction, found: Sequence[Record]) -> list[SubnetView]:
    """The subnets of these rows."""
    pks = [row.pk for row in found]
    ranges = subnet_ranges.every(tx, pks)
    return [
        SubnetView(
            **writing.standard_view(row),
            network_id=row.network_id,
            ip_version=row.ip_version,
            cidr=row.cidr,
            gateway_ip=model.unpack(row.gateway_ip) if row.gateway_ip else None,
            allocation_pools=[
                AllocationPool(model.unpack(first), model.unpack(last))
                for first, last in ranges[row.pk].pools
            ],
            dynamic_ranges=[
                DynamicRange(model.unpack(first), model.unpack(last))
                for first, last in ranges[row.pk].dynamic
            ],
            static_ranges=[
                StaticRange(model.unpack(one.first), model.unpack(one.last), one.label, one.owner)
                for one in ranges[row.pk].static
            ],
            client_classes=convert(row.client_classes or [], list[ClientClass]),
            **dhcp_settings_wire.view_of(row),
            dns_nameservers=row.dns_nameservers,
            host_routes=row.host_routes,
            enable_dhcp=row.enable_dhcp,
            ipv6_ra_mode=row.ipv6_ra_mode,
            ipv6_address_mode=row.ipv6_address_mode,
            service_types=row.service_types,
            address_selection=row.address_selection,
            router_external=row.router_external,
            gateway_served=_gateway_served(row),
            subnetpool_id=row.subnetpool_id,
            dns_publish_fixed_ip=row.dns_publish_fixed_ip,
        )
        for row in found
    ]


def _gateway_served(row: Record) -> bool | None:
    if row.gateway_ip is None:
        return None
    if row.gateways_owner_pk is not None:
        return True
    return None if row.provider_network_type in (FLAT, VLAN) else False


KIND: Final = Kind(
    "subnet",
    "subnets",
    SubnetView,
    subnets.COLLECTION,
    views,
    SubnetNotFound,
    parent=Parent(network_wire.KIND, "network_id"),
)

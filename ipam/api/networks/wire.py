"""The bodies of networks."""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from ipam import model
from ipam.api.http import writing
from ipam.api.http.kind import Kind
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
from ipam.api.networks.dhcp_settings_wire import (
    DHCP_BOOT,
    DHCP_OPTIONS,
    LEASE_TIME,
    DhcpBoot,
    LeaseTime,
    NetworkOption,
    NetworkOptions,
)
from ipam.errors import CallerError, InvalidInput, NetworkNotFound
from ipam.rules import dhcp_settings
from ipam.rules import segments as segment_rules
from ipam.store import networks, scheduling
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.values import (
    Description,
    Domain,
    LowerCase,
    Name,
    ProjectId,
    ShortName,
    Tags,
    address,
    zone_name,
)


def mtu_or_default(mtu: int) -> int:
    """The MTU of a new network; 0 asks for the service's default, as in Neutron."""
    if 0 < mtu < SMALLEST_MTU:
        raise ValueError(f"{mtu} is less than {SMALLEST_MTU}, and not 0 for the default")
    return mtu


LIMITED_BROADCAST: Final = "255.255.255.255"


def server_address(text: str) -> str:
    """The address of a name server in its usual form."""
    found = address(text)
    read = ip_address(found)
    if read.is_unspecified or read.is_multicast or found == LIMITED_BROADCAST:
        raise ValueError(f"{found} is the address of no single host")
    return found


SMALLEST_MTU: Final = 68
"""RFC 791 §3.2: what every link carries."""
Mtu = Annotated[int, Meta(ge=SMALLEST_MTU, le=65535)]
NewMtu = Annotated[int, Meta(ge=0, le=65535, extra={"check": mtu_or_default})]
ZoneName = Annotated[str, Meta(min_length=1, max_length=64, extra={"check": zone_name})]
SegmentationId = Annotated[int, Meta(ge=1, le=2**24 - 1)]
DnsServer = Annotated[str, Meta(max_length=64, extra={"check": server_address})]
NetworkType = Literal["local", "flat", "vlan", "vxlan"]


ADMIN_STATE_UP: Final = Meta(
    description="Whether it is switched on; a network that is off gets no DHCP."
)
AVAILABILITY_ZONE_HINTS: Final = Meta(
    description="Zones whose agents are to serve it; any zone when empty."
)
SHARED: Final = Meta(description="Whether all projects may use it.")
MTU: Final = Meta(description="The largest packet in bytes; the service's default when left out.")
DNS_DOMAIN: Final = Meta(
    description="The domain of names in the network; the service's own when empty."
)
DNS_SERVERS: Final = Meta(
    description="Name servers that its resolver asks for names of elsewhere, from its hosts; none"
    " when empty, those of each host's settings when null."
)
PORT_SECURITY_ENABLED: Final = Meta(description="What its new ports have that say nothing.")
ROUTER_EXTERNAL: Final = Meta(description="Whether it leads outside; all projects then see it.")
IS_DEFAULT: Final = Meta(description="The one that is used when none is named.")
PROVIDER_NETWORK_TYPE: Final = Meta(description="How the network is built: flat, vlan, vxlan.")
PROVIDER_PHYSICAL_NETWORK: Final = Meta(description="The data centre's network that it is on.")
PROVIDER_SEGMENTATION_ID: Final = Meta(description="Its VLAN or VNI.")


HINTS_MAX: Final = 12
"""How many zones a network may name. Its column has room for so many."""

DNS_SERVERS_MAX: Final = 5
DnsServers = Annotated[list[DnsServer], Meta(max_length=DNS_SERVERS_MAX)]
ZoneHints = Annotated[list[ZoneName], Meta(max_length=HINTS_MAX)]


class NetworkCreate(Struct, kw_only=True):
    name: Annotated[Name, NAME] = ""
    description: Annotated[Description, DESCRIPTION] = ""
    project_id: Annotated[ProjectId | UnsetType, PROJECT_ID] = UNSET
    tenant_id: Annotated[ProjectId | UnsetType, TENANT_ID] = UNSET
    tags: Annotated[Tags, TAGS] = []
    admin_state_up: Annotated[bool, ADMIN_STATE_UP] = True
    availability_zone_hints: Annotated[ZoneHints, AVAILABILITY_ZONE_HINTS] = []
    shared: Annotated[bool, SHARED] = False
    mtu: Annotated[NewMtu | None, MTU] = None
    dns_domain: Annotated[Domain, DNS_DOMAIN] = ""
    dns_servers: Annotated[DnsServers | None, DNS_SERVERS] = None
    port_security_enabled: Annotated[bool, PORT_SECURITY_ENABLED] = True
    router_external: Annotated[bool, ROUTER_EXTERNAL] = msgspec.field(
        default=False, name="router:external"
    )
    is_default: Annotated[bool, IS_DEFAULT] = False
    provider_network_type: Annotated[NetworkType | None, PROVIDER_NETWORK_TYPE] = msgspec.field(
        default=None, name="provider:network_type"
    )
    provider_physical_network: Annotated[ShortName | None, PROVIDER_PHYSICAL_NETWORK] = (
        msgspec.field(default=None, name="provider:physical_network")
    )
    provider_segmentation_id: Annotated[SegmentationId | None, PROVIDER_SEGMENTATION_ID] = (
        msgspec.field(default=None, name="provider:segmentation_id")
    )
    dhcp_options: Annotated[NetworkOptions, DHCP_OPTIONS] = []
    dhcp_boot: Annotated[DhcpBoot | None, DHCP_BOOT] = None
    lease_time: Annotated[LeaseTime | None, LEASE_TIME] = None


class NetworkUpdate(Struct, kw_only=True):
    name: Annotated[Name | UnsetType, NAME] = UNSET
    description: Annotated[Description | UnsetType, DESCRIPTION] = UNSET
    admin_state_up: Annotated[bool | UnsetType, ADMIN_STATE_UP] = UNSET
    shared: Annotated[bool | UnsetType, SHARED] = UNSET
    mtu: Annotated[Mtu | UnsetType, MTU] = UNSET
    dns_domain: Annotated[Domain | UnsetType, DNS_DOMAIN] = UNSET
    dns_servers: Annotated[DnsServers | UnsetType | None, DNS_SERVERS] = UNSET
    port_security_enabled: Annotated[bool | UnsetType, PORT_SECURITY_ENABLED] = UNSET
    router_external: Annotated[bool | UnsetType, ROUTER_EXTERNAL] = msgspec.field(
        default=UNSET, name="router:external"
    )
    is_default: Annotated[bool | UnsetType, IS_DEFAULT] = UNSET
    dhcp_options: Annotated[NetworkOptions | UnsetType, DHCP_OPTIONS] = UNSET
    dhcp_boot: Annotated[DhcpBoot | UnsetType | None, DHCP_BOOT] = UNSET
    lease_time: Annotated[LeaseTime | UnsetType | None, LEASE_TIME] = UNSET


class NetworkView(Struct, kw_only=True):
    id: Annotated[str, ID]
    name: Annotated[Name, NAME]
    tenant_id: Annotated[str, TENANT_ID]
    project_id: Annotated[str, PROJECT_ID]
    admin_state_up: Annotated[bool, ADMIN_STATE_UP]
    status: Annotated[
        Literal["ACTIVE", "DOWN", "BUILD", "ERROR"], Meta(description="Always ACTIVE.")
    ] = model.ACTIVE
    shared: Annotated[bool, SHARED]
    mtu: Annotated[int, MTU]
    dns_domain: Annotated[Domain, DNS_DOMAIN]
    dns_servers: Annotated[list[str] | None, DNS_SERVERS]
    port_security_enabled: Annotated[bool, PORT_SECURITY_ENABLED]
    router_external: Annotated[bool, ROUTER_EXTERNAL] = msgspec.field(name="router:external")
    is_default: Annotated[bool, IS_DEFAULT]
    provider_network_type: Annotated[LowerCase | None, PROVIDER_NETWORK_TYPE] = msgspec.field(
        name="provider:network_type"
    )
    provider_physical_network: Annotated[str | None, PROVIDER_PHYSICAL_NETWORK] = msgspec.field(
        name="provider:physical_network"
    )
    provider_segmentation_id: Annotated[int | None, PROVIDER_SEGMENTATION_ID] = msgspec.field(
        name="provider:segmentation_id"
    )
    dhcp_options: Annotated[list[NetworkOption], DHCP_OPTIONS]
    dhcp_boot: Annotated[DhcpBoot | None, DHCP_BOOT]
    lease_time: Annotated[int | None, LEASE_TIME]
    subnets: Annotated[list[str], Meta(description="The ids of its subnets.")]
    availability_zones: Annotated[
        tuple[str, ...], Meta(description="Zones of the agents that serve it.")
    ] = ()
    availability_zone_hints: Annotated[tuple[str, ...], AVAILABILITY_ZONE_HINTS] = ()
    ipv4_address_scope: Annotated[
        str | None, Meta(description="The address scope of its IPv4 subnets.")
    ] = None
    ipv6_address_scope: Annotated[
        str | None, Meta(description="The address scope of its IPv6 subnets.")
    ] = None
    qos_policy_id: Annotated[str | None, Meta(description="Always null: there is no QoS.")] = None
    description: Annotated[Description, DESCRIPTION]
    tags: Annotated[tuple[str, ...], TAGS] = ()
    created_at: Annotated[str, CREATED_AT]
    updated_at: Annotated[str, UPDATED_AT]
    revision_number: Annotated[int, REVISION_NUMBER]


def views(tx: Transaction, found: Sequence[Record]) -> list[NetworkView]:
    """The networks of these rows."""
    around = networks.surroundings(tx, [row.pk for row in found])
    return [
        NetworkView(
            **writing.standard_view(row),
            admin_state_up=row.admin_state_up,
            shared=row.shared,
            mtu=row.mtu,
            dns_domain=row.dns_domain,
            dns_servers=row.dns_servers,
            port_security_enabled=row.port_security_enabled,
            router_external=row.router_external,
            is_default=row.is_default,
            provider_network_type=row.provider_network_type,
            provider_physical_network=row.provider_physical_network,
            provider_segmentation_id=row.provider_segmentation_id,
            **dhcp_settings_wire.view_of(row),
            subnets=around[row.pk].subnet_ids,
            ipv4_address_scope=around[row.pk].address_scopes.get(4),
            ipv6_address_scope=around[row.pk].address_scopes.get(6),
            availability_zones=tuple(around[row.pk].zones),
            availability_zone_hints=scheduling.hints_of(row.availability_zone_hints),
        )
        for row in found
    ]


KIND: Final = Kind(
    "network",
    "networks",
    NetworkView,
    networks.COLLECTION,
    views,
    NetworkNotFound,
    filterable=frozenset({"provider:network_type"}),  # as in Neutron; it reveals little
)


def body_faults(values: Mapping[str, Any]) -> list[CallerError]:
    """The contradictions in the body of a POST."""
    own = dhcp_settings_wire.of_body(values)
    faults = [*segment_rules.faults(values), *dhcp_settings.own_faults(own)]
    hints = values.get("availability_zone_hints", ())
    if len(set(hints)) < len(hints):
        faults.append(
            InvalidInput(
                "Invalid input for availability_zone_hints. Reason: Duplicate items in the list:"
                f" {', '.join(hints)}."
            )
        )
    return faults

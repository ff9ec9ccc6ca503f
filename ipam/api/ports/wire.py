"""The bodies of ports."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from ipam import model
from ipam.api.http import writing
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
from ipam.api.networks import wire as network_wire
from ipam.errors import PortNotFound
from ipam.rules import device_owners, dns_names
from ipam.settings.network import ADDRESS_PAIRS_MAX, FIXED_IPS_MAX, NetworkSettings
from ipam.store import addresses_of_ports, ports
from ipam.store.engine.listing import Record
from ipam.values import (
    Description,
    Domain,
    HostName,
    Instant,
    IpAddress,
    JsonObject,
    MacAddress,
    Name,
    PairAddress,
    ProjectId,
    ShortName,
    Tags,
    Uuid,
)

VnicType = Literal[
    "normal", "direct", "macvtap", "baremetal", "direct-physical", "virtio-forwarder", "smart-nic"
]

SUBNET_ID: Final = Meta(description="The subnet of the address.")
IP_ADDRESS: Final = Meta(description="The address.")
NETWORK_ID: Final = Meta(description="The network.")
ADMIN_STATE_UP: Final = Meta(
    description="Whether it is switched on; a port that is off gets no DHCP."
)
MAC_ADDRESS: Final = Meta(description="The MAC address; made by the service when left out.")
FIXED_IPS: Final = Meta(description="The port's addresses; when left out, one of each IP version.")
DEVICE_ID: Final = Meta(description="The machine that has the port; its id in Nova.")
DEVICE_OWNER: Final = Meta(
    description="What kind of machine, such as compute:nova or network:dhcp."
)
DNS_NAME: Final = Meta(
    description="The machine's name (DHCP tells the first label); made of the address when empty."
)
DNS_DOMAIN: Final = Meta(
    description="The domain of its name in zones elsewhere; the network's when empty."
)
BINDING_HOST_ID: Final = Meta(description="The host that the machine runs on.")
BINDING_VNIC_TYPE: Final = Meta(description="The kind of network card that is asked for.")
BINDING_PROFILE: Final = Meta(description="Nova's own data, kept unchanged.")
EXTRA_DHCP_OPTS: Final = Meta(
    description="DHCP options of this port only; a null opt_value deletes one."
)
ALLOWED_ADDRESS_PAIRS: Final = Meta(
    description="Further addresses that the machine may use; a missing mac_address is the port's."
)
PORT_SECURITY_ENABLED: Final = Meta(
    description="The network's when left out, and false for owners that begin with `network:`."
    " Where the host can (vif_details.port_filter), the machine may then send only from its own"
    " addresses and its address pairs."
)
EXPIRES_AT: Final = Meta(
    description="When the service deletes the port, and its addresses begin to cool down; null for"
    " never. As long as it has a device_id it stays."
)
SECURITY_GROUPS: Final = Meta(description="Always empty: there are none, so none can be named.")
QOS_POLICY_ID: Final = Meta(description="Always null: there is no QoS.")


class FixedIpWish(Struct, kw_only=True):
    subnet_id: Annotated[Uuid | None, SUBNET_ID] = None
    ip_address: Annotated[IpAddress | None, IP_ADDRESS] = None


class FixedIp(Struct):
    subnet_id: Annotated[str, SUBNET_ID]
    ip_address: Annotated[str, IP_ADDRESS]


class DhcpOptionWish(Struct, kw_only=True):
    opt_name: Annotated[
        ShortName,
        Meta(description="By dnsmasq's name or number; also `lease-time` or `client-id`."),
    ]
    opt_value: Annotated[
        Annotated[str, Meta(max_length=255)] | None,
        Meta(description="Its value, in dnsmasq's form for its type."),
    ]
    ip_version: Annotated[Literal[4, 6], Meta(description="4 or 6.")] = 4


class AddressPair(Struct, kw_only=True):
    ip_address: Annotated[PairAddress, Meta(description="An address or a network.")]
    mac_address: Annotated[
        MacAddress | None, Meta(description="The MAC address; the port's when left out.")
    ] = None


class DnsAssignment(Struct):
    ip_address: Annotated[str, IP_ADDRESS]
    hostname: Annotated[str, Meta(description="The host name.")]
    fqdn: Annotated[str, Meta(description="The name with its domain.")]


DHCP_OPTIONS_MAX: Final = 50
SECURITY_GROUPS_MAX: Final = 50

FixedIps = Annotated[list[FixedIpWish], Meta(max_length=FIXED_IPS_MAX)]
DhcpOptions = Annotated[list[DhcpOptionWish], Meta(max_length=DHCP_OPTIONS_MAX)]
AddressPairs = Annotated[list[AddressPair], Meta(max_length=ADDRESS_PAIRS_MAX)]
SecurityGroups = Annotated[list[Uuid], Meta(max_length=SECURITY_GROUPS_MAX)]


class PortCreate(Struct, kw_only=True):
    network_id: Annotated[Uuid, NETWORK_ID]
    name: Annotated[Name, NAME] = ""
    description: Annotated[Description, DESCRIPTION] = ""
    project_id: Annotated[ProjectId | UnsetType, PROJECT_ID] = UNSET
    tenant_id: Annotated[ProjectId | UnsetType, TENANT_ID] = UNSET
    tags: Annotated[Tags, TAGS] = []
    admin_state_up: Annotated[bool, ADMIN_STATE_UP] = True
    mac_address: Annotated[MacAddress | UnsetType | None, MAC_ADDRESS] = UNSET
    fixed_ips: Annotated[FixedIps | UnsetType, FIXED_IPS] = UNSET
    device_id: Annotated[Name, DEVICE_ID] = ""
    device_owner: Annotated[Name, DEVICE_OWNER] = ""
    dns_name: Annotated[HostName, DNS_NAME] = ""
    dns_domain: Annotated[Domain, DNS_DOMAIN] = ""
    binding_host_id: Annotated[Name | None, BINDING_HOST_ID] = msgspec.field(
        default=None, name="binding:host_id"
    )
    binding_vnic_type: Annotated[VnicType, BINDING_VNIC_TYPE] = msgspec.field(
        default="normal", name="binding:vnic_type"
    )
    binding_profile: Annotated[JsonObject | None, BINDING_PROFILE] = msgspec.field(
        default=None, name="binding:profile"
    )
    extra_dhcp_opts: Annotated[DhcpOptions | None, EXTRA_DHCP_OPTS] = None
    allowed_address_pairs: Annotated[AddressPairs | None, ALLOWED_ADDRESS_PAIRS] = None
    port_security_enabled: Annotated[bool | UnsetType, PORT_SECURITY_ENABLED] = UNSET
    expires_at: Annotated[Instant | None, EXPIRES_AT] = None
    security_groups: Annotated[SecurityGroups | None, SECURITY_GROUPS] = None


class PortUpdate(Struct, kw_only=True):
    name: Annotated[Name | UnsetType, NAME] = UNSET
    description: Annotated[Description | UnsetType, DESCRIPTION] = UNSET
    admin_state_up: Annotated[bool | UnsetType, ADMIN_STATE_UP] = UNSET
    mac_address: Annotated[MacAddress | UnsetType | None, MAC_ADDRESS] = UNSET
    fixed_ips: Annotated[FixedIps | UnsetType, FIXED_IPS] = UNSET
    device_id: Annotated[Name | UnsetType, DEVICE_ID] = UNSET
    device_owner: Annotated[Name | UnsetType, DEVICE_OWNER] = UNSET
    dns_name: Annotated[HostName | UnsetType, DNS_NAME] = UNSET
    dns_domain: Annotated[Domain | UnsetType, DNS_DOMAIN] = UNSET
    binding_host_id: Annotated[Name | UnsetType | None, BINDING_HOST_ID] = msgspec.field(
        default=UNSET, name="binding:host_id"
    )
    binding_vnic_type: Annotated[VnicType | UnsetType, BINDING_VNIC_TYPE] = msgspec.field(
        default=UNSET, name="binding:vnic_type"
    )
    binding_profile: Annotated[JsonObject | UnsetType | None, BINDING_PROFILE] = msgspec.field(
        default=UNSET, name="binding:profile"
    )
    extra_dhcp_opts: Annotated[DhcpOptions | UnsetType | None, EXTRA_DHCP_OPTS] = UNSET
    allowed_address_pairs: Annotated[AddressPairs | UnsetType | None, ALLOWED_ADDRESS_PAIRS] = (
        UNSET
    )
    port_security_enabled: Annotated[bool | UnsetType, PORT_SECURITY_ENABLED] = UNSET
    expires_at: Annotated[Instant | UnsetType | None, EXPIRES_AT] = UNSET
    security_groups: Annotated[SecurityGroups | UnsetType | None, SECURITY_GROUPS] = UNSET


class PortView(Struct, kw_only=True):
    id: Annotated[str, ID]
    name: Annotated[Name, NAME]
    tenant_id: Annotated[str, TENANT_ID]
    project_id: Annotated[str, PROJECT_ID]
    network_id: Annotated[str, NETWORK_ID]
    mac_address: Annotated[MacAddress, MAC_ADDRESS]
    admin_state_up: Annotated[bool, ADMIN_STATE_UP]
    status: Annotated[
        Literal["ACTIVE", "DOWN", "BUILD", "ERROR", "N/A"],
        Meta(description="DOWN until the host can serve it, then ACTIVE."),
    ]
    device_id: Annotated[str, DEVICE_ID]
    device_owner: Annotated[str, DEVICE_OWNER]
    fixed_ips: Annotated[list[FixedIp], FIXED_IPS]
    dns_name: Annotated[str, DNS_NAME]
    dns_assignment: Annotated[
        list[DnsAssignment], Meta(description="The name of each address in DNS.")
    ]
    dns_domain: Annotated[Domain, DNS_DOMAIN]
    binding_host_id: Annotated[str, BINDING_HOST_ID] = msgspec.field(name="binding:host_id")
    binding_vnic_type: Annotated[str, BINDING_VNIC_TYPE] = msgspec.field(name="binding:vnic_type")
    binding_profile: Annotated[dict[str, Any], BINDING_PROFILE] = msgspec.field(
        name="binding:profile"
    )
    binding_vif_type: Annotated[
        str,
        Meta(
            description="How it is plugged in: unbound without a host, else as its agent reports."
        ),
    ] = msgspec.field(name="binding:vif_type")
    binding_vif_details: Annotated[
        dict[str, Any], Meta(description="What the host needs to plug it in.")
    ] = msgspec.field(name="binding:vif_details")
    extra_dhcp_opts: Annotated[list[dict[str, Any]], EXTRA_DHCP_OPTS]
    allowed_address_pairs: Annotated[list[dict[str, Any]], ALLOWED_ADDRESS_PAIRS]
    port_security_enabled: Annotated[bool, PORT_SECURITY_ENABLED]
    expires_at: Annotated[str | None, EXPIRES_AT] = None
    security_groups: Annotated[tuple[str, ...], SECURITY_GROUPS] = ()
    qos_policy_id: Annotated[str | None, QOS_POLICY_ID] = None
    qos_network_policy_id: Annotated[str | None, QOS_POLICY_ID] = None
    resource_request: Annotated[
        dict[str, Any] | None,
        Meta(description="Always null: no resources are requested from Placement."),
    ] = None
    ip_allocation: Annotated[
        str, Meta(description="Always immediate: addresses are given when the port is made.")
    ] = "immediate"
    description: Annotated[Description, DESCRIPTION]
    tags: Annotated[tuple[str, ...], TAGS] = ()
    created_at: Annotated[str, CREATED_AT]
    updated_at: Annotated[str, UPDATED_AT]
    revision_number: Annotated[int, REVISION_NUMBER]


def views(found: Sequence[Record], dns_domain: str) -> list[PortView]:
    """The ports of these rows. `dns_domain` is that of networks which have none of their own."""
    return [view(row, addresses_of_ports.read(row.addresses), dns_domain) for row in found]


KIND: Final = Kind(
    "port",
    "ports",
    PortView,
    ports.COLLECTION,
    lambda _tx, found: views(found, ""),
    PortNotFound,
    parent=Parent(network_wire.KIND, "network_id"),
    guards={"device_owner": lambda value: device_owners.is_networks(str(value))},
    is_long=True,
)


def kind(settings: NetworkSettings) -> Kind:
    """Ports as they are shown with these settings."""
    return replace(KIND, views=lambda _tx, found: views(found, settings.dns_domain))


def view(
    row: Record, addresses: Sequence[addresses_of_ports.FixedIp], dns_domain: str
) -> PortView:
    """The port of this row with these addresses, in their order. `dns_domain` as in `views`."""
    domain = dns_names.domain_of(row.network_dns_domain, dns_domain)
    fixed_ips = [FixedIp(subnet_id, model.unpack(packed)) for subnet_id, _, packed in addresses]
    return PortView(
        **writing.standard_view(row),
        network_id=row.network_id,
        mac_address=row.mac_address,
        admin_state_up=row.admin_state_up,
        status=row.status,
        device_id=row.device_id,
        device_owner=row.device_owner,
        fixed_ips=fixed_ips,
        dns_name=row.dns_name,
        dns_assignment=[_assignment(row, fixed.ip_address, domain) for fixed in fixed_ips],
        dns_domain=row.dns_domain,
        binding_host_id=row.binding_host_id,
        binding_vnic_type=row.binding_vnic_type,
        binding_profile=row.binding_profile,
        binding_vif_type=row.binding_vif_type,
        binding_vif_details=vif_details(
            row.binding_vif_type,
            row.mac_address,
            row.network_id,
            is_filtered=port_is_filtered(row, row.host_filters),
        ),
        extra_dhcp_opts=row.extra_dhcp_opts,
        # A pair without a MAC address means the port's own, even after it changes.
        allowed_address_pairs=[
            {"mac_address": row.mac_address, **pair} for pair in row.allowed_address_pairs
        ],
        port_security_enabled=row.port_security_enabled,
        expires_at=None if row.expires_at is None else model.iso_time(row.expires_at),
    )


def _assignment(row: Record, address: str, domain: str) -> DnsAssignment:
    name = row.dns_name or model.default_hostname(address)
    return DnsAssignment(address, *dns_names.assigned_names(name, domain))


def port_is_filtered(port: Record, host_filters: bool | None) -> bool:
    """Whether the host keeps the port from sending from others' addresses."""
    return bool(host_filters) and device_owners.is_guarded(
        port.device_owner, port_security_enabled=port.port_security_enabled
    )


def vif_details(
    vif_type: str, mac_address: str, network_id: str, *, is_filtered: bool
) -> dict[str, Any]:
    """What Nova needs to plug the port.

    The tap gets a high MAC address (fe:...): a bridge takes the lowest address of its ports, and
    the two sides of the tap must not have the same.
    """
    match vif_type:
        case model.VIF_TAP:
            return {"port_filter": is_filtered, "mac_address": "fe" + mac_address[2:]}
        case model.VIF_BRIDGE:
            return {"port_filter": is_filtered, "bridge_name": model.bridge_name(network_id)}
        case _:
            return {}

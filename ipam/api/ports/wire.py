"""Ports as the API shows and takes them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from ipam import model
from ipam.api.http import writing
from ipam.api.http.kind import Kind, Parent
from ipam.api.networks import wire as network_wire
from ipam.errors import (
    AllowedAddressPairExhausted,
    CallerError,
    DuplicateAddressPairInRequest,
    InvalidInput,
    PortNotFound,
)
from ipam.rules import dhcp_options, dns_names
from ipam.store import addresses_of_ports, ports
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.values import (
    Description,
    HostName,
    IpAddress,
    JsonObject,
    MacAddress,
    Name,
    PairAddress,
    ProjectId,
    ShortName,
    Tag,
    Uuid,
)

VnicType = Literal[
    "normal", "direct", "macvtap", "baremetal", "direct-physical", "virtio-forwarder", "smart-nic"
]
PAIRS_MAX: Final = 10
"""Neutron's max_allowed_address_pair."""

NoSecurityGroups = Annotated[list[Uuid], Meta(max_length=0)]
"""Security groups are not served, so none can be named."""


class FixedIpWish(Struct, kw_only=True):
    subnet_id: Uuid | None = None
    ip_address: IpAddress | None = None


class FixedIp(Struct):
    subnet_id: str
    ip_address: str


class DhcpOptionWish(Struct, kw_only=True):
    opt_name: ShortName
    opt_value: Annotated[str, Meta(max_length=255)] | None
    ip_version: Literal[4, 6] = 4


class AddressPair(Struct, kw_only=True):
    ip_address: PairAddress
    mac_address: MacAddress | None = None


class DnsAssignment(Struct):
    ip_address: str
    hostname: str
    fqdn: str


class PortCreate(Struct, kw_only=True):
    network_id: Uuid
    name: Name = ""
    description: Description = ""
    project_id: ProjectId | UnsetType = UNSET
    tenant_id: ProjectId | UnsetType = UNSET
    tags: list[Tag] = []
    admin_state_up: bool = True
    mac_address: MacAddress | UnsetType | None = UNSET
    fixed_ips: list[FixedIpWish] | UnsetType = UNSET
    device_id: Name = ""
    device_owner: Name = ""
    dns_name: HostName = ""
    binding_host_id: Name | None = msgspec.field(default=None, name="binding:host_id")
    binding_vnic_type: VnicType = msgspec.field(default="normal", name="binding:vnic_type")
    binding_profile: JsonObject | None = msgspec.field(default=None, name="binding:profile")
    extra_dhcp_opts: list[DhcpOptionWish] | None = None
    allowed_address_pairs: list[AddressPair] | None = None
    port_security_enabled: bool | UnsetType = UNSET
    security_groups: NoSecurityGroups | None = None


class PortUpdate(Struct, kw_only=True):
    name: Name | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    admin_state_up: bool | UnsetType = UNSET
    mac_address: MacAddress | UnsetType | None = UNSET
    fixed_ips: list[FixedIpWish] | UnsetType = UNSET
    device_id: Name | UnsetType = UNSET
    device_owner: Name | UnsetType = UNSET
    dns_name: HostName | UnsetType = UNSET
    binding_host_id: Name | UnsetType | None = msgspec.field(default=UNSET, name="binding:host_id")
    binding_vnic_type: VnicType | UnsetType = msgspec.field(
        default=UNSET, name="binding:vnic_type"
    )
    binding_profile: JsonObject | UnsetType | None = msgspec.field(
        default=UNSET, name="binding:profile"
    )
    extra_dhcp_opts: list[DhcpOptionWish] | UnsetType | None = UNSET
    allowed_address_pairs: list[AddressPair] | UnsetType | None = UNSET
    port_security_enabled: bool | UnsetType = UNSET
    security_groups: NoSecurityGroups | UnsetType | None = UNSET


class PortView(Struct, kw_only=True):
    id: str
    name: Name
    tenant_id: str
    project_id: str
    network_id: str
    mac_address: MacAddress
    admin_state_up: bool
    status: Literal["ACTIVE", "DOWN", "BUILD", "ERROR", "N/A"]
    device_id: str
    device_owner: str
    fixed_ips: list[FixedIp]
    dns_name: str
    dns_assignment: list[DnsAssignment]
    dns_domain: str
    binding_host_id: str = msgspec.field(name="binding:host_id")
    binding_vnic_type: str = msgspec.field(name="binding:vnic_type")
    binding_profile: dict[str, Any] = msgspec.field(name="binding:profile")
    binding_vif_type: str = msgspec.field(name="binding:vif_type")
    binding_vif_details: dict[str, Any] = msgspec.field(name="binding:vif_details")
    extra_dhcp_opts: list[dict[str, Any]]
    allowed_address_pairs: list[dict[str, Any]]
    port_security_enabled: bool
    security_groups: tuple[str, ...] = ()
    qos_policy_id: str | None = None
    qos_network_policy_id: str | None = None
    resource_request: dict[str, Any] | None = None
    ip_allocation: str = "immediate"
    description: Description
    tags: tuple[str, ...] = ()
    created_at: str
    updated_at: str
    revision_number: int


def views(_tx: Transaction, found: Sequence[Record]) -> list[PortView]:
    """The ports of these rows."""
    return [_view(row, addresses_of_ports.read(row.addresses)) for row in found]


KIND: Final = Kind(
    "port",
    "ports",
    PortView,
    ports.COLLECTION,
    views,
    PortNotFound,
    parent=Parent(network_wire.KIND, "network_id"),
    guards={"device_owner": lambda value: str(value).startswith("network:")},
)


def _view(row: Record, addresses: Sequence[addresses_of_ports.FixedIp]) -> PortView:
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
        dns_assignment=[_assignment(row, fixed.ip_address) for fixed in fixed_ips],
        dns_domain="",
        binding_host_id=row.binding_host_id,
        binding_vnic_type=row.binding_vnic_type,
        binding_profile=row.binding_profile,
        binding_vif_type=row.binding_vif_type,
        binding_vif_details=vif_details(row.binding_vif_type, row.mac_address, row.network_id),
        extra_dhcp_opts=row.extra_dhcp_opts,
        # A pair without a MAC address is about the port's own, whichever it has at the time.
        allowed_address_pairs=[
            {"mac_address": row.mac_address, **pair} for pair in row.allowed_address_pairs
        ],
        port_security_enabled=row.port_security_enabled,
    )


def _assignment(row: Record, address: str) -> DnsAssignment:
    name = row.dns_name or model.default_hostname(address)
    return DnsAssignment(address, *dns_names.assigned_names(name, row.dns_domain))


def vif_details(vif_type: str, mac_address: str, network_id: str) -> dict[str, Any]:
    """What Nova needs to plug the port.

    A tap whose MAC is high (fe:...) keeps the bridge from taking its address from a machine, and
    the two sides of the tap from having the same one.
    """
    match vif_type:
        case model.VIF_TAP:
            return {"port_filter": True, "mac_address": "fe" + mac_address[2:]}
        case model.VIF_BRIDGE:
            return {"port_filter": True, "bridge_name": model.bridge_name(network_id)}
        case _:
            return {}


def body_faults(values: Mapping[str, Any], dns_domain: str) -> list[CallerError]:
    """Rules of names, DHCP options and fixed IPs that need no database."""
    faults: list[CallerError] = []
    if fault := dns_names.dns_name_fault(_given(values, "dns_name") or "", dns_domain):
        faults.append(InvalidInput(f"Invalid input for dns_name. Reason: {fault}."))
    faults += dhcp_options.option_faults(options(_given(values, "extra_dhcp_opts") or []))
    faults += [
        InvalidInput("Invalid input for fixed_ips. Reason: subnet_id or ip_address is needed.")
        for wish in _given(values, "fixed_ips") or []
        if wish.subnet_id is None and wish.ip_address is None
    ]
    return faults


def options(wishes: Sequence[DhcpOptionWish]) -> list[tuple[str, str | None, int]]:
    """DHCP options as the rules take them."""
    return [(wish.opt_name, wish.opt_value, wish.ip_version) for wish in wishes]


def pairs(given: Sequence[AddressPair] | None) -> list[dict[str, str]]:
    """Address pairs as they are stored.

    Raises DuplicateAddressPairInRequest or AllowedAddressPairExhausted.
    """
    found = [
        {"ip_address": pair.ip_address}
        | ({"mac_address": pair.mac_address} if pair.mac_address else {})
        for pair in given or []
    ]
    if len(found) > PAIRS_MAX:
        raise AllowedAddressPairExhausted(
            f"The number of allowed address pairs exceeds the maximum {PAIRS_MAX}."
        )
    for number, pair in enumerate(found):
        if pair in found[:number]:
            raise DuplicateAddressPairInRequest(
                "Request contains duplicate address pair: mac_address"
                f" {pair.get('mac_address')} ip_address {pair['ip_address']}."
            )
    return found


def _given(values: Mapping[str, Any], name: str) -> Any:
    value = values.get(name)
    return None if isinstance(value, UnsetType) else value

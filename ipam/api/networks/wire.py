"""Networks as the API shows and takes them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from ipam import model
from ipam.api.http import writing
from ipam.api.http.kind import Kind
from ipam.errors import CallerError, InvalidInput, NetworkNotFound
from ipam.rules import segments as segment_rules
from ipam.store import networks, scheduling
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.values import Description, Domain, Name, ProjectId, ShortName, Tag, zone_name

Mtu = Annotated[int, Meta(ge=68, le=65535)]
ZoneName = Annotated[str, Meta(min_length=1, max_length=64, extra={"check": zone_name})]
SegmentationId = Annotated[int, Meta(ge=1, le=2**24 - 1)]
NetworkType = Literal["local", "flat", "vlan", "vxlan"]


class NetworkCreate(Struct, kw_only=True):
    name: Name = ""
    description: Description = ""
    project_id: ProjectId | UnsetType = UNSET
    tenant_id: ProjectId | UnsetType = UNSET
    tags: list[Tag] = []
    admin_state_up: bool = True
    availability_zone_hints: list[ZoneName] = []
    shared: bool = False
    mtu: Mtu | None = None
    dns_domain: Domain = ""
    port_security_enabled: bool = False
    router_external: bool = msgspec.field(default=False, name="router:external")
    is_default: bool = False
    provider_network_type: NetworkType | None = msgspec.field(
        default=None, name="provider:network_type"
    )
    provider_physical_network: ShortName | None = msgspec.field(
        default=None, name="provider:physical_network"
    )
    provider_segmentation_id: SegmentationId | None = msgspec.field(
        default=None, name="provider:segmentation_id"
    )


class NetworkUpdate(Struct, kw_only=True):
    name: Name | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    admin_state_up: bool | UnsetType = UNSET
    shared: bool | UnsetType = UNSET
    mtu: Mtu | UnsetType = UNSET
    dns_domain: Domain | UnsetType = UNSET
    port_security_enabled: bool | UnsetType = UNSET
    router_external: bool | UnsetType = msgspec.field(default=UNSET, name="router:external")
    is_default: bool | UnsetType = UNSET


class NetworkView(Struct, kw_only=True):
    id: str
    name: Name
    tenant_id: str
    project_id: str
    admin_state_up: bool
    status: Literal["ACTIVE", "DOWN", "BUILD", "ERROR"] = model.ACTIVE
    shared: bool
    mtu: int
    dns_domain: Domain
    port_security_enabled: bool
    router_external: bool = msgspec.field(name="router:external")
    is_default: bool
    provider_network_type: str | None = msgspec.field(name="provider:network_type")
    provider_physical_network: str | None = msgspec.field(name="provider:physical_network")
    provider_segmentation_id: int | None = msgspec.field(name="provider:segmentation_id")
    subnets: list[str]
    availability_zones: tuple[str, ...] = ()
    availability_zone_hints: tuple[str, ...] = ()
    ipv4_address_scope: str | None = None
    ipv6_address_scope: str | None = None
    qos_policy_id: str | None = None
    description: Description
    tags: tuple[str, ...] = ()
    created_at: str
    updated_at: str
    revision_number: int


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
            port_security_enabled=row.port_security_enabled,
            router_external=row.router_external,
            is_default=row.is_default,
            provider_network_type=row.provider_network_type,
            provider_physical_network=row.provider_physical_network,
            provider_segmentation_id=row.provider_segmentation_id,
            subnets=around[row.pk].subnet_ids,
            ipv4_address_scope=around[row.pk].address_scopes.get(4),
            ipv6_address_scope=around[row.pk].address_scopes.get(6),
            availability_zones=tuple(around[row.pk].zones),
            availability_zone_hints=scheduling.hints_of(row.availability_zone_hints),
        )
        for row in found
    ]


KIND: Final = Kind("network", "networks", NetworkView, networks.COLLECTION, views, NetworkNotFound)


HINTS_MAX: Final = 12
"""Zones that a network may name: as many as its column has room for."""


def body_faults(values: Mapping[str, Any]) -> list[CallerError]:
    """What contradicts itself in the body of a POST."""
    faults = segment_rules.faults(values)
    if len(values.get("availability_zone_hints", ())) > HINTS_MAX:
        faults.append(
            InvalidInput(
                "Invalid input for availability_zone_hints. Reason: these are more than"
                f" {HINTS_MAX} zones."
            )
        )
    return faults

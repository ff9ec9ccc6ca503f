"""Networks: what they look like and how they are written."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from ipam import model
from ipam.api.http import writing
from ipam.api.http.kind import Kind
from ipam.api.http.service import Service
from ipam.api.networks import segments as network_segments
from ipam.api.ports.dhcp_port import dhcp_device_id
from ipam.api.projects import rbac
from ipam.errors import (
    AvailabilityZoneNotFound,
    CallerError,
    InvalidInput,
    NetworkInUse,
    NetworkNotFound,
)
from ipam.identity.caller import Caller
from ipam.rules import segments as segment_rules
from ipam.rules.segments import Segment
from ipam.store import networks, ports, scheduling, segments, subnets, tables, tags
from ipam.store import rbac as sharing
from ipam.store.engine import rows
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


class NetworkActions:
    """Writes networks."""

    create_struct: type[Struct] = NetworkCreate
    update_struct: type[Struct] = NetworkUpdate

    def __init__(self, service: Service) -> None:
        self._service = service
        network_segments.check(service.settings.network)

    def create(self, caller: Caller, bodies: Sequence[Any]) -> list[NetworkView]:
        read = writing.read_bodies(NetworkCreate, NetworkView, bodies, body_faults)
        settings = self._service.settings.network
        wished = [network_segments.wished(body, settings) for body in read]
        writing.raise_all(
            [
                fault
                for body, segment in zip(read, wished, strict=True)
                for fault in segment_rules.mtu_fault(body.mtu or 0, self._mtu_limit(segment.type))
            ]
        )

        def work(tx: Transaction) -> list[NetworkView]:
            _require_zones(tx, read)
            chosen = network_segments.settled(tx, wished, settings)
            new = [
                _new_row(body, caller, segment, self._default_mtu(segment.type))
                for body, segment in zip(read, chosen, strict=True)
            ]
            pks = segments.add_networks(tx, new)
            tx.on_commit(self._service.waker.wake)
            found = writing.made(tx, KIND, pks, self._service.settings)
            rbac.follow_new(tx, "network", found)
            return views(tx, found)

        return network_segments.write(self._service.database, work, wished)

    def _mtu_limit(self, network_type: str | None) -> int | None:
        physical = self._service.settings.network.global_physnet_mtu
        return segment_rules.mtu_limit(network_type, physical)

    def _default_mtu(self, network_type: str) -> int:
        physical: int = self._service.settings.network.global_physnet_mtu
        return self._mtu_limit(network_type) or physical

    def update(
        self, _caller: Caller, resource_id: str, body: Any, revision: int | None
    ) -> NetworkView:
        asked = writing.given(writing.read_update(NetworkUpdate, NetworkView, body))

        def work(tx: Transaction) -> NetworkView:
            missing = KIND.missing(resource_id)
            row = writing.locked(tx, tables.network, resource_id, revision, missing)
            if values := writing.changed(row, asked):
                limit = self._mtu_limit(row.provider_network_type)
                writing.raise_all(segment_rules.mtu_fault(values.get("mtu", 0), limit))
                rbac.follow_flags(tx, "network", row, values)
                rows.touch(tx, tables.network, row.pk, values)
                tx.on_commit(self._service.waker.wake)
            view: NetworkView = KIND.show(tx, resource_id)
            return view

        return self._service.database.write(work)

    def delete(self, resource_id: str, revision: int | None) -> None:
        def work(tx: Transaction) -> None:
            missing = KIND.missing(resource_id)
            row = writing.locked(tx, tables.network, resource_id, revision, missing)
            device_id = dhcp_device_id(resource_id)
            if networks.port_in_use(tx, row.pk, dhcp_device_id=device_id):
                raise NetworkInUse(
                    f"Unable to complete operation on network {resource_id}. There are one or"
                    " more ports still in use on the network."
                )
            self._remove(tx, row.pk, device_id)
            sharing.forget(tx, resource_id)
            tx.on_commit(self._service.waker.wake)

        self._service.database.write(work)

    def _remove(self, tx: Transaction, network_pk: int, device_id: str) -> None:
        """Delete the network with what only it held: its DHCP port and its subnets."""
        allocator = self._service.allocator
        if own := ports.dhcp_port(tx, network_pk, device_id):
            for _, subnet_pk, address in ports.fixed_ips(tx, [own.pk])[own.pk]:
                allocator.release(tx, subnet_pk, address, own.pk)
            ports.remove(tx, own.pk)
        for subnet in subnets.of_network(tx, network_pk):
            allocator.close_pools(tx, subnet.pk)
            subnets.remove(tx, subnet.pk)
        networks.remove(tx, network_pk)


def _require_zones(tx: Transaction, bodies: Sequence[NetworkCreate]) -> None:
    """Raise AvailabilityZoneNotFound when a network hints at a zone that no agent is in."""
    hints = [zone for body in bodies for zone in body.availability_zone_hints]
    if unknown := scheduling.unknown_zones(tx, hints):
        raise AvailabilityZoneNotFound(f"AvailabilityZone {unknown[0]} could not be found.")


def _new_row(
    body: NetworkCreate, caller: Caller, segment: Segment, default_mtu: int
) -> dict[str, Any]:
    values = writing.given(body)
    values.pop("tenant_id", None)
    values["project_id"] = writing.project_of(body, caller)
    values["mtu"] = body.mtu or default_mtu
    values["provider_network_type"] = segment.type
    values["provider_physical_network"] = segment.physical_network
    values["provider_segmentation_id"] = segment.id
    values["segment"] = segment.key
    values["tags"] = tags.for_row(body.tags)
    values["availability_zone_hints"] = scheduling.hints_text(body.availability_zone_hints)
    return rows.with_standard(values)

"""Writing networks."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from ipam import model
from ipam.api.http import writing
from ipam.api.networks import dhcp_settings_wire
from ipam.api.networks import segments as network_segments
from ipam.api.networks.dhcp_settings_wire import NAMES
from ipam.api.networks.wire import (
    KIND,
    NetworkCreate,
    NetworkUpdate,
    NetworkView,
    body_faults,
    views,
)
from ipam.api.projects import sharing
from ipam.api.service import Service
from ipam.errors import AvailabilityZoneNotFound, NetworkInUse
from ipam.identity.caller import Caller
from ipam.rules import dhcp_settings
from ipam.rules import segments as segment_rules
from ipam.rules.segments import Segment
from ipam.store import networks, ports, rbac, scheduling, segments, subnets, tables, tags
from ipam.store.engine import rows
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record


class NetworkActions:
    """Writes networks."""

    create_struct: type[Struct] = NetworkCreate
    update_struct: type[Struct] = NetworkUpdate

    def __init__(self, service: Service) -> None:
        self._service = service

    def create(self, caller: Caller, bodies: Sequence[Any]) -> list[NetworkView]:
        adding, wished = self.adding(caller, bodies)
        return network_segments.write(self._service.database, adding, wished)

    def adding(
        self, caller: Caller, bodies: Sequence[Any], ids: Sequence[str] = ()
    ) -> tuple[Callable[[Transaction], list[NetworkView]], list[Segment]]:
        """Check the bodies. Gives what adds them in a transaction, and the segments they wish.

        `ids` are those that the networks get; new ones when empty.
        """
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
            pks = segments.add_networks(tx, writing.with_ids(new, ids))
            self._service.wakes.after(tx)
            found = writing.made(tx, KIND, pks, self._service.settings)
            sharing.follow_new(tx, "network", found)
            return views(tx, found)

        return work, wished

    def _mtu_limit(self, network_type: str | None) -> int | None:
        settings = self._service.settings.network
        return segment_rules.mtu_limit(
            network_type,
            settings.global_physnet_mtu,
            overlay_ip_version=settings.overlay_ip_version,
        )

    def _default_mtu(self, network_type: str) -> int:
        physical: int = self._service.settings.network.global_physnet_mtu
        return self._mtu_limit(network_type) or physical

    def update(
        self, _caller: Caller, resource_id: str, body: Any, revision: int | None
    ) -> NetworkView:
        asked = writing.given(writing.read_update(NetworkUpdate, NetworkView, body))
        asked |= dhcp_settings_wire.for_row(asked)

        def work(tx: Transaction) -> NetworkView:
            missing = KIND.missing(resource_id)
            row = writing.locked(tx, tables.network, resource_id, revision, missing)
            if values := writing.changed(row, asked):
                limit = self._mtu_limit(row.provider_network_type)
                writing.raise_all(segment_rules.mtu_fault(values.get("mtu", 0), limit))
                if "mtu" in values and subnets.has_ipv6(tx, row.pk):
                    writing.raise_all(segment_rules.ipv6_mtu_fault(row.id, values["mtu"]))
                if not NAMES.isdisjoint(values):
                    _check_dhcp_settings(tx, row, values)
                if "dns_domain" in values:
                    self._service.zones.zones_changed(tx)
                sharing.follow_flags(tx, "network", row, values)
                rows.touch(tx, tables.network, row.pk, values)
                self._service.wakes.after(tx, row.pk)
            view: NetworkView = KIND.show(tx, resource_id)
            return view

        return self._service.database.write(work)

    def delete(self, resource_id: str, revision: int | None) -> None:
        def work(tx: Transaction) -> None:
            missing = KIND.missing(resource_id)
            row = writing.locked(tx, tables.network, resource_id, revision, missing)
            device_id = model.dhcp_device_id(resource_id)
            if networks.port_in_use(tx, row.pk, dhcp_device_id=device_id):
                raise NetworkInUse(
                    f"Unable to complete operation on network {resource_id}. There are one or"
                    " more ports still in use on the network."
                )
            tx.note_deleted(row)
            hosts = scheduling.hosts(tx, row.pk)
            self._remove(tx, row.pk, device_id)
            rbac.forget(tx, resource_id)
            self._service.wakes.after(tx, hosts=hosts)

        self._service.database.write(work)

    def _remove(self, tx: Transaction, network_pk: int, device_id: str) -> None:
        """Delete the network with its DHCP port and its subnets."""
        allocator = self._service.allocator
        if own := ports.dhcp_port(tx, network_pk, device_id):
            for _, subnet_pk, address in ports.fixed_ips(tx, [own.pk])[own.pk]:
                allocator.release(tx, subnet_pk, address, own.pk)
            ports.remove(tx, own.pk)
        for subnet in subnets.of_network(tx, network_pk):
            allocator.close_pools(tx, subnet.pk)
            subnets.remove(tx, subnet.pk)
        networks.remove(tx, network_pk)


def _check_dhcp_settings(tx: Transaction, row: Record, values: Mapping[str, Any]) -> None:
    """Refuse settings that are wrong, or that do not fit with those of a subnet."""
    own = dhcp_settings_wire.after(row, values)
    faults = dhcp_settings.own_faults(own)
    if not faults:
        for subnet in subnets.of_network(tx, row.pk):
            version = subnet.ip_version
            its = dhcp_settings.read(subnet.dhcp_options, subnet.dhcp_boot, version)
            faults += dhcp_settings.room_faults(own, its, version, subnet.cidr)
    writing.raise_all(faults)


def _require_zones(tx: Transaction, bodies: Sequence[NetworkCreate]) -> None:
    """Raise AvailabilityZoneNotFound if a network's hints name a zone without agents."""
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
    values |= dhcp_settings_wire.for_row(values)
    values["availability_zone_hints"] = scheduling.hints_text(body.availability_zone_hints)
    return rows.with_standard_columns(values)

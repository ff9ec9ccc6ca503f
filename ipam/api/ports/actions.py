"""Writing ports: their addresses, their binding, their names and options.

`ipam.rules.fixed_ips` decides which addresses a port gets.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from msgspec import Struct, UnsetType

from ipam import model
from ipam.allocator import port_endings
from ipam.allocator.selection import Machine
from ipam.api.http import writing
from ipam.api.ports.addresses import PortAddresses
from ipam.api.ports.device_guard import refuse_foreign_device
from ipam.api.ports.dhcp_port import new_mac
from ipam.api.ports.dhcp_port_guard import (
    HELD_BY_DHCP,
    keep_dhcp_port_alone,
    refuse_dhcp_port,
    refuse_second_dhcp_port,
)
from ipam.api.ports.hosts import host_of, warn_of_silence
from ipam.api.ports.made import made_row, new_by_project
from ipam.api.ports.wire import KIND, FixedIpWish, PortCreate, PortUpdate, PortView, kind, view
from ipam.api.ports.wishes import (
    body_faults,
    check_port_security,
    options,
    pairs,
    port_security,
    refuse_end_of_service_port,
    refuse_many_fixed_ips,
    refuse_many_options,
)
from ipam.api.service import Service
from ipam.errors import CallerError, MacAddressInUse, NetworkNotFound
from ipam.identity.caller import Caller
from ipam.rules import dhcp_options, fixed_ips
from ipam.rules.bindings import PortHost
from ipam.rules.fixed_ips import Held, Step, SubnetFacts, Wish
from ipam.rules.ipv6 import makes_own_addresses
from ipam.store import port_bindings, ports, quotas, tables, tags
from ipam.store.engine import rows
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.store.engine.write_again import write_despite

MAC_ATTEMPTS: Final = 16
"""Neutron's mac_generation_retries. With 100,000 ports in a network, 1 of 170 MACs is taken."""

DEVICE: Final = frozenset({"device_id", "device_owner"})
NEEDS_DHCP_AGAIN: Final = ("admin_state_up", "mac_address", "binding_host_id")
"""After a change of these a port is DOWN until its agent serves it with the new values."""


@dataclass(frozen=True, slots=True)
class _Network:
    """The network of a new port."""

    pk: int
    id: str
    port_security_enabled: bool
    dns_domain: str
    own_limits: Mapping[str, int | None]
    """Of the project of the first new port; see `quotas.own_limits_in`."""
    subnets: tuple[SubnetFacts, ...]


@dataclass(frozen=True, slots=True)
class _NewPort:
    body: PortCreate
    network: _Network
    host: PortHost
    row: dict[str, Any]


class PortActions:
    """Writes ports."""

    create_struct: type[Struct] = PortCreate
    update_struct: type[Struct] = PortUpdate

    def __init__(self, service: Service) -> None:
        self._service = service
        self._settings = service.settings.network
        self.kind = kind(self._settings)
        self._allocator = service.allocator
        self._addresses = PortAddresses(service)

    def create(self, caller: Caller, bodies: Sequence[Any]) -> list[PortView]:
        read = self._read(bodies)

        def work(tx: Transaction) -> list[PortView]:
            return self._add(tx, caller, read)

        generated = any(not body.mac_address for body in read)
        attempts = MAC_ATTEMPTS if generated else 1
        return write_despite(self._service.database, work, MacAddressInUse, attempts=attempts)

    def adding(
        self, caller: Caller, bodies: Sequence[Any], ids: Sequence[str]
    ) -> Callable[[Transaction], list[PortView]]:
        """Check the bodies. Gives what adds them in a transaction, with these ids.

        It raises MacAddressInUse also for a generated MAC address.
        """
        read = self._read(bodies)

        def work(tx: Transaction) -> list[PortView]:
            return self._add(tx, caller, read, ids)

        return work

    def _read(self, bodies: Sequence[Any]) -> list[PortCreate]:
        read = writing.read_bodies(PortCreate, PortView, bodies, self._faults)
        for body in read:
            if not isinstance(body.fixed_ips, UnsetType):
                self._refuse_many(body.fixed_ips, body.device_owner)
        return read

    def update(
        self, caller: Caller, resource_id: str, body: Any, revision: int | None
    ) -> PortView:
        asked = writing.read_update(PortUpdate, PortView, body)
        writing.raise_all(self._faults(writing.given(asked)))

        def work(tx: Transaction) -> PortView:
            row = writing.locked(tx, tables.port, resource_id, revision, KIND.missing(resource_id))
            with self._service.zones.changing(tx, row.pk):
                changed, after = self._change(tx, caller, row, asked)
            if changed:
                self._service.outbox.updated(tx, row, changed, by_service=caller.is_service)
                left = {row.binding_host_id} if "binding_host_id" in changed else ()
                self._service.wakes.after(tx, row.network_pk, hosts=left)
            view: PortView = self.kind.views(tx, [after])[0]
            return view

        return self._service.database.write(work)

    def delete(self, resource_id: str, revision: int | None) -> None:
        def work(tx: Transaction) -> None:
            row = writing.locked(tx, tables.port, resource_id, revision, KIND.missing(resource_id))
            if row.device_owner == model.DHCP_PORT_OWNER:
                refuse_dhcp_port(row, ports.network_id(tx, row.network_pk))
            with self._service.zones.changing(tx, row.pk):
                held = port_endings.end(tx, self._allocator, row, "port deleted")
            tx.note("fixed_ips", _texts(held), None)
            tx.note_deleted(row)
            self._service.outbox.deleted(tx, row)
            self._service.wakes.after(tx, row.network_pk, hosts=[row.binding_host_id])

        self._service.database.write(work)

    def _faults(self, values: Mapping[str, Any]) -> list[CallerError]:
        return body_faults(values, self._settings)

    def _refuse_many(self, given: Sequence[FixedIpWish], device_owner: str) -> None:
        refuse_many_fixed_ips(given, device_owner, self._settings.max_fixed_ips_per_port)

    def _add(
        self,
        tx: Transaction,
        caller: Caller,
        bodies: Sequence[PortCreate],
        own_ids: Sequence[str] = (),
    ) -> list[PortView]:
        project = writing.project_of(bodies[0], caller)
        ids = dict.fromkeys(body.network_id for body in bodies)
        networks = {network_id: _network(tx, network_id, project) for network_id in ids}
        self._service.wakes.after(tx, *(one.pk for one in networks.values()))
        hosts: dict[tuple[str, int, str], PortHost] = {}
        most_pairs = self._settings.max_allowed_address_pair
        new = []
        for body in bodies:
            network = networks[body.network_id]
            where = (body.binding_host_id or "", network.pk, body.binding_vnic_type)
            host = hosts.get(where) or host_of(self._service, tx, *where)
            hosts[where] = host
            found_pairs = pairs(body.allowed_address_pairs, most_pairs)
            row = _new_row(body, caller, network, host.vif_type, found_pairs)
            refuse_foreign_device(tx, caller, row["project_id"], body.device_owner, body.device_id)
            new.append(_NewPort(body, network, host, row))
        inserted = writing.with_ids([port.row for port in new], own_ids)
        for row, port in zip(inserted, new, strict=True):
            warn_of_silence(tx, row["id"], port.host)
        pks = ports.add(tx, inserted)
        plans, held = [_plan(port) for port in new], dict[int, list[Held]]()
        if len(new) > 1:
            plans, held = self._addresses.take_together(tx, pks, plans)
        for pk, plan, port in zip(pks, plans, new, strict=True):
            machine = Machine(port.row["mac_address"], port.row["dns_name"])
            held.setdefault(pk, []).extend(self._addresses.take(tx, pk, plan, machine))
        self._service.zones.added(tx, pks)
        made = [
            made_row(
                *(pk, row, held[pk]),
                network_id=port.network.id,
                network_dns_domain=port.network.dns_domain,
                subnets=port.network.subnets,
                host_filters=port.host.filters,
            )
            for pk, row, port in zip(pks, inserted, new, strict=True)
        ]
        own_limits = {project: new[0].network.own_limits}
        for owner, added in sorted(new_by_project(made).items()):
            own = own_limits.get(owner) or quotas.own_limits(tx, owner)
            quotas.take(tx, owner, added, own, self._service.settings.quotas)
        tags.add_new(tx, tables.port, made)
        return [view(row, row.fixed_ips, self._settings.dns_domain) for row in made]

    def _change(
        self, tx: Transaction, caller: Caller, row: Record, asked: PortUpdate
    ) -> tuple[dict[str, Any], Record]:
        """The changed values by column, and the port's row after the change, as it is listed.

        `fixed_ips` is among the values if the addresses changed.
        """
        values = writing.changed(row, self._new_values(tx, row, asked))
        check_port_security(row, values)
        refuse_end_of_service_port(
            values.get("device_owner", row.device_owner), values.get("expires_at", row.expires_at)
        )
        if not DEVICE.isdisjoint(values):
            owner = values.get("device_owner", row.device_owner)
            device_id = values.get("device_id", row.device_id)
            refuse_foreign_device(tx, caller, row.project_id, owner, device_id)
        if not HELD_BY_DHCP.isdisjoint(writing.given(asked)):
            keep_dhcp_port_alone(tx, row, asked, values)
        moved = self._move(tx, row, asked, values)
        if moved or any(name in values for name in NEEDS_DHCP_AGAIN):
            values["status"] = model.DOWN
        if not (values or moved):
            return {}, self.kind.row(tx, row.id)
        if "binding_host_id" in values:
            _rebind(tx, row, values["binding_host_id"])
        after = ports.change_and_read(tx, row, values)
        return values | ({"fixed_ips": asked.fixed_ips} if moved else {}), after

    def _new_values(self, tx: Transaction, row: Record, asked: PortUpdate) -> dict[str, Any]:
        values = writing.given(asked)
        for name in ("fixed_ips", "security_groups"):
            values.pop(name, None)
        if values.get("mac_address", "") is None:
            values["mac_address"] = new_mac()
        if "binding_profile" in values:
            values["binding_profile"] = values["binding_profile"] or {}
        if "allowed_address_pairs" in values:
            most = self._settings.max_allowed_address_pair
            values["allowed_address_pairs"] = pairs(values["allowed_address_pairs"], most)
        if "extra_dhcp_opts" in values:
            wishes = options(values["extra_dhcp_opts"] or [])
            values["extra_dhcp_opts"] = dhcp_options.merged_options(row.extra_dhcp_opts, wishes)
            refuse_many_options(values["extra_dhcp_opts"])
        if values.get("expires_at"):
            values["expires_at"] = model.epoch_seconds(values["expires_at"])
        vnic_type = values.get("binding_vnic_type", row.binding_vnic_type)
        names_host = "binding_host_id" in values
        if names_host or vnic_type != row.binding_vnic_type:
            name = values.get("binding_host_id", row.binding_host_id) or ""
            host = host_of(self._service, tx, name, row.network_pk, vnic_type)
            values |= {"binding_host_id": host.name, "binding_vif_type": host.vif_type}
            # Anybody may change the vnic_type, and fill the log by that; few may name a host.
            if names_host and (host.name != row.binding_host_id or host.unreached):
                warn_of_silence(tx, row.id, host)
        return values

    def _move(
        self, tx: Transaction, row: Record, asked: PortUpdate, values: Mapping[str, Any]
    ) -> bool:
        """Change the addresses as the update asks. Gives whether any changed."""
        new_mac_address = values.get("mac_address", row.mac_address)
        wishes = asked.fixed_ips
        if isinstance(wishes, UnsetType) and new_mac_address == row.mac_address:
            return False
        held: list[Held] = [(pk, ip) for _, pk, ip in ports.fixed_ips(tx, [row.pk])[row.pk]]
        subnets = _network(tx, ports.network_id(tx, row.network_pk)).subnets
        if isinstance(wishes, UnsetType):
            change = fixed_ips.mac_change_plan(subnets, held, row.mac_address, new_mac_address)
        else:
            owner = values.get("device_owner", row.device_owner)
            self._refuse_many(wishes, owner)
            change = fixed_ips.change_plan(subnets, held, _wishes(wishes), new_mac_address, owner)
            kept = [one for one in held if one not in change.release]
            if row.device_owner != model.DHCP_PORT_OWNER:  # that has an address of each subnet
                fixed_ips.refuse_many_reserved(subnets, kept, change.acquire)
        for subnet_pk, address in sorted(change.release):
            self._allocator.release(tx, subnet_pk, address, row.pk)
        machine = Machine(new_mac_address, values.get("dns_name", row.dns_name))
        self._addresses.take(tx, row.pk, change.acquire, machine)
        if (more := len(change.acquire) - len(change.release)) > 0:
            defaults = self._service.settings.quotas
            quotas.check(tx, row.project_id, {quotas.FIXED_IPS: more}, defaults)
        if not (change.release or change.acquire):
            return False
        if tx.notes is not None:
            after = ports.fixed_ips(tx, [row.pk])[row.pk]
            tx.note("fixed_ips", _texts(ip for _, ip in held), _texts(ip for _, _, ip in after))
        return True


def _texts(addresses: Iterable[bytes]) -> list[str]:
    return [model.unpack(address) for address in addresses]


def _rebind(tx: Transaction, row: Record, host: str) -> None:
    """Make this host the port's only one. The old host serves the port until the new one does."""
    port_bindings.remove(tx, row.pk, host)
    if not host:
        port_bindings.end_leaving(tx, [row.pk])
    elif row.binding_host_id:
        port_bindings.demote(tx, row, leaving=True)


def _network(tx: Transaction, network_id: str, limits_of: str | None = None) -> _Network:
    """The network with its subnets, and the limits of this project. Raises NetworkNotFound."""
    found = ports.network_with_subnets(tx, network_id, limits_of=limits_of)
    if not found:
        raise NetworkNotFound(f"Network {network_id} could not be found.")
    return _Network(
        found[0].network_pk,
        found[0].network_id,
        found[0].port_security_enabled,
        found[0].network_dns_domain,
        {} if limits_of is None else quotas.own_limits_in(found[0], quotas.OF_PORTS),
        tuple(
            SubnetFacts(
                pk=row.pk,
                id=row.id,
                cidr=row.cidr,
                ip_version=row.ip_version,
                gateway=row.gateway_ip,
                automatic=row.enable_dhcp
                and makes_own_addresses(row.ipv6_ra_mode, row.ipv6_address_mode),
                service_types=tuple(row.service_types),
                address_selection=row.address_selection,
            )
            for row in found
            if row.pk is not None
        ),
    )


def _plan(port: _NewPort) -> list[Step]:
    subnets, body, mac = port.network.subnets, port.body, port.row["mac_address"]
    if isinstance(body.fixed_ips, UnsetType):
        return fixed_ips.default_plan(subnets, mac, body.device_owner)
    plan = fixed_ips.wished_plan(subnets, _wishes(body.fixed_ips), mac, body.device_owner)
    fixed_ips.refuse_many_reserved(subnets, (), plan)
    return plan


def _wishes(given: Sequence[FixedIpWish]) -> list[Wish]:
    return [Wish(wish.subnet_id, wish.ip_address) for wish in given]


def _new_row(
    body: PortCreate,
    caller: Caller,
    network: _Network,
    vif_type: str,
    address_pairs: Sequence[Mapping[str, str]],
) -> dict[str, Any]:
    refuse_second_dhcp_port(body.device_owner, body.device_id, body.network_id)
    refuse_end_of_service_port(body.device_owner, body.expires_at)
    wishes = options(body.extra_dhcp_opts or [])
    return rows.with_standard_columns(
        {
            "network_pk": network.pk,
            "project_id": writing.project_of(body, caller),
            "name": body.name,
            "description": body.description,
            "tags": tags.for_row(body.tags),
            "mac_address": body.mac_address or new_mac(),
            "admin_state_up": body.admin_state_up,
            "status": model.DOWN,
            "device_id": body.device_id,
            "device_owner": body.device_owner,
            "dns_name": body.dns_name,
            "dns_domain": body.dns_domain,
            "binding_host_id": body.binding_host_id or "",
            "binding_vnic_type": body.binding_vnic_type,
            "binding_profile": body.binding_profile or {},
            "binding_vif_type": vif_type,
            "extra_dhcp_opts": dhcp_options.merged_options([], wishes),
            "allowed_address_pairs": address_pairs,
            "port_security_enabled": port_security(body, of_network=network.port_security_enabled),
            "expires_at": model.epoch_seconds(body.expires_at) if body.expires_at else None,
        }
    )

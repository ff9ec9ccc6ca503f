"""Writing subnets."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, UnsetType
from msgspec.structs import asdict

from ipam import model
from ipam.api.http import writing
from ipam.api.http.access import Access
from ipam.api.networks import dhcp_settings_wire
from ipam.api.networks.dhcp_settings_wire import NAMES
from ipam.api.ports import dhcp_port
from ipam.api.service import Service
from ipam.api.subnet_pools import wire as subnet_pool_wire
from ipam.api.subnets import dynamic_ranges, origin, resize
from ipam.api.subnets.client_class_wire import for_row
from ipam.api.subnets.dynamic_ranges import texts
from ipam.api.subnets.shape import (
    class_faults,
    create_faults,
    options_after,
    options_of,
    settings_faults_after,
    settings_room_faults,
    shape_after,
    shape_of,
    static_after,
    static_rows,
    static_texts,
)
from ipam.api.subnets.wire import KIND, HostRoute, SubnetCreate, SubnetUpdate, SubnetView, views
from ipam.errors import CallerError, IpAddressAlreadyAllocated, NetworkNotFound, SubnetInUse
from ipam.identity.caller import Caller
from ipam.rules import dhcp_settings, subnet_options
from ipam.rules import segments as segment_rules
from ipam.rules import subnets as subnet_rules
from ipam.rules.fixed_ips import ROUTER_OWNERS
from ipam.rules.ipv6 import makes_own_addresses
from ipam.rules.subnet_options import Limits
from ipam.rules.subnets import Shape
from ipam.store import networks, ports, subnet_counters, subnet_ranges, subnets, tables, tags
from ipam.store.engine import rows
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record

CLASSES: Final = frozenset({"client_classes", "dynamic_ranges", "cidr"})
OPTIONS: Final = frozenset({"dns_nameservers", "host_routes", "gateway_ip"})


class SubnetActions:
    """Writes subnets. The network's row is the lock under which its subnets change."""

    create_struct: type[Struct] = SubnetCreate
    update_struct: type[Struct] = SubnetUpdate

    def __init__(self, service: Service) -> None:
        self._service = service

    def create(self, caller: Caller, bodies: Sequence[Any]) -> list[SubnetView]:
        return self._service.database.write(self.adding(caller, bodies))

    def adding(
        self, caller: Caller, bodies: Sequence[Any], ids: Sequence[str] = (), *, serve: bool = True
    ) -> Callable[[Transaction], list[SubnetView]]:
        """Check the bodies. Gives what adds them in a transaction.

        `ids` are those that the subnets get; new ones when empty. Without `serve` their DHCP
        server has no address before `serve` is called.
        """
        read = writing.read_bodies(SubnetCreate, SubnetView, bodies, self._create_faults)
        writing.raise_all([fault for body in read for fault in origin.faults(body)])

        def work(tx: Transaction) -> list[SubnetView]:
            own_ids = ids or [""] * len(read)
            pks = [
                self._add(tx, caller, body, own_id, serve=serve)
                for body, own_id in zip(read, own_ids, strict=True)
            ]
            return views(tx, writing.made(tx, KIND, pks, self._service.settings))

        return work

    def serve(self, tx: Transaction, subnet_id: str, server_address: str | None) -> None:
        """Give the DHCP server of a new subnet this address, or a free one if none is named.

        Raises IpAddressAlreadyAllocated, or IpAddressGenerationFailure.
        """
        network = lock_network_of(tx, subnet_id)
        row = writing.locked(tx, tables.subnet, subnet_id, None, KIND.missing(subnet_id))
        dhcp_port.serve(
            tx,
            self._service.allocator,
            network,
            subnet_pk=row.pk,
            is_automatic=makes_own_addresses(row.ipv6_ra_mode, row.ipv6_address_mode),
            address=model.pack(server_address) if server_address else None,
        )

    def update(
        self, _caller: Caller, resource_id: str, body: Any, revision: int | None
    ) -> SubnetView:
        asked = writing.read_update(SubnetUpdate, SubnetView, body)

        def work(tx: Transaction) -> SubnetView:
            network = lock_network_of(tx, resource_id)
            row = writing.locked(
                tx, tables.subnet, resource_id, revision, KIND.missing(resource_id)
            )
            self._change(tx, network, row, asked)
            self._service.wakes.after(tx, network.pk)
            view: SubnetView = KIND.show(tx, resource_id)
            return view

        return self._service.database.write(work)

    def delete(self, resource_id: str, revision: int | None) -> None:
        allocator = self._service.allocator

        def work(tx: Transaction) -> None:
            network = lock_network_of(tx, resource_id)
            row = writing.locked(
                tx, tables.subnet, resource_id, revision, KIND.missing(resource_id)
            )
            device_id = model.dhcp_device_id(network.id)
            # Machines make these addresses from the prefix, so ports lose them with it.
            automatic = makes_own_addresses(row.ipv6_ra_mode, row.ipv6_address_mode)
            owners = ROUTER_OWNERS if automatic else ()
            if port_id := subnets.port_in_use(tx, row.pk, dhcp_device_id=device_id, owners=owners):
                raise SubnetInUse(
                    f"Unable to complete operation on subnet {resource_id}: One or more ports"
                    f" have an IP allocation from this subnet, port {port_id} among them."
                )
            tx.note_deleted(row)
            dhcp_port.give_back_address(tx, allocator, network.pk, network.id, row.pk)
            if automatic:
                self._take_addresses_back(tx, row.pk)
                if row.dns_publish_fixed_ip:
                    self._service.zones.zones_changed(tx)
            allocator.close_pools(tx, row.pk)
            subnets.remove(tx, row.pk)
            self._service.wakes.after(tx, network.pk)

        self._service.database.write(work)

    def _take_addresses_back(self, tx: Transaction, subnet_pk: int) -> None:
        """Release every address of the subnet that a port has."""
        for port in subnets.owned(tx, subnet_pk):
            self._service.allocator.release(tx, subnet_pk, port.ip, port.pk)
            ports.change(tx, port.pk, {})
            self._service.outbox.updated(tx, port, {"fixed_ips": ()}, by_service=False)

    def _create_faults(self, values: Mapping[str, Any]) -> list[CallerError]:
        told = options_of(values)
        option_faults = subnet_options.faults(told, self._limits(), "new subnet")
        settings = dhcp_settings_wire.of_body(values, told.ip_version)
        setting_faults = dhcp_settings.own_faults(settings, told.ip_version)
        setting_faults += dhcp_settings.deprecation_faults(
            values.get("lease_time"), values.get("ipv6_ra_mode")
        )
        return [*create_faults(values), *option_faults, *setting_faults]

    def _limits(self) -> Limits:
        network = self._service.settings.network
        return Limits(network.max_dns_nameservers, network.max_subnet_host_routes)

    def _add(
        self, tx: Transaction, caller: Caller, body: SubnetCreate, own_id: str, *, serve: bool
    ) -> int:
        network = networks.bump(tx, body.network_id)
        if network is None:
            raise NetworkNotFound(f"Network {body.network_id} could not be found.")
        self._service.wakes.after(tx, network.pk)
        if body.ip_version == 6:
            writing.raise_all(segment_rules.ipv6_mtu_fault(network.id, network.mtu))
        others = subnets.of_network(tx, network.pk)
        project_id = writing.project_of(body, caller)
        viewer = Access(self._service, caller).viewer(subnet_pool_wire.KIND)
        body, pool_pk = origin.settle(tx, body, project_id, others, viewer)
        assert body.cidr is not None, "a subnet without a prefix and without a pool was let in"
        cidrs = {row.id: row.cidr for row in others}
        writing.raise_all(subnet_rules.overlapping(body.cidr, cidrs))
        settings = dhcp_settings_wire.of_body(asdict(body), body.ip_version)
        writing.raise_all(settings_room_faults(network, settings, body.ip_version, body.cidr))
        shape = shape_of(asdict(body))
        row = _new_row(body, shape, network, caller) | {"subnetpool_pk": pool_pk}
        if own_id:
            row["id"] = own_id
        pk = rows.insert_one(tx, tables.subnet, row)
        subnet_counters.open_(tx, pk)
        pools = subnet_rules.merged(shape.pools)
        subnet_ranges.set_pools(tx, pk, pools)
        ranges = subnet_rules.merged(shape.dynamic_ranges)
        subnet_ranges.set_dynamic_ranges(tx, pk, ranges)
        subnet_ranges.set_static_ranges(tx, pk, static_rows(body.static_ranges))
        self._service.allocator.open_pools(tx, pk, pools)
        if body.enable_dhcp and serve:
            own = makes_own_addresses(body.ipv6_ra_mode, body.ipv6_address_mode)
            dhcp_port.serve(tx, self._service.allocator, network, subnet_pk=pk, is_automatic=own)
        return pk

    def _change(self, tx: Transaction, network: Record, row: Record, asked: SubnetUpdate) -> None:
        before = subnet_ranges.every(tx, [row.pk])[row.pk]
        static = static_after(row, before.static, asked)
        shape = shape_after(row, before, static, asked)
        is_same = shape == shape_after(row, before, before.static, SubnetUpdate())
        faults = [] if is_same else subnet_rules.faults(shape)
        wished = _new_values(asked)
        if not CLASSES.isdisjoint(writing.given(asked)):
            faults += class_faults(shape, wished.get("client_classes", row.client_classes) or [])
        if not OPTIONS.isdisjoint(writing.given(asked)):
            after = options_after(row, asked)
            faults += subnet_options.faults(after, self._limits(), f"subnet {row.id}")
        if not NAMES.isdisjoint(wished):
            faults += settings_faults_after(network, row, wished)
        faults += dhcp_settings.deprecation_faults(wished.get("lease_time"), row.ipv6_ra_mode)
        writing.raise_all(faults)
        values = writing.changed(row, wished)
        resized = "cidr" in values
        server_moves = resized and resize.check(tx, network, row, shape, asked)
        if values.get("gateway_ip"):
            _check_gateway_is_free(tx, row, values["gateway_ip"])
        fenced = dynamic_ranges.change(
            tx,
            self._service.allocator,
            row,
            before.dynamic,
            subnet_rules.merged(shape.dynamic_ranges),
        )
        relabelled = static != before.static
        if relabelled:
            subnet_ranges.set_static_ranges(tx, row.pk, static)
            tx.note("static_ranges", static_texts(before.static), static_texts(static))
        new_pools = subnet_rules.merged(shape.pools)
        moved = not is_same and new_pools != before.pools
        if moved or resized:
            subnet_ranges.set_pools(tx, row.pk, new_pools)
            tx.note("allocation_pools", texts(before.pools), texts(new_pools))
            self._service.allocator.change_pools(tx, row.pk, new_pools)
            subnet_counters.count_anew(tx, row.pk)
        if resized:
            resize.carry_out(
                tx, self._service.allocator, network, row, shape, server_moves=server_moves
            )
        if values or moved or fenced or relabelled:
            rows.touch(tx, tables.subnet, row.pk, values)
        if "dns_publish_fixed_ip" in values:
            self._service.zones.zones_changed(tx)
        if "enable_dhcp" in values:
            self._change_dhcp(tx, network, row, enable=values["enable_dhcp"])

    def _change_dhcp(self, tx: Transaction, network: Record, row: Record, *, enable: bool) -> None:
        allocator = self._service.allocator
        if not enable:
            dhcp_port.give_back_address(tx, allocator, network.pk, network.id, row.pk)
        else:
            own = makes_own_addresses(row.ipv6_ra_mode, row.ipv6_address_mode)
            dhcp_port.serve(tx, allocator, network, subnet_pk=row.pk, is_automatic=own)


def lock_network_of(tx: Transaction, subnet_id: str) -> Record:
    """The locked row of a subnet's network. Raises SubnetNotFound."""
    network_id = subnets.network_id_of(tx, subnet_id)
    network = networks.bump(tx, network_id) if network_id else None
    if network is None:
        raise KIND.missing(subnet_id)
    return network


def _new_values(asked: SubnetUpdate) -> dict[str, Any]:
    values = writing.given(asked)
    values.pop("allocation_pools", None)
    values.pop("dynamic_ranges", None)
    values.pop("static_ranges", None)
    if "gateway_ip" in values:
        values["gateway_ip"] = model.pack(asked.gateway_ip) if asked.gateway_ip else None
    if not isinstance(asked.client_classes, UnsetType):
        values["client_classes"] = for_row(asked.client_classes)
    if "host_routes" in values:
        values["host_routes"] = _routes(values["host_routes"])
    return values | dhcp_settings_wire.for_row(values)


def _new_row(body: SubnetCreate, shape: Shape, network: Record, caller: Caller) -> dict[str, Any]:
    return rows.with_standard_columns(
        {
            "network_pk": network.pk,
            "project_id": writing.project_of(body, caller),
            "name": body.name,
            "description": body.description,
            "tags": tags.for_row(body.tags),
            "ip_version": body.ip_version,
            "cidr": body.cidr,
            "gateway_ip": model.pack(shape.gateway_ip) if shape.gateway_ip else None,
            "enable_dhcp": body.enable_dhcp,
            "ipv6_ra_mode": body.ipv6_ra_mode,
            "ipv6_address_mode": body.ipv6_address_mode,
            "dns_nameservers": body.dns_nameservers,
            "host_routes": _routes(body.host_routes),
            "service_types": body.service_types,
            "address_selection": body.address_selection,
            "client_classes": for_row(body.client_classes),
            **dhcp_settings_wire.for_row(asdict(body)),
            "dns_publish_fixed_ip": body.dns_publish_fixed_ip,
        }
    )


def _routes(routes: Sequence[HostRoute]) -> list[dict[str, str]]:
    return [{"destination": route.destination, "nexthop": route.nexthop} for route in routes]


def _check_gateway_is_free(tx: Transaction, row: Record, gateway: bytes) -> None:
    owner = subnets.owner_of(tx, row.pk, gateway)
    if owner is not None and owner.device_owner not in ROUTER_OWNERS:
        raise IpAddressAlreadyAllocated(
            f"IP address {model.unpack(gateway)} already allocated in subnet {row.id}, to port"
            f" {owner.id}: it cannot become the gateway."
        )

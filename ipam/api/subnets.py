"""Subnets: what they look like and how they are written."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from msgspec import UNSET, Struct, UnsetType

from ipam import model
from ipam.api import dhcp_port, standard, subnet_rules
from ipam.api.port_rules import ROUTER_OWNERS
from ipam.api.resources import Kind
from ipam.api.service import Service
from ipam.api.subnet_rules import Shape
from ipam.api.values import Cidr, Description, IpAddress, Name, ProjectId, Uuid
from ipam.errors import (
    CallerError,
    IpAddressAlreadyAllocated,
    NetworkNotFound,
    SubnetInUse,
    SubnetNotFound,
)
from ipam.identity.caller import Caller
from ipam.store import networks, rows, subnets, tables
from ipam.store.database import Transaction
from ipam.store.listing import Record, read_many

Ipv6Mode = Literal["slaac", "dhcpv6-stateful", "dhcpv6-stateless"]


class AllocationPool(Struct):
    start: IpAddress
    end: IpAddress


class HostRoute(Struct):
    destination: Cidr
    nexthop: IpAddress


class SubnetCreate(Struct, kw_only=True):
    network_id: Uuid
    cidr: Cidr
    ip_version: Literal[4, 6]
    name: Name = ""
    description: Description = ""
    project_id: ProjectId | UnsetType = UNSET
    tenant_id: ProjectId | UnsetType = UNSET
    gateway_ip: IpAddress | UnsetType | None = UNSET
    allocation_pools: list[AllocationPool] | UnsetType = UNSET
    dns_nameservers: list[IpAddress] = []
    host_routes: list[HostRoute] = []
    enable_dhcp: bool = True
    ipv6_ra_mode: Ipv6Mode | None = None
    ipv6_address_mode: Ipv6Mode | None = None
    service_types: list[Name] = []
    subnetpool_id: None = None
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
    subnetpool_id: str | None = None
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
            **standard.standard_view(row),
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
        )
        for row in found
    ]


KIND: Final = Kind("subnet", "subnets", SubnetView, subnets.COLLECTION, views, SubnetNotFound)


class SubnetActions:
    """Writes subnets. The network's row is the lock under which its subnets change."""

    create_struct: type[Struct] = SubnetCreate
    update_struct: type[Struct] = SubnetUpdate

    def __init__(self, service: Service) -> None:
        self._service = service

    def create(self, caller: Caller, bodies: Sequence[Any]) -> list[SubnetView]:
        read = standard.read_bodies(SubnetCreate, SubnetView, bodies, _create_faults)

        def work(tx: Transaction) -> list[SubnetView]:
            pks = [self._add(tx, caller, body) for body in read]
            tx.on_commit(self._service.waker.wake)
            return views(tx, read_many(tx, KIND.rows, pks))

        return self._service.database.write(work)

    def update(self, resource_id: str, body: Any, revision: int | None) -> SubnetView:
        asked = standard.read_update(SubnetUpdate, SubnetView, body)

        def work(tx: Transaction) -> SubnetView:
            network = self._lock_network_of(tx, resource_id)
            row = standard.locked(
                tx, tables.subnet, resource_id, revision, KIND.missing(resource_id)
            )
            self._change(tx, network, row, asked)
            tx.on_commit(self._service.waker.wake)
            view: SubnetView = KIND.show(tx, resource_id)
            return view

        return self._service.database.write(work)

    def delete(self, resource_id: str, revision: int | None) -> None:
        allocator = self._service.allocator

        def work(tx: Transaction) -> None:
            network = self._lock_network_of(tx, resource_id)
            row = standard.locked(
                tx, tables.subnet, resource_id, revision, KIND.missing(resource_id)
            )
            device_id = dhcp_port.dhcp_device_id(network.id)
            if port_id := subnets.port_in_use(tx, row.pk, dhcp_device_id=device_id):
                raise SubnetInUse(
                    f"Unable to complete operation on subnet {resource_id}: One or more ports"
                    f" have an IP allocation from this subnet, port {port_id} among them."
                )
            dhcp_port.give_back_address(tx, allocator, network.pk, network.id, row.pk)
            allocator.close_pools(tx, row.pk)
            subnets.remove(tx, row.pk)
            tx.on_commit(self._service.waker.wake)

        self._service.database.write(work)

    def _lock_network_of(self, tx: Transaction, subnet_id: str) -> Record:
        """The network of a subnet, held. Raises SubnetNotFound."""
        network_id = subnets.network_id_of(tx, subnet_id)
        network = networks.bump(tx, network_id) if network_id else None
        if network is None:
            raise KIND.missing(subnet_id)
        return network

    def _add(self, tx: Transaction, caller: Caller, body: SubnetCreate) -> int:
        network = networks.bump(tx, body.network_id)
        if network is None:
            raise NetworkNotFound(f"Network {body.network_id} could not be found.")
        others = {row.id: row.cidr for row in subnets.of_network(tx, network.pk)}
        standard.raise_all(subnet_rules.overlapping(body.cidr, others))
        shape = _shape(_raw(body))
        pk = rows.insert_one(tx, tables.subnet, _new_row(body, shape, network, caller))
        pools = subnet_rules.merged(shape.pools)
        subnets.set_pools(tx, pk, pools)
        self._service.allocator.open_pools(tx, pk, pools)
        if dhcp_port.wants_dhcp_address(
            enable_dhcp=body.enable_dhcp, ipv6_address_mode=body.ipv6_address_mode
        ):
            dhcp_port.take_address(tx, self._service.allocator, network, pk)
        return pk

    def _change(self, tx: Transaction, network: Record, row: Record, asked: SubnetUpdate) -> None:
        pools = subnets.pools(tx, [row.pk])[row.pk]
        shape = _shape_after(row, pools, asked)
        standard.raise_all(subnet_rules.faults(shape))
        values = standard.changed(row, _new_values(asked))
        if values.get("gateway_ip"):
            _check_gateway_is_free(tx, row, values["gateway_ip"])
        new_pools = subnet_rules.merged(shape.pools)
        moved = not isinstance(asked.allocation_pools, UnsetType) and new_pools != pools
        if moved:
            subnets.set_pools(tx, row.pk, new_pools)
            self._service.allocator.change_pools(tx, row.pk, new_pools)
        if values or moved:
            rows.touch(tx, tables.subnet, row.pk, values)
        if "enable_dhcp" in values:
            self._change_dhcp(tx, network, row, enable=values["enable_dhcp"])

    def _change_dhcp(self, tx: Transaction, network: Record, row: Record, *, enable: bool) -> None:
        allocator = self._service.allocator
        if not enable:
            dhcp_port.give_back_address(tx, allocator, network.pk, network.id, row.pk)
        elif dhcp_port.wants_dhcp_address(
            enable_dhcp=True, ipv6_address_mode=row.ipv6_address_mode
        ):
            dhcp_port.take_address(tx, allocator, network, row.pk)


def _raw(body: Struct) -> dict[str, Any]:
    return {name: getattr(body, name) for name in body.__struct_fields__}


def _shape(values: Mapping[str, Any]) -> Shape:
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


def _create_faults(values: Mapping[str, Any]) -> list[CallerError]:
    if "cidr" not in values or "ip_version" not in values:
        return []
    return subnet_rules.faults(_shape(values))


def _shape_after(row: Record, pools: Sequence[tuple[bytes, bytes]], asked: SubnetUpdate) -> Shape:
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


def _new_values(asked: SubnetUpdate) -> dict[str, Any]:
    values = standard.given(asked)
    values.pop("allocation_pools", None)
    if "gateway_ip" in values:
        values["gateway_ip"] = model.pack(asked.gateway_ip) if asked.gateway_ip else None
    if "host_routes" in values:
        values["host_routes"] = _routes(values["host_routes"])
    return values


def _new_row(body: SubnetCreate, shape: Shape, network: Record, caller: Caller) -> dict[str, Any]:
    return rows.with_standard(
        {
            "network_pk": network.pk,
            "project_id": standard.project_of(body, caller),
            "name": body.name,
            "description": body.description,
            "ip_version": body.ip_version,
            "cidr": body.cidr,
            "gateway_ip": model.pack(shape.gateway_ip) if shape.gateway_ip else None,
            "enable_dhcp": body.enable_dhcp,
            "ipv6_ra_mode": body.ipv6_ra_mode,
            "ipv6_address_mode": body.ipv6_address_mode,
            "dns_nameservers": body.dns_nameservers,
            "host_routes": _routes(body.host_routes),
            "service_types": body.service_types,
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

"""The subnet that a body describes, in the form that the rules of subnets take."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET, UnsetType

from ipam import model
from ipam.api.networks import dhcp_settings_wire
from ipam.api.subnets.client_class_wire import for_row
from ipam.api.subnets.wire import AllocationPool, HostRoute, SubnetUpdate
from ipam.api.subnets.wire import StaticRange as WireStaticRange
from ipam.errors import CallerError
from ipam.rules import client_classes, dhcp_settings, subnet_resize
from ipam.rules import subnets as subnet_rules
from ipam.rules.dhcp_settings import Settings
from ipam.rules.subnet_options import SubnetOptions
from ipam.rules.subnet_resize import Extent
from ipam.rules.subnets import Shape
from ipam.store.engine.listing import Record
from ipam.store.subnet_ranges import Range, Ranges, StaticRange


def shape_of(values: Mapping[str, Any]) -> Shape:
    """The subnet that a POST describes, with defaults filled in."""
    cidr = values["cidr"]
    gateway = values.get("gateway_ip", UNSET)
    if isinstance(gateway, UnsetType):
        gateway = subnet_rules.default_gateway(cidr)
    pools = values.get("allocation_pools", UNSET)
    dynamic = _pairs(values.get("dynamic_ranges", []))
    static = _pairs(values.get("static_ranges", []))
    ranges = (
        _left(subnet_rules.default_pools(cidr, gateway), [*dynamic, *static])
        if isinstance(pools, UnsetType)
        else _pairs(pools)
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
        dynamic_ranges=dynamic,
        static_ranges=static,
    )


def class_faults(shape: Shape, stored: Sequence[Mapping[str, Any]]) -> list[CallerError]:
    """Every rule that client classes, in the form of the table, break in this subnet."""
    classes = client_classes.read(stored)
    return client_classes.faults(classes, shape.ip_version, shape.dynamic_ranges)


def settings_faults_after(
    network: Record, row: Record, changed: Mapping[str, Any]
) -> list[CallerError]:
    """What is wrong with the subnet's DHCP settings once these columns have changed."""
    own = dhcp_settings_wire.after(row, changed, row.ip_version)
    return dhcp_settings.own_faults(own, row.ip_version) or settings_room_faults(
        network, own, row.ip_version, row.cidr
    )


def settings_room_faults(
    network: Record, own: Settings, version: int, cidr: str
) -> list[CallerError]:
    """Whether a subnet's DHCP settings fit with those of its network."""
    outer = dhcp_settings.read(network.dhcp_options, network.dhcp_boot)
    return dhcp_settings.room_faults(outer, own, version, cidr)


def create_faults(values: Mapping[str, Any]) -> list[CallerError]:
    """Every rule that a POST breaks, as far as its good values show."""
    if values.get("cidr") is None or "ip_version" not in values:
        return []
    shape = shape_of(values)
    of_classes = class_faults(shape, for_row(values.get("client_classes", [])))
    return [*subnet_rules.faults(shape), *of_classes]


def options_of(values: Mapping[str, Any]) -> SubnetOptions:
    """The DHCP values that a POST sets for machines, as far as its values are good."""
    cidr, gateway = values.get("cidr"), values.get("gateway_ip", UNSET)
    if isinstance(gateway, UnsetType):
        gateway = subnet_rules.default_gateway(cidr) if cidr else None
    return SubnetOptions(
        ip_version=values.get("ip_version", 6 if ":" in (cidr or "") else 4),
        gateway_ip=gateway,
        dns_nameservers=values.get("dns_nameservers", []),
        host_routes=[(one.destination, one.nexthop) for one in values.get("host_routes", [])],
    )


def options_after(row: Record, asked: SubnetUpdate) -> SubnetOptions:
    """The DHCP values for machines after the change."""
    kept = [HostRoute(**route) for route in row.host_routes]
    routes = kept if isinstance(asked.host_routes, UnsetType) else asked.host_routes
    kept_gateway = model.unpack(row.gateway_ip) if row.gateway_ip else None
    return SubnetOptions(
        ip_version=row.ip_version,
        gateway_ip=kept_gateway if isinstance(asked.gateway_ip, UnsetType) else asked.gateway_ip,
        dns_nameservers=row.dns_nameservers
        if isinstance(asked.dns_nameservers, UnsetType)
        else asked.dns_nameservers,
        host_routes=[(route.destination, route.nexthop) for route in routes],
    )


def static_after(
    row: Record, before: Sequence[StaticRange], asked: SubnetUpdate
) -> list[StaticRange]:
    """The static ranges after the change, in order. A smaller prefix cuts them, if none are given.

    They may be unsound: `shape_after` shows that.
    """
    if not isinstance(asked.static_ranges, UnsetType):
        return static_rows(asked.static_ranges)
    if isinstance(asked.cidr, UnsetType) or model.ip_version(asked.cidr) != row.ip_version:
        return list(before)
    return [
        StaticRange(model.pack(first), model.pack(last), one.label, one.owner)
        for one in before
        for first, last in subnet_resize.inside(asked.cidr, _unpacked([one[:2]]))
    ]


def static_texts(ranges: Sequence[StaticRange]) -> list[str]:
    """Static ranges for people."""
    return [
        " ".join(
            part
            for part in (
                f"{model.unpack(one.first)}-{model.unpack(one.last)}",
                one.label,
                one.owner,
            )
            if part
        )
        for one in ranges
    ]


def static_rows(given: Sequence[WireStaticRange]) -> list[StaticRange]:
    """The static ranges of a body, in order."""
    packed = (
        StaticRange(model.pack(one.start), model.pack(one.end), one.label, one.owner)
        for one in given
    )
    return sorted(packed)


def shape_after(
    row: Record, before: Ranges, static: Sequence[StaticRange], asked: SubnetUpdate
) -> Shape:
    """The subnet after the change, when it has these static ranges."""
    dynamic, kept_pools = _unpacked(before.dynamic), _unpacked(before.pools)
    static_before, static_now = (
        _unpacked([one[:2] for one in some]) for some in (before.static, static)
    )
    cidr = row.cidr if isinstance(asked.cidr, UnsetType) else asked.cidr
    kept_gateway = model.unpack(row.gateway_ip) if row.gateway_ip else None
    gateway = kept_gateway if isinstance(asked.gateway_ip, UnsetType) else asked.gateway_ip
    if cidr != row.cidr and model.ip_version(cidr) == row.ip_version:
        kept_pools = subnet_resize.pools_after(
            Extent(row.cidr, kept_gateway),
            Extent(cidr, gateway),
            pools=kept_pools,
            taken=[*dynamic, *static_before],
        )
        dynamic = subnet_resize.inside(cidr, dynamic)
    if not isinstance(asked.dynamic_ranges, UnsetType):
        dynamic = _pairs(asked.dynamic_ranges)
        kept_pools = _left(kept_pools, dynamic)
    if not isinstance(asked.static_ranges, UnsetType):
        whole = Extent(cidr, gateway)
        if subnet_resize.has_all(whole, kept_pools, [*dynamic, *static_before]):
            kept_pools = subnet_rules.default_pools(cidr, gateway)
        kept_pools = _left(kept_pools, [*dynamic, *static_now])
    routes = [] if isinstance(asked.host_routes, UnsetType) else asked.host_routes
    return Shape(
        cidr=cidr,
        ip_version=row.ip_version,
        gateway_ip=gateway,
        pools=kept_pools
        if isinstance(asked.allocation_pools, UnsetType)
        else _pairs(asked.allocation_pools),
        enable_dhcp=row.enable_dhcp
        if isinstance(asked.enable_dhcp, UnsetType)
        else asked.enable_dhcp,
        ipv6_ra_mode=row.ipv6_ra_mode,
        ipv6_address_mode=row.ipv6_address_mode,
        destinations=[route.destination for route in routes],
        nexthops=[route.nexthop for route in routes],
        dynamic_ranges=dynamic,
        static_ranges=static_now,
    )


def _pairs(given: Sequence[AllocationPool]) -> list[tuple[str, str]]:
    return [(one.start, one.end) for one in given]


def _unpacked(pools: Sequence[Range]) -> list[tuple[str, str]]:
    return [(model.unpack(first), model.unpack(last)) for first, last in pools]


def _left(
    pools: list[tuple[str, str]], dynamic: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    """The pools without the dynamic ranges, as far as these are of one IP version."""
    versions = {model.ip_version(one) for pair in (*pools, *dynamic) for one in pair}
    return subnet_rules.without(pools, dynamic) if dynamic and len(versions) == 1 else pools

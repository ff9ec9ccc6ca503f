"""Checks subnets, and gives their defaults. Pure.

Every function takes canonical text (`ipam.values`). Ranges are pairs of integers, inclusive.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import combinations, pairwise
from typing import Final, TypeAlias

from ipam import model
from ipam.errors import (
    CallerError,
    GatewayConflictWithAllocationPools,
    InvalidAllocationPool,
    InvalidInput,
    OutOfBoundsAllocationPool,
    OverlappingAllocationPools,
)
from ipam.model import ip_version
from ipam.rules import prefixes
from ipam.rules.ipv6 import makes_own_addresses

NumberRange: TypeAlias = tuple[int, int]


WITHOUT_DHCP: Final[Mapping[IPv4Network | IPv6Network, str]] = {
    IPv4Network("0.0.0.0/8"): "Unspecified",
    IPv4Network("127.0.0.0/8"): "Loopback",
    IPv4Network("224.0.0.0/4"): "Multicast",
    IPv4Network("240.0.0.0/4"): "Reserved",
    IPv6Network("::/8"): "Unspecified, loopback or IPv4-mapped",
    IPv6Network("fe80::/10"): "Link-local",
    IPv6Network("ff00::/8"): "Multicast",
}
"""Networks in which no machine can be served (RFC 1122 §3.2.1.3, RFC 4291 §2.4)."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The values of a subnet that depend on each other."""

    cidr: str
    ip_version: int
    gateway_ip: str | None
    pools: Sequence[tuple[str, str]]
    enable_dhcp: bool
    ipv6_ra_mode: str | None = None
    ipv6_address_mode: str | None = None
    nexthops: Sequence[str] = ()
    destinations: Sequence[str] = ()
    dynamic_ranges: Sequence[tuple[str, str]] = ()
    static_ranges: Sequence[tuple[str, str]] = ()


def number(address: str) -> int:
    """The address as an integer."""
    return int.from_bytes(model.pack(address))


def text(value: int, version: int) -> str:
    """The address that an integer stands for."""
    return model.unpack(value.to_bytes(4 if version == 4 else 16))


def usable(cidr: str) -> NumberRange:
    """The range of addresses of a network that a machine can have; first > last if it is empty.

    Not the network and broadcast address of IPv4, except in a /31 (RFC 3021) and /32; not the
    Subnet-Router anycast address of IPv6 (RFC 4291 §2.6.1), except in a /127 (RFC 6164) and /128.
    """
    net = ip_network(cidr)
    first, last = int(net.network_address), int(net.broadcast_address)
    if net.prefixlen >= net.max_prefixlen - 1:
        return first, last
    return (first + 1, last - 1) if net.version == 4 else (first + 1, last)


def usable_ends(cidr: str) -> tuple[bytes, bytes]:
    """As `usable`, of packed addresses."""
    octets = ip_network(cidr).max_prefixlen // 8
    first, last = usable(cidr)
    return first.to_bytes(octets), last.to_bytes(octets)


def default_gateway(cidr: str) -> str | None:
    """The first address; None in a network of one address."""
    first, last = usable(cidr)
    return None if first == last else text(first, ip_version(cidr))


def default_pools(cidr: str, gateway_ip: str | None) -> list[tuple[str, str]]:
    """Every usable address except the gateway's."""
    first, last = usable(cidr)
    ranges = [(first, last)]
    gateway = None if gateway_ip is None else number(gateway_ip)
    if gateway is not None and first <= gateway <= last:
        ranges = [(first, gateway - 1), (gateway + 1, last)]
    version = ip_version(cidr)
    return [(text(low, version), text(high, version)) for low, high in ranges if low <= high]


def faults(shape: Shape) -> list[CallerError]:
    """Every rule that the subnet breaks."""
    if ip_version(shape.cidr) != shape.ip_version:
        return [_version_fault("cidr", shape.cidr, shape.ip_version)]
    return [
        *_cidr_faults(shape),
        *_gateway_faults(shape),
        *_pool_faults(shape),
        *_dynamic_range_faults(shape),
        *_static_range_faults(shape),
        *_dhcp_faults(shape),
        *mode_faults(shape),
        *_route_faults(shape),
    ]


def overlapping(cidr: str, others: Mapping[str, str]) -> list[CallerError]:
    """A fault for each of the subnets (id to CIDR) that share addresses with `cidr`."""
    mine = prefixes.parse(cidr)
    found = {subnet_id: prefixes.parse(other) for subnet_id, other in others.items()}
    return [
        InvalidInput(
            f"Requested subnet with cidr: {cidr} for network overlaps with another subnet:"
            f" {others[subnet_id]} of subnet {subnet_id}."
        )
        for subnet_id, other in found.items()
        if other.bits == mine.bits and mine.first <= other.last and other.first <= mine.last
    ]


def merged(pools: Sequence[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """The pools, packed and in order, with neighbours joined."""
    ranges = sorted((model.pack(first), model.pack(last)) for first, last in pools)
    result: list[tuple[bytes, bytes]] = []
    for first, last in ranges:
        if result and int.from_bytes(result[-1][1]) + 1 == int.from_bytes(first):
            result[-1] = (result[-1][0], last)
        else:
            result.append((first, last))
    return result


def without(
    pools: Sequence[tuple[str, str]], taken: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    """What is left of sound pools, in order, without these ranges of the same IP version.

    A range whose start lies after its end takes nothing.
    """
    left = sorted((number(low), number(high)) for low, high in pools)
    for low, high in ((number(first), number(last)) for first, last in taken):
        if low > high:
            continue
        parts = ((start, min(end, low - 1)) for start, end in left)
        rests = ((max(start, high + 1), end) for start, end in left)
        left = sorted({(start, end) for start, end in (*parts, *rests) if start <= end})
    version = ip_version(pools[0][0]) if pools else 4
    return [(text(start, version), text(end, version)) for start, end in left]


def mode_faults(shape: Shape) -> Iterator[CallerError]:
    """Faults of IPv6 modes that have no meaning in the subnet or contradict each other."""
    ra, address = shape.ipv6_ra_mode, shape.ipv6_address_mode
    if ra is None and address is None:
        return
    if shape.ip_version == 4:
        yield InvalidInput("ipv6_ra_mode and ipv6_address_mode belong to IPv6 subnets only.")
        return
    if not shape.enable_dhcp:
        yield InvalidInput(
            "ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False."
        )
    if ra and address and ra != address:
        yield InvalidInput(
            f"ipv6_ra_mode set to '{ra}' with ipv6_address_mode set to '{address}' is not valid."
            " If both attributes are set, they must be the same value."
        )
    prefix = ip_network(shape.cidr).prefixlen
    if prefix != 64 and makes_own_addresses(ra, address):
        yield InvalidInput(
            f"Invalid CIDR {shape.cidr} for IPv6 address mode. SLAAC and DHCPv6 stateless need a"
            f" prefix of 64 bits, not {prefix}."
        )


def _cidr_faults(shape: Shape) -> Iterator[CallerError]:
    if shape.ip_version == 6 and ip_network(shape.cidr).network_address == IPv6Address(0):
        yield InvalidInput(f"IPv6 subnet '::' is not supported: {shape.cidr}.")


def _gateway_faults(shape: Shape) -> Iterator[CallerError]:
    if shape.gateway_ip is None:
        return
    if ip_version(shape.gateway_ip) != shape.ip_version:
        yield _version_fault("gateway_ip", shape.gateway_ip, shape.ip_version)
        return
    gateway = number(shape.gateway_ip)
    given = ip_address(shape.gateway_ip)
    ends = _network_and_broadcast(shape.cidr)
    nobodys = given.is_unspecified or given.is_multicast or given.is_loopback
    if given in ends or (shape.enable_dhcp and nobodys):
        yield InvalidInput(
            f"Invalid input for gateway_ip. Reason: gateway {shape.gateway_ip} is not an address"
            f" that a router of {shape.cidr} can have."
        )
    for low, high in shape.pools:
        if ip_version(low) == ip_version(high) == shape.ip_version and (
            number(low) <= gateway <= number(high)
        ):
            yield GatewayConflictWithAllocationPools(
                f"Gateway ip {shape.gateway_ip} conflicts with allocation pool {low}-{high}."
            )


def _network_and_broadcast(cidr: str) -> set[IPv4Address | IPv6Address]:
    """The addresses of an IPv4 network that no router can have; empty for IPv6."""
    net = ip_network(cidr)
    if net.version == 6 or net.prefixlen >= net.max_prefixlen - 1:
        return set()
    return {net.network_address, net.broadcast_address}


def _pool_faults(shape: Shape) -> Iterator[CallerError]:
    first, last = usable(shape.cidr)
    sound = []
    for low, high in shape.pools:
        if {ip_version(low), ip_version(high)} != {shape.ip_version}:
            yield InvalidAllocationPool(
                f"The allocation pool {low}-{high} is not valid: it is not of IP version"
                f" {shape.ip_version}."
            )
        elif number(low) > number(high):
            yield InvalidAllocationPool(
                f"The allocation pool {low}-{high} is not valid: its start lies after its end."
            )
        elif number(low) < first or number(high) > last:
            yield OutOfBoundsAllocationPool(
                f"The allocation pool {low}-{high} spans beyond the subnet cidr {shape.cidr}."
            )
        else:
            sound.append((number(low), number(high), f"{low}-{high}"))
    pairs = pairwise(sorted(sound)) if len(sound) > 100 else combinations(sorted(sound), 2)
    for lower, upper in pairs:
        if upper[0] <= lower[1]:
            yield OverlappingAllocationPools(
                f"Found overlapping allocation pools: {lower[2]} {upper[2]} for subnet"
                f" {shape.cidr}."
            )


def _dynamic_range_faults(shape: Shape) -> Iterator[CallerError]:
    if not shape.dynamic_ranges:
        return
    if shape.ip_version != 4:
        yield _range_fault(
            "an IPv6 subnet has none: a machine's DUID does not tell its MAC address, so that no"
            " port can be made for it"
        )
        return
    reasons, sound = _sound(shape, shape.dynamic_ranges)
    yield from map(_range_fault, reasons)
    yield from map(_range_fault, _overlaps(shape, sound))
    gateway = shape.gateway_ip
    for low, high, name in sound:
        if gateway and ip_version(gateway) == 4 and low <= number(gateway) <= high:
            yield _range_fault(f"{name} has the gateway {gateway}")


def _static_range_faults(shape: Shape) -> Iterator[CallerError]:
    """A static range may have the gateway: that is an address of fixed use, too."""
    reasons, sound = _sound(shape, shape.static_ranges)
    for reason in (*reasons, *_overlaps(shape, sound)):
        yield _static_fault(reason)
    _reasons, dynamic = _sound(shape, shape.dynamic_ranges)
    for low, high, name in sound:
        for start, end, other in dynamic:
            if low <= end and start <= high:
                yield _static_fault(f"{name} overlaps with the dynamic range {other}")


def _sound(
    shape: Shape, ranges: Sequence[tuple[str, str]]
) -> tuple[list[str], list[tuple[int, int, str]]]:
    """What is wrong with ranges by themselves; those that are sound, in order, with names."""
    first, last = usable(shape.cidr)
    reasons: list[str] = []
    sound: list[tuple[int, int, str]] = []
    for low, high in ranges:
        name = f"{low}-{high}"
        if {ip_version(low), ip_version(high)} != {shape.ip_version}:
            reasons.append(f"{name} is not of IP version {shape.ip_version}")
        elif number(low) > number(high):
            reasons.append(f"the start of {name} lies after its end")
        elif number(low) < first or number(high) > last:
            reasons.append(f"{name} spans beyond the usable addresses of {shape.cidr}")
        else:
            sound.append((number(low), number(high), name))
    return reasons, sorted(sound)


def _overlaps(shape: Shape, ranges: Sequence[tuple[int, int, str]]) -> Iterator[str]:
    """Which sound ranges have an address of each other, or of a pool."""
    for lower, upper in pairwise(ranges):
        if upper[0] <= lower[1]:
            yield f"{lower[2]} and {upper[2]} overlap"
    pools = [
        (number(low), number(high), f"{low}-{high}")
        for low, high in shape.pools
        if ip_version(low) == ip_version(high) == shape.ip_version
    ]
    for low, high, name in ranges:
        for start, end, pool in pools:
            if low <= end and start <= high:
                yield f"{name} overlaps with the allocation pool {pool}"


def _range_fault(reason: str) -> CallerError:
    return InvalidInput(f"Invalid input for dynamic_ranges. Reason: {reason}.")


def _static_fault(reason: str) -> CallerError:
    return InvalidInput(f"Invalid input for static_ranges. Reason: {reason}.")


def _dhcp_faults(shape: Shape) -> Iterator[CallerError]:
    net = ip_network(shape.cidr)
    if shape.enable_dhcp and net.prefixlen > net.max_prefixlen - 2:
        yield InvalidInput(
            f"Invalid input for cidr. Reason: {shape.cidr} is too small for DHCP, which takes an"
            f" address of its own: at most /{net.max_prefixlen - 2}, or enable_dhcp false."
        )
    if not shape.enable_dhcp:
        return
    for without, kind in WITHOUT_DHCP.items():
        if net.version == without.version and net.overlaps(without):
            yield InvalidInput(
                f"{kind} IP subnet is not supported if enable_dhcp is True: {shape.cidr} lies in"
                f" {without}."
            )
    yield from _prefix_faults(shape)


def _prefix_faults(shape: Shape) -> Iterator[CallerError]:
    """A fault if dnsmasq does not serve the IPv6 prefix. `mode_faults` checks SLAAC's needs."""
    makes_own = makes_own_addresses(shape.ipv6_ra_mode, shape.ipv6_address_mode)
    if shape.ip_version == 6 and not makes_own and ip_network(shape.cidr).prefixlen < 64:
        yield InvalidInput(
            "Subnet has a prefix length that is incompatible with DHCP service enabled:"
            f" {shape.cidr}; the DHCP server takes a prefix of 64 bits or more."
        )


def _route_faults(shape: Shape) -> Iterator[CallerError]:
    for name, addresses in (("destination", shape.destinations), ("nexthop", shape.nexthops)):
        for each in addresses:
            if ip_version(each) != shape.ip_version:
                yield _version_fault(f"host_routes {name}", each, shape.ip_version)


def _version_fault(name: str, value: str, version: int) -> CallerError:
    return InvalidInput(
        f"Invalid input for {name}. Reason: '{value}' is not of IP version {version}, as"
        " ip_version says."
    )

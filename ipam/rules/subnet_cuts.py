"""Decides how a subnet is cut into parts, and how subnets become one again. Pure.

Every function takes canonical text (`ipam.values`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Any, Final

from msgspec import UnsetType

from ipam import model
from ipam.errors import CallerError, InvalidInput
from ipam.rules import client_classes, prefixes, subnet_resize
from ipam.rules import subnets as subnet_rules
from ipam.rules.subnet_resize import Extent
from ipam.rules.subnets import Shape

Gateway = str | UnsetType | None
"""An address, None for no gateway, UNSET for the one that follows from the rest."""
LabelledRange = tuple[str, str, str, str]
"""First and last address, label and owner."""
Classes = Sequence[Mapping[str, Any]]
"""Client classes in the form of the table."""

ALIKE: Final = (
    *("project_id", "enable_dhcp", "ipv6_ra_mode", "ipv6_address_mode", "service_types"),
    *("dns_nameservers", "dhcp_options", "dhcp_boot", "lease_time", "address_selection"),
    *("dns_publish_fixed_ip",),
)
"""What subnets have to have in common to become one: nobody can say whose value counts."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A subnet with what is distributed over its parts."""

    shape: Shape
    classes: Classes
    static: Sequence[LabelledRange] = ()
    """The static ranges of the shape with their words."""

    @property
    def routes(self) -> list[tuple[str, str]]:
        """Destination and next hop of each host route."""
        return list(zip(self.shape.destinations, self.shape.nexthops, strict=True))


def part_faults(cidr: str, parts: Sequence[str]) -> list[CallerError]:
    """Every rule that prefixes break which are to be the parts of a subnet."""
    version = model.ip_version(cidr)
    if others := [part for part in parts if model.ip_version(part) != version]:
        return [_split_fault(f"{part} is not of the IP version of {cidr}") for part in others]
    found = [
        _split_fault(f"{part} is no part of {cidr}")
        for part in parts
        if not prefixes.covers([cidr], [part]) or part == cidr
    ]
    ordered = sorted(map(prefixes.parse, parts))
    found += [
        _split_fault(f"{lower} and {upper} overlap")
        for lower, upper in pairwise(ordered)
        if upper.first <= lower.last
    ]
    if missing := prefixes.subtract([cidr], parts):
        found.append(_split_fault(f"no part has {', '.join(missing[: subnet_resize.NAMED_MAX])}"))
    return found


def split(whole: Cut, parts: Sequence[tuple[str, Gateway]]) -> tuple[list[Cut], list[CallerError]]:
    """The subnets that these parts become, and every rule that one of them breaks.

    Each keeps what lies in it of pools, dynamic ranges and client classes. A host route goes to
    the part of its next hop, and to all if no part has that.
    """
    if found := part_faults(whole.shape.cidr, [cidr for cidr, _ in parts]):
        return [], found
    cuts = [_part(whole, cidr, gateway) for cidr, gateway in parts]
    found = list(_crossing(whole.shape, [cidr for cidr, _ in parts]))
    for cut in cuts:
        found += subnet_rules.faults(cut.shape)
        found += _class_faults(cut)
    return cuts, _once(found)


def merge(
    kept: Cut, others: Sequence[Cut], *, cidr: str | None, gateway: Gateway
) -> tuple[Cut, list[CallerError]]:
    """The subnet that these become, and every rule that it breaks. All are of one IP version.

    Without `cidr` it has the smallest prefix around them, and without `gateway` the kept one's.
    """
    every = [kept, *others]
    cidrs = [one.shape.cidr for one in every]
    cidr = cidr or smallest_around(cidrs)
    if model.ip_version(cidr) != kept.shape.ip_version or not prefixes.covers([cidr], cidrs):
        return kept, [
            InvalidInput(
                f"Invalid input for cidr. Reason: {cidr} does not contain {', '.join(cidrs)}."
            )
        ]
    new_gateway = kept.shape.gateway_ip if isinstance(gateway, UnsetType) else gateway
    dynamic = [each for one in every for each in one.shape.dynamic_ranges]
    static = [each for one in every for each in one.static]
    taken = [*dynamic, *(each[:2] for each in static)]
    routes, clashes = _joined_routes(one.routes for one in every)
    shape = replace(
        kept.shape,
        cidr=cidr,
        gateway_ip=new_gateway,
        pools=_joined_pools(every, Extent(cidr, new_gateway), taken),
        dynamic_ranges=dynamic,
        static_ranges=[each[:2] for each in static],
        destinations=[destination for destination, _ in routes],
        nexthops=[hop for _, hop in routes],
    )
    merged = Cut(shape, _joined_classes(one.classes for one in every), static)
    return merged, [*clashes, *subnet_rules.faults(shape), *_class_faults(merged)]


def unlike(kept: Any, other: Any) -> list[CallerError]:
    """A fault for each column in which the row of a subnet differs from that of the kept one."""
    return [
        InvalidInput(
            f"Subnets {kept.cidr} and {other.cidr} cannot be merged: {name} is"
            f" {_shown(kept, name)} in one and {_shown(other, name)} in the other; make them alike"
            " first."
        )
        for name in ALIKE
        if (getattr(kept, name) or None) != (getattr(other, name) or None)
    ]


def smallest_around(cidrs: Sequence[str]) -> str:
    """The smallest prefix that contains all of these, which are of one IP version."""
    found = [prefixes.parse(cidr) for cidr in cidrs]
    first, last = min(one.first for one in found), max(one.last for one in found)
    host_bits = (first ^ last).bit_length()
    bits = found[0].bits
    return str(prefixes.Prefix(first >> host_bits << host_bits, bits - host_bits, bits))


def _part(whole: Cut, cidr: str, asked: Gateway) -> Cut:
    old = whole.shape
    gateway = _gateway_of(old, cidr) if isinstance(asked, UnsetType) else asked
    dynamic = [one for one in old.dynamic_ranges if _has(cidr, one[0]) and _has(cidr, one[1])]
    pools = subnet_resize.pools_after(
        Extent(old.cidr, old.gateway_ip),
        Extent(cidr, gateway),
        pools=old.pools,
        taken=[*old.dynamic_ranges, *old.static_ranges],
    )
    static = [
        (first, last, label, owner)
        for low, high, label, owner in whole.static
        for first, last in subnet_resize.inside(cidr, [(low, high)])
    ]
    if gateway != old.gateway_ip and gateway and model.ip_version(gateway) == old.ip_version:
        pools = subnet_rules.without(pools, [(gateway, gateway)])
    routes = [
        (destination, hop)
        for destination, hop in whole.routes
        if _has(cidr, hop) or not _has(old.cidr, hop)
    ]
    shape = replace(
        old,
        cidr=cidr,
        gateway_ip=gateway,
        pools=pools,
        dynamic_ranges=dynamic,
        static_ranges=[each[:2] for each in static],
        destinations=[destination for destination, _ in routes],
        nexthops=[hop for _, hop in routes],
    )
    classes = [one for one in whole.classes if not one["start"] or _has(cidr, one["start"])]
    return Cut(shape, classes, static)


def _gateway_of(old: Shape, cidr: str) -> str | None:
    """The old gateway for the part that has it, and for all if it is in none."""
    if old.gateway_ip is None:
        return None
    if _has(cidr, old.gateway_ip) or not _has(old.cidr, old.gateway_ip):
        return old.gateway_ip
    return subnet_rules.default_gateway(cidr)


def _crossing(old: Shape, cidrs: Sequence[str]) -> Iterator[CallerError]:
    for low, high in old.dynamic_ranges:
        if not any(_has(cidr, low) and _has(cidr, high) for cidr in cidrs):
            yield _split_fault(
                f"the dynamic range {low}-{high} is in no part as a whole; change dynamic_ranges"
                " first"
            )


def _joined_pools(
    every: Sequence[Cut], after: Extent, taken: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    """All addresses if each subnet gave all of its own; never those of the routers so far."""
    old = [one.shape for one in every]
    routers = [(one.gateway_ip, one.gateway_ip) for one in old if one.gateway_ip]
    if all(_gives_all(one) for one in old):
        pools = after.everything(taken)
    else:
        pools = [pool for one in old for pool in one.pools]
    if after.gateway_ip and model.ip_version(after.gateway_ip) == old[0].ip_version:
        routers.append((after.gateway_ip, after.gateway_ip))
    return subnet_rules.without(pools, routers)


def _gives_all(one: Shape) -> bool:
    taken = [*one.dynamic_ranges, *one.static_ranges]
    return subnet_resize.has_all(Extent(one.cidr, one.gateway_ip), one.pools, taken)


def _joined_routes(
    lists: Iterable[Sequence[tuple[str, str]]],
) -> tuple[list[tuple[str, str]], list[CallerError]]:
    """Every route once, and a fault for each destination that has several next hops."""
    routes = list(dict.fromkeys(route for routes in lists for route in routes))
    found: list[CallerError] = []
    for destination, same in groupby(sorted(routes), key=lambda route: route[0]):
        hops = [hop for _, hop in same]
        if len(hops) > 1:
            reason = f"{destination} is reached by {' and '.join(hops)}: change host_routes first"
            found.append(_merge_fault(reason))
    return routes, found


def _joined_classes(lists: Iterable[Classes]) -> Classes:
    """Every class once. Those that differ and have one name are against the rules of classes."""
    classes: list[Mapping[str, Any]] = []
    for one in (each for several in lists for each in several):
        if one not in classes:
            classes.append(one)
    return classes


def _class_faults(cut: Cut) -> list[CallerError]:
    classes = client_classes.read(cut.classes)
    return client_classes.faults(classes, cut.shape.ip_version, cut.shape.dynamic_ranges)


def _once(found: Sequence[CallerError]) -> list[CallerError]:
    """The faults without those that were told of another part in the same words."""
    return list({str(one): one for one in found}.values())


def _has(cidr: str, address: str) -> bool:
    return prefixes.has(cidr, model.pack(address))


def _shown(row: Any, name: str) -> str:
    value = getattr(row, name)
    return "not set" if value in (None, [], "") else str(value)


def _split_fault(reason: str) -> CallerError:
    return InvalidInput(f"Invalid input for subnets. Reason: {reason}.")


def _merge_fault(reason: str) -> CallerError:
    return InvalidInput(f"Invalid input for subnet_ids. Reason: {reason}.")

"""Decides whether a subnet may have a larger or smaller prefix, and with which ranges. Pure.

Every function takes canonical text (`ipam.values`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ipam import model
from ipam.errors import CallerError, InvalidInput, SubnetInUse
from ipam.rules import prefixes
from ipam.rules import subnets as subnet_rules
from ipam.rules.subnets import number, text

NAMED_MAX: Final = 5

Ranges = Sequence[tuple[str, str]]


def faults(
    before: str, after: str, *, gateway_ip: str | None, nexthops: Iterable[str]
) -> list[CallerError]:
    """Every rule that the new prefix breaks.

    `gateway_ip` and `nexthops` are those of the subnet after the change. What was outside of its
    prefix before may stay outside.
    """
    if model.ip_version(before) != model.ip_version(after):
        return [_fault(f"{after} is not of the IP version of {before}")]
    old, new = prefixes.parse(before), prefixes.parse(after)
    is_larger = new.first <= old.first and old.last <= new.last
    is_smaller = old.first <= new.first and new.last <= old.last
    if not (is_larger or is_smaller):
        return [
            _fault(
                f"{after} neither contains {before} nor is a part of it; `ipam renumber start`"
                " moves a subnet's machines to other addresses"
            )
        ]
    hops = [("gateway_ip", gateway_ip)] if gateway_ip else []
    hops += [("the host route by", hop) for hop in nexthops]
    return [
        _fault(f"{what} {hop} would lie outside of {after}: change it in the same request")
        for what, hop in hops
        if prefixes.has(before, model.pack(hop)) and not prefixes.has(after, model.pack(hop))
    ]


def strangers(after: str, owned: Iterable[tuple[str, str]]) -> list[CallerError]:
    """A fault if ports have addresses (address, port id) that no machine of `after` can have."""
    first, last = subnet_rules.usable(after)
    found = [f"{ip} of port {port}" for ip, port in owned if not first <= number(ip) <= last]
    if not found:
        return []
    more = f" and {len(found) - NAMED_MAX} more" if len(found) > NAMED_MAX else ""
    return [
        SubnetInUse(
            f"The prefix cannot become {after}: ports have {', '.join(found[:NAMED_MAX])}{more}."
        )
    ]


@dataclass(frozen=True, slots=True)
class Extent:
    """A prefix with its gateway, which is in no pool."""

    cidr: str
    gateway_ip: str | None

    def everything(self, taken: Ranges) -> list[tuple[str, str]]:
        """The pools with every usable address that is in none of these ranges."""
        return subnet_rules.without(subnet_rules.default_pools(self.cidr, self.gateway_ip), taken)


def has_all(extent: Extent, pools: Ranges, taken: Ranges) -> bool:
    """Whether the pools have every usable address that is in none of the ranges."""
    return subnet_rules.merged(pools) == subnet_rules.merged(extent.everything(taken))


def pools_after(
    before: Extent, after: Extent, *, pools: Ranges, taken: Ranges
) -> list[tuple[str, str]]:
    """The allocation pools in the new prefix.

    If they were all usable addresses but those of the ranges, they become all such ones of it;
    else what is left.
    """
    if has_all(before, pools, taken):
        return after.everything(taken)
    return inside(after.cidr, pools)


def inside(cidr: str, ranges: Ranges) -> list[tuple[str, str]]:
    """What of the ranges is usable in this prefix."""
    first, last = subnet_rules.usable(cidr)
    version = model.ip_version(cidr)
    clipped = ((max(number(low), first), min(number(high), last)) for low, high in ranges)
    return [(text(low, version), text(high, version)) for low, high in clipped if low <= high]


def _fault(reason: str) -> CallerError:
    return InvalidInput(f"Invalid input for cidr. Reason: {reason}.")

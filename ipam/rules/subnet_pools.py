"""Checks subnet pools, and chooses the prefix that a subnet takes from one. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ipam.errors import (
    AddressScopePrefixConflict,
    CallerError,
    IllegalSubnetPoolPrefixBounds,
    IllegalSubnetPoolPrefixUpdate,
    InvalidInput,
    MaxPrefixSubnetAllocationError,
    MinPrefixSubnetAllocationError,
    NetworkAddressScopeAffinityError,
    NetworkSubnetPoolAffinityError,
    PrefixVersionMismatch,
    SubnetAllocationError,
    SubnetPoolQuotaExceeded,
)
from ipam.model import ip_version
from ipam.rules import prefixes

LONGEST: Final = {4: 32, 6: 128}
DEFAULT_MIN: Final = {4: 8, 6: 64}
"""Neutron's default for min_prefixlen. Its default for max_prefixlen is the longest prefix."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """The prefix lengths of a pool: the least, the most, and the default."""

    least: int
    default: int
    most: int


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool's prefixes and its subnets, for one project that wants a subnet."""

    lengths: Lengths
    ip_version: int
    prefixes: Sequence[str]
    used: Sequence[str]
    used_by_project: Sequence[str]
    quota: int | None


@dataclass(frozen=True, slots=True)
class Origin:
    """The pool of a subnet and that pool's address scope; None if there is none."""

    pool_pk: int | None
    scope_pk: int | None


def lengths(version: int, least: int | None, default: int | None, most: int | None) -> Lengths:
    """The prefix lengths of a new pool, with Neutron's defaults for lengths not given."""
    least = DEFAULT_MIN[version] if least is None else least
    most = LONGEST[version] if most is None else most
    return Lengths(least, least if default is None else default, most)


def version_faults(cidrs: Sequence[str]) -> list[CallerError]:
    """A fault if there are prefixes of both IP versions."""
    if len(set(map(ip_version, cidrs))) > 1:
        return [PrefixVersionMismatch("Cannot mix IPv4 and IPv6 prefixes in a subnet pool.")]
    return []


def length_faults(found: Lengths, version: int) -> list[CallerError]:
    """A fault for the first prefix length that contradicts another or the IP version."""
    bounds = (
        (found.most, "max_prefixlen", LONGEST[version], f"longest of IPv{version}"),
        (found.least, "min_prefixlen", found.most, "max_prefixlen"),
        (found.least, "min_prefixlen", found.default, "default_prefixlen"),
        (found.default, "default_prefixlen", found.most, "max_prefixlen"),
    )
    for low, low_name, high, high_name in bounds:
        if low > high:
            return [
                IllegalSubnetPoolPrefixBounds(
                    f"Illegal prefix bounds: {low_name}={low}, {high_name}={high}."
                )
            ]
    return []


def grown(present: Sequence[str], asked: Sequence[str]) -> list[str]:
    """The prefixes after a change to `asked`, which must include all present addresses."""
    if not prefixes.covers(asked, present):
        missing = ", ".join(prefixes.subtract(present, asked)[:5])
        raise IllegalSubnetPoolPrefixUpdate(
            "Illegal update to prefixes: Existing prefixes must be a subset of the new prefixes;"
            f" {missing} would go."
        )
    return prefixes.compact(asked)


def shrunk(present: Sequence[str], removed: Sequence[str], used: Sequence[str]) -> list[str]:
    """The prefixes without `removed`, in which no subnet may have an address."""
    if pair := prefixes.overlaps(removed, used):
        raise IllegalSubnetPoolPrefixUpdate(
            "Illegal update to prefixes: One or more prefixes to be removed is in use by a subnet:"
            f" {pair[0]} by subnet {pair[1]}."
        )
    left = prefixes.subtract(present, removed)
    if not left:
        raise IllegalSubnetPoolPrefixUpdate(
            "Illegal update to prefixes: A subnet pool needs at least one prefix."
        )
    return left


def check_scope(mine: Sequence[str], others: Sequence[tuple[str, str]]) -> None:
    """Refuse prefixes that overlap those of other pools (id, prefix) in the address scope."""
    if pair := prefixes.overlaps(mine, [cidr for _, cidr in others]):
        owner = next(pool_id for pool_id, cidr in others if cidr == pair[1])
        raise AddressScopePrefixConflict(
            "Failed to associate address scope: subnetpools within an address scope must have"
            f" unique prefixes; {pair[0]} overlaps {pair[1]} of subnet pool {owner}."
        )


def choose(pool: Pool, cidr: str | None, prefixlen: int | None) -> str:
    """The prefix of a new subnet: the one asked for, or a free one of the length asked for."""
    length = pool.lengths.default if prefixlen is None else prefixlen
    if cidr is not None:
        length = prefixes.parse(cidr).length
    if broken := length_broken(length, pool.lengths):
        raise broken[0]
    wanted = 1 << (LONGEST[pool.ip_version] - length)
    _check_quota(pool, wanted)
    if cidr is not None:
        if not prefixes.is_free(pool.prefixes, pool.used, cidr):
            raise SubnetAllocationError(
                "Failed to allocate subnet: Cannot allocate requested subnet from the available"
                f" set of prefixes: {cidr} is not free in the pool."
            )
        return cidr
    found = prefixes.free_prefix(pool.prefixes, pool.used, length)
    if found is None:
        raise SubnetAllocationError(
            "Failed to allocate subnet: Insufficient prefix space to allocate subnet size"
            f" /{length}."
        )
    return found


def source_faults(
    *, cidr: bool, prefixlen: bool, pool: bool, default_pool: bool, allocation_pools: bool
) -> list[CallerError]:
    """The contradictions between the attributes that say where a new subnet's prefix is from.

    Each argument says whether the request has the attribute. `default_pool` is
    use_default_subnetpool.
    """
    found = []
    if cidr and prefixlen:
        found.append("cidr and prefixlen must not be supplied together.")
    if pool and default_pool:
        found.append("subnetpool_id and use_default_subnetpool cannot both be specified.")
    if not (cidr or pool or default_pool):
        found.append("A subnetpool must be specified in the absence of a cidr.")
    if allocation_pools and not cidr:
        found.append("allocation_pools allowed only for specific subnet requests.")
    return [InvalidInput(fault) for fault in found]


def check_neighbours(new: Origin, others: Sequence[Origin]) -> None:
    """Refuse a subnet with another origin than the network's other subnets of its IP version.

    As in Neutron, all have the same pool, or pools of one address scope, or no pool.
    """
    scopes = {origin.scope_pk for origin in others} - {None}
    if scopes and new.pool_pk is not None:
        if scopes != {new.scope_pk}:
            raise NetworkAddressScopeAffinityError(
                "Subnets of the same address family hosted on the same network must all"
                " participate in the same address scope."
            )
        return
    if any(origin.pool_pk != new.pool_pk for origin in others):
        raise NetworkSubnetPoolAffinityError(
            "Subnets hosted on the same network must be allocated from the same subnet pool."
        )


def length_broken(length: int, allowed: Lengths) -> list[CallerError]:
    """A fault if a pool gives no prefix of this length."""
    if length > allowed.most:
        return [
            MaxPrefixSubnetAllocationError(
                f"Unable to allocate subnet with prefix length {length}, maximum allowed prefix is"
                f" {allowed.most}."
            )
        ]
    if length < allowed.least:
        return [
            MinPrefixSubnetAllocationError(
                f"Unable to allocate subnet with prefix length {length}, minimum allowed prefix is"
                f" {allowed.least}."
            )
        ]
    return []


def _check_quota(pool: Pool, wanted: int) -> None:
    """Check Neutron's quota of a pool. 0 and None set no limit."""
    if not pool.quota:
        return
    allowed = prefixes.quota_addresses(pool.quota, pool.ip_version)
    if prefixes.addresses(pool.used_by_project) + wanted > allowed:
        raise SubnetPoolQuotaExceeded(
            f"Per-tenant subnet pool prefix quota exceeded: a project may have {pool.quota} of the"
            f" pool, counted in /{32 if pool.ip_version == 4 else 64}."
        )

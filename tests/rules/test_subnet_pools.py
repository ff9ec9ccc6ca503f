"""The rules of subnet pools, and which prefix they give. test_prefixes.py has the arithmetic."""

from dataclasses import replace

import pytest

from ipam.errors import (
    AddressScopePrefixConflict,
    CallerError,
    IllegalSubnetPoolPrefixUpdate,
    MaxPrefixSubnetAllocationError,
    MinPrefixSubnetAllocationError,
    NetworkAddressScopeAffinityError,
    NetworkSubnetPoolAffinityError,
    SubnetAllocationError,
    SubnetPoolQuotaExceeded,
)
from ipam.rules import subnet_pools
from ipam.rules.subnet_pools import Lengths, Origin, Pool

POOL = Pool(
    lengths=Lengths(24, 26, 28),
    ip_version=4,
    prefixes=["10.0.0.0/22"],
    used=["10.0.0.0/24"],
    used_by_project=["10.0.0.0/24"],
    quota=None,
)


@pytest.mark.parametrize(
    ("version", "given", "lengths"),
    [
        (4, (None, None, None), Lengths(8, 8, 32)),
        (6, (None, None, None), Lengths(64, 64, 128)),
        (4, (16, None, None), Lengths(16, 16, 32)),
        (4, (16, 24, 28), Lengths(16, 24, 28)),
    ],
)
def test_lengths_that_are_not_given_are_neutrons(
    version: int, given: tuple[int | None, int | None, int | None], lengths: Lengths
) -> None:
    assert subnet_pools.lengths(version, *given) == lengths


@pytest.mark.parametrize(
    ("lengths", "names"),
    [
        (Lengths(8, 8, 33), "max_prefixlen=33"),
        (Lengths(28, 28, 24), "min_prefixlen=28, max_prefixlen=24"),
        (Lengths(24, 16, 28), "min_prefixlen=24, default_prefixlen=16"),
        (Lengths(16, 30, 28), "default_prefixlen=30, max_prefixlen=28"),
    ],
)
def test_lengths_that_contradict_each_other_are_named(lengths: Lengths, names: str) -> None:
    (fault,) = subnet_pools.length_faults(lengths, 4)
    assert names in str(fault)


def test_lengths_in_order_have_no_fault() -> None:
    assert subnet_pools.length_faults(Lengths(8, 24, 32), 4) == []


def test_prefixes_of_both_versions_do_not_go_together() -> None:
    assert subnet_pools.version_faults(["10.0.0.0/8", "10.1.0.0/16"]) == []
    assert len(subnet_pools.version_faults(["10.0.0.0/8", "2001:db8::/32"])) == 1


def test_prefixes_grow_and_never_lose_what_is_there() -> None:
    assert subnet_pools.grown(["10.0.0.0/9"], ["10.0.0.0/8"]) == ["10.0.0.0/8"]
    with pytest.raises(IllegalSubnetPoolPrefixUpdate, match=r"10\.128\.0\.0/9 would go"):
        subnet_pools.grown(["10.0.0.0/8"], ["10.0.0.0/9"])


def test_prefixes_shrink_by_what_nobody_uses() -> None:
    assert subnet_pools.shrunk(["10.0.0.0/8"], ["10.0.0.0/9"], []) == ["10.128.0.0/9"]


@pytest.mark.parametrize(
    ("removed", "used", "reason"),
    [
        (["10.0.0.0/9"], ["10.1.0.0/16"], "in use by a subnet"),
        (["10.0.0.0/8"], [], "needs at least one prefix"),
    ],
)
def test_prefixes_in_use_and_the_last_one_stay(
    removed: list[str], used: list[str], reason: str
) -> None:
    with pytest.raises(IllegalSubnetPoolPrefixUpdate, match=reason):
        subnet_pools.shrunk(["10.0.0.0/8"], removed, used)


def test_pools_of_one_scope_share_no_prefix() -> None:
    others = [("pool-1", "10.0.0.0/9"), ("pool-2", "10.200.0.0/16")]
    subnet_pools.check_scope(["10.192.0.0/16"], others)
    with pytest.raises(AddressScopePrefixConflict, match="subnet pool pool-2"):
        subnet_pools.check_scope(["10.200.1.0/24"], others)


@pytest.mark.parametrize(
    ("cidr", "length", "given"),
    [
        (None, None, "10.0.1.0/26"),
        (None, 24, "10.0.1.0/24"),
        ("10.0.3.0/24", None, "10.0.3.0/24"),
    ],
)
def test_a_subnet_gets_the_prefix_it_names_or_the_lowest_that_fits(
    cidr: str | None, length: int | None, given: str
) -> None:
    assert subnet_pools.choose(POOL, cidr, length) == given


@pytest.mark.parametrize(
    ("pool", "cidr", "length", "error"),
    [
        (POOL, None, 29, MaxPrefixSubnetAllocationError),
        (POOL, None, 23, MinPrefixSubnetAllocationError),
        (POOL, "10.0.0.0/25", None, SubnetAllocationError),
        (POOL, "10.9.0.0/24", None, SubnetAllocationError),
        (replace(POOL, used=["10.0.0.0/22"]), None, None, SubnetAllocationError),
        (replace(POOL, quota=300), None, 25, SubnetPoolQuotaExceeded),
    ],
)
def test_a_prefix_that_cannot_be_had_is_refused_with_its_reason(
    pool: Pool, cidr: str | None, length: int | None, error: type[CallerError]
) -> None:
    with pytest.raises(error):
        subnet_pools.choose(pool, cidr, length)


@pytest.mark.parametrize("quota", [None, 0, 320])
def test_a_quota_of_none_or_nought_sets_no_limit_and_another_may_be_used_up(
    quota: int | None,
) -> None:
    assert subnet_pools.choose(replace(POOL, quota=quota), None, 26) == "10.0.1.0/26"


FREE, IN_POOL, IN_SCOPE = Origin(None, None), Origin(1, None), Origin(1, 7)


@pytest.mark.parametrize(
    ("new", "others"),
    [
        (FREE, []),
        (IN_SCOPE, []),
        (FREE, [FREE, FREE]),
        (IN_POOL, [IN_POOL]),
        (Origin(2, 7), [IN_SCOPE]),
    ],
)
def test_subnets_of_one_network_come_from_one_pool_or_scope_or_from_none(
    new: Origin, others: list[Origin]
) -> None:
    subnet_pools.check_neighbours(new, others)


@pytest.mark.parametrize(
    ("new", "others", "error"),
    [
        (Origin(2, 8), [IN_SCOPE], NetworkAddressScopeAffinityError),
        (Origin(2, None), [IN_POOL], NetworkSubnetPoolAffinityError),
        (FREE, [IN_POOL], NetworkSubnetPoolAffinityError),
        (IN_POOL, [FREE], NetworkSubnetPoolAffinityError),
    ],
)
def test_a_subnet_of_another_origin_is_refused(
    new: Origin, others: list[Origin], error: type[CallerError]
) -> None:
    with pytest.raises(error):
        subnet_pools.check_neighbours(new, others)


@pytest.mark.parametrize(
    ("given", "reasons"),
    [
        ({"cidr"}, []),
        ({"pool"}, []),
        ({"pool", "prefixlen"}, []),
        ({"default_pool"}, []),
        ({"cidr", "allocation_pools"}, []),
        (set(), ["A subnetpool must be"]),
        ({"cidr", "prefixlen"}, ["cidr and prefixlen"]),
        ({"pool", "default_pool"}, ["subnetpool_id and use_default"]),
        ({"pool", "default_pool", "allocation_pools"}, ["subnetpool_id and", "allocation_pools"]),
    ],
)
def test_a_prefix_comes_from_one_place(given: set[str], reasons: list[str]) -> None:
    names = ("cidr", "prefixlen", "pool", "default_pool", "allocation_pools")
    faults = subnet_pools.source_faults(**{name: name in given for name in names})
    assert len(faults) == len(reasons)
    assert all(reason in str(fault) for fault, reason in zip(faults, reasons, strict=True))

"""Prefix arithmetic against plain sets of addresses, in spaces small enough to count."""

from collections.abc import Iterable
from ipaddress import ip_network
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipam import model
from ipam.rules import prefixes

SPACE = 8
"""All prefixes lie in the last so many bits of an address."""


@st.composite
def cidrs_of(draw: st.DrawFn, version: int, most: int = 6) -> list[str]:
    bits = 32 if version == 4 else 128
    base = int(ip_network("10.0.0.0/24" if version == 4 else "2001:db8::/120").network_address)
    found = []
    for _ in range(draw(st.integers(0, most))):
        length = draw(st.integers(bits - SPACE, bits))
        number = draw(st.integers(0, (1 << (length - bits + SPACE)) - 1))
        first = base + (number << (bits - length))
        found.append(str(prefixes.Prefix(first, length, bits)))
    return found


@st.composite
def two_lists(draw: st.DrawFn) -> tuple[int, list[str], list[str]]:
    version = draw(st.sampled_from((4, 6)))
    return version, draw(cidrs_of(version)), draw(cidrs_of(version))


def members(cidrs: Iterable[str]) -> set[int]:
    return {int(address) for cidr in cidrs for address in ip_network(cidr)}


def siblings(cidrs: list[str]) -> list[tuple[str, str]]:
    """For each two neighbours in the list, the networks that would hold both halves."""
    pairs = pairwise(map(ip_network, cidrs))
    return [
        (str(low.supernet()), str(high.supernet() if low.prefixlen == high.prefixlen else high))
        for low, high in pairs
        if low.prefixlen > 0
    ]


@given(two_lists())
def test_a_text_survives_being_read(lists: tuple[int, list[str], list[str]]) -> None:
    for cidr in lists[1]:
        assert str(prefixes.parse(cidr)) == cidr


@given(two_lists())
def test_compact_keeps_the_addresses_in_the_fewest_prefixes(
    lists: tuple[int, list[str], list[str]],
) -> None:
    _, cidrs, _ = lists
    found = prefixes.compact(cidrs)
    assert members(found) == members(cidrs)
    assert prefixes.addresses(found) == len(members(cidrs))
    assert found == sorted(found, key=prefixes.parse)
    assert not any(len(set(pair)) == 1 for pair in siblings(found))


@given(two_lists())
def test_subtract_is_the_difference_of_the_sets(lists: tuple[int, list[str], list[str]]) -> None:
    _, cidrs, removed = lists
    left = prefixes.subtract(cidrs, removed)
    assert members(left) == members(cidrs) - members(removed)
    assert left == prefixes.compact(left)


@given(two_lists())
def test_overlaps_names_a_pair_that_does(lists: tuple[int, list[str], list[str]]) -> None:
    _, cidrs, others = lists
    pair = prefixes.overlaps(cidrs, others)
    assert (pair is not None) == bool(members(cidrs) & members(others))
    if pair is not None:
        assert pair[0] in cidrs
        assert pair[1] in others
        assert members([pair[0]]) & members([pair[1]])


@given(two_lists())
def test_covers_is_the_subset_relation(lists: tuple[int, list[str], list[str]]) -> None:
    _, cidrs, others = lists
    assert prefixes.covers(cidrs, others) == (members(others) <= members(cidrs))


@given(two_lists(), st.integers(0, SPACE))
def test_a_free_prefix_is_free_and_is_missed_only_where_there_is_none(
    lists: tuple[int, list[str], list[str]], host_bits: int
) -> None:
    version, pool, used = lists
    length = (32 if version == 4 else 128) - host_bits
    free = members(pool) - members(used)
    fitting = [
        first
        for first in free
        if first % (1 << host_bits) == 0
        and all(first + step in free for step in range(1 << host_bits))
    ]
    found = prefixes.free_prefix(pool, used, length)
    assert (found is None) == (not fitting)
    if found is not None:
        assert prefixes.parse(found).length == length
        assert members([found]) <= free
        assert prefixes.is_free(pool, used, found)


@given(two_lists())
def test_is_free_holds_exactly_for_what_lies_in_the_free_space(
    lists: tuple[int, list[str], list[str]],
) -> None:
    version, pool, used = lists
    free = members(pool) - members(used)
    for cidr in [*pool, *used, "10.0.0.16/30" if version == 4 else "2001:db8::10/126"]:
        assert prefixes.is_free(pool, used, cidr) == (members([cidr]) <= free)


@given(st.sampled_from((4, 6)), st.lists(st.integers(0, SPACE), max_size=40))
def test_prefixes_taken_one_by_one_never_overlap(version: int, sizes: list[int]) -> None:
    pool = ["10.0.0.0/24"] if version == 4 else ["2001:db8::/120"]
    bits = 32 if version == 4 else 128
    used: list[str] = []
    for host_bits in sizes:
        found = prefixes.free_prefix(pool, used, bits - host_bits)
        if found is not None:
            assert prefixes.overlaps([found], used) is None
            used.append(found)
    assert prefixes.addresses(used) == len(members(used))


def test_the_smallest_gap_is_filled_first() -> None:
    used = ["10.0.0.0/26", "10.0.0.128/27"]
    assert prefixes.free_prefix(["10.0.0.0/24"], used, 28) == "10.0.0.160/28"
    assert prefixes.free_prefix(["10.0.0.0/24"], used, 27) == "10.0.0.160/27"
    assert prefixes.free_prefix(["10.0.0.0/24"], used, 26) == "10.0.0.64/26"
    assert prefixes.free_prefix(["10.0.0.0/24"], used, 25) is None


def test_neighbouring_prefixes_of_a_pool_are_one() -> None:
    halves = ["10.0.1.0/25", "10.0.1.128/25"]
    assert prefixes.free_prefix(halves, [], 24) == "10.0.1.0/24"


def test_the_ends_of_the_address_space_are_no_exception() -> None:
    assert prefixes.free_prefix(["0.0.0.0/0"], [], 0) == "0.0.0.0/0"
    assert prefixes.free_prefix(["::/0"], ["::/1"], 1) == "8000::/1"
    assert prefixes.compact(["::/1", "8000::/1"]) == ["::/0"]
    assert prefixes.subtract(["255.255.255.255/32"], []) == ["255.255.255.255/32"]


@pytest.mark.parametrize(("quota", "version", "allowed"), [(256, 4, 256), (3, 6, 3 * 2**64)])
def test_a_quota_counts_addresses_of_ipv4_and_64s_of_ipv6(
    quota: int, version: int, allowed: int
) -> None:
    assert prefixes.quota_addresses(quota, version) == allowed


@pytest.mark.parametrize(
    ("cidr", "address", "is_there"),
    [
        ("10.0.0.0/24", "10.0.0.0", True),
        ("10.0.0.0/24", "10.0.0.255", True),
        ("10.0.0.0/24", "10.0.1.0", False),
        ("::/64", "0.0.0.9", False),
        ("2001:db8::/64", "2001:db8::ffff", True),
    ],
)
def test_a_prefix_has_addresses_of_its_ip_version(cidr: str, address: str, is_there: bool) -> None:
    assert prefixes.has(cidr, model.pack(address)) is is_there

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipam.errors import (
    CallerError,
    GatewayConflictWithAllocationPools,
    InvalidAllocationPool,
    InvalidInput,
    OutOfBoundsAllocationPool,
    OverlappingAllocationPools,
)
from ipam.rules import subnets as subnet_rules
from ipam.rules.subnets import Shape

SOUND = Shape("10.0.0.0/24", 4, "10.0.0.1", [("10.0.0.2", "10.0.0.254")], enable_dhcp=True)
SOUND_6 = Shape("2001:db8::/64", 6, "2001:db8::1", [], enable_dhcp=True)


def kinds(shape: Shape) -> list[type[CallerError]]:
    return [type(fault) for fault in subnet_rules.faults(shape)]


def test_a_sound_subnet_has_no_fault() -> None:
    assert kinds(SOUND) == []
    assert kinds(SOUND_6) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # the CIDR is of the other IP version
        ({"ip_version": 6}, [InvalidInput]),
        # the gateway is the network address, the broadcast address, of the other version, of none
        ({"gateway_ip": "0.0.0.0"}, [InvalidInput]),
        ({"gateway_ip": "127.0.0.1"}, [InvalidInput]),
        ({"gateway_ip": "224.0.0.1"}, [InvalidInput]),
        ({"gateway_ip": "10.0.0.0"}, [InvalidInput]),
        ({"gateway_ip": "10.0.0.255"}, [InvalidInput]),
        ({"gateway_ip": "2001:db8::1"}, [InvalidInput]),
        # the gateway is in a pool
        ({"gateway_ip": "10.0.0.9"}, [GatewayConflictWithAllocationPools]),
        # pools are inverted, leave the CIDR, have the network address, are of the other version
        ({"pools": [("10.0.0.9", "10.0.0.5")]}, [InvalidAllocationPool]),
        ({"pools": [("10.0.0.9", "10.0.1.5")]}, [OutOfBoundsAllocationPool]),
        ({"pools": [("10.0.0.0", "10.0.0.0")]}, [OutOfBoundsAllocationPool]),
        ({"pools": [("2001:db8::5", "2001:db8::9")]}, [InvalidAllocationPool]),
        # pools share an address, one lies within another
        (
            {"pools": [("10.0.0.2", "10.0.0.9"), ("10.0.0.9", "10.0.0.20")]},
            [OverlappingAllocationPools],
        ),
        (
            {"pools": [("10.0.0.2", "10.0.0.99"), ("10.0.0.9", "10.0.0.20")]},
            [OverlappingAllocationPools],
        ),
        # IPv6 modes in an IPv4 subnet
        ({"ipv6_ra_mode": "slaac"}, [InvalidInput]),
        # too small for a DHCP server
        (
            {"cidr": "10.0.0.0/31", "gateway_ip": None, "pools": []},
            [InvalidInput],
        ),
        # a route of the other version
        ({"nexthops": ["2001:db8::5"]}, [InvalidInput]),
        # two faults at once
        (
            {"gateway_ip": "10.0.0.0", "pools": [("10.0.0.9", "10.0.0.5")]},
            [InvalidInput, InvalidAllocationPool],
        ),
    ],
)
def test_each_broken_rule_is_reported(
    changes: dict[str, object], expected: list[type[CallerError]]
) -> None:
    assert kinds(replace(SOUND, **changes)) == expected  # type: ignore[arg-type]  # a table


@pytest.mark.parametrize("gateway", ["10.0.1.1", "198.51.100.1", "10.0.0.1"])
def test_a_gateway_may_lie_outside_of_its_subnet(gateway: str) -> None:
    assert kinds(replace(SOUND, gateway_ip=gateway)) == []


@pytest.mark.parametrize("gateway", ["2001:db8::", "2001:db8:ffff::1", "fe80::1"])
def test_an_ipv6_gateway_may_be_any_address_of_a_router(gateway: str) -> None:
    assert kinds(replace(SOUND_6, gateway_ip=gateway)) == []


@pytest.mark.parametrize(
    ("cidr", "word"),
    [
        ("0.0.0.0/24", "Unspecified"),
        ("127.0.1.0/24", "Loopback"),
        ("224.0.1.0/24", "Multicast"),
        ("240.0.0.0/24", "Reserved"),
        ("0:0:0:1::/64", "mapped"),
        ("::ffff:10.0.0.0/120", "mapped"),
        ("fe80::/64", "Link-local"),
        ("ff02::/64", "Multicast"),
        ("2001:db8::/63", "64 bits or more"),
    ],
)
def test_where_no_machine_can_be_served_there_is_no_dhcp(cidr: str, word: str) -> None:
    version = 6 if ":" in cidr else 4
    shape = Shape(cidr, version, None, [], enable_dhcp=True)
    assert word in " ".join(map(str, subnet_rules.faults(shape)))
    assert kinds(replace(shape, enable_dhcp=False)) == []


def test_the_ipv6_network_of_the_unspecified_address_is_no_subnet() -> None:
    shape = Shape("::/64", 6, None, [], enable_dhcp=False)
    assert kinds(shape) == [InvalidInput]


@pytest.mark.parametrize(("length", "sound"), [(48, False), (63, False), (64, True), (120, True)])
def test_a_prefix_of_dhcpv6_has_64_bits_or_more(length: int, sound: bool) -> None:
    shape = Shape(f"2001:db8::/{length}", 6, None, [], True, "dhcpv6-stateful", "dhcpv6-stateful")
    assert (kinds(shape) == []) is sound


@pytest.mark.parametrize(
    "changes",
    [
        {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "dhcpv6-stateful"},
        {"ipv6_ra_mode": "slaac", "enable_dhcp": False},
        {"ipv6_address_mode": "slaac", "cidr": "2001:db8::/65"},
        {"ipv6_address_mode": "dhcpv6-stateless", "cidr": "2001:db8::/56"},
        {"gateway_ip": "10.0.0.1"},
    ],
)
def test_ipv6_modes_that_contradict_each_other_are_refused(changes: dict[str, object]) -> None:
    assert kinds(replace(SOUND_6, **changes)) == [InvalidInput]  # type: ignore[arg-type]  # a table


def test_a_link_local_gateway_is_allowed_in_ipv6() -> None:
    assert kinds(replace(SOUND_6, gateway_ip="fe80::1")) == []


@pytest.mark.parametrize(
    ("cidr", "gateway", "pools"),
    [
        ("10.0.0.0/24", "10.0.0.1", [("10.0.0.2", "10.0.0.254")]),
        ("10.0.0.0/24", None, [("10.0.0.1", "10.0.0.254")]),
        (
            "10.0.0.0/24",
            "10.0.0.9",
            [("10.0.0.1", "10.0.0.8"), ("10.0.0.10", "10.0.0.254")],
        ),
        ("10.0.0.0/24", "10.0.0.254", [("10.0.0.1", "10.0.0.253")]),
        ("10.0.0.0/31", None, [("10.0.0.0", "10.0.0.1")]),
        ("10.0.0.7/32", None, [("10.0.0.7", "10.0.0.7")]),
        ("2001:db8::/64", "2001:db8::1", [("2001:db8::2", "2001:db8::ffff:ffff:ffff:ffff")]),
        ("2001:db8::/126", None, [("2001:db8::1", "2001:db8::3")]),
    ],
)
def test_default_pools_are_all_but_network_broadcast_and_gateway(
    cidr: str, gateway: str | None, pools: list[tuple[str, str]]
) -> None:
    assert subnet_rules.default_pools(cidr, gateway) == pools


@pytest.mark.parametrize(
    ("cidr", "gateway"),
    [
        ("10.0.0.0/24", "10.0.0.1"),
        ("2001:db8::/64", "2001:db8::1"),
        ("10.0.0.0/31", "10.0.0.0"),
        ("10.0.0.7/32", None),
    ],
)
def test_the_default_gateway_is_the_first_address(cidr: str, gateway: str | None) -> None:
    assert subnet_rules.default_gateway(cidr) == gateway


@pytest.mark.parametrize(
    ("cidr", "others", "faults"),
    [
        ("10.0.0.0/24", ["10.0.1.0/24", "2001:db8::/64"], 0),
        ("10.0.0.0/24", ["10.0.0.0/24"], 1),
        ("10.0.0.0/24", ["10.0.0.0/16", "10.0.0.128/25"], 2),
        ("0.0.0.0/0", ["::/0", "10.0.0.0/8"], 1),
    ],
)
def test_overlapping_subnets_are_found(cidr: str, others: list[str], faults: int) -> None:
    named = {f"id-{n}": other for n, other in enumerate(others)}
    assert len(subnet_rules.overlapping(cidr, named)) == faults


def test_neighbouring_pools_are_joined() -> None:
    pools = subnet_rules.merged([("10.0.0.20", "10.0.0.29"), ("10.0.0.10", "10.0.0.19")])
    assert pools == [(bytes([10, 0, 0, 10]), bytes([10, 0, 0, 29]))]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"dynamic_ranges": [("10.0.0.9", "10.0.0.5")]}, "lies after its end"),
        ({"dynamic_ranges": [("10.0.0.200", "10.0.1.5")]}, "spans beyond the usable addresses"),
        ({"dynamic_ranges": [("10.0.0.200", "10.0.0.255")]}, "spans beyond the usable addresses"),
        ({"dynamic_ranges": [("2001:db8::5", "2001:db8::9")]}, "is not of IP version 4"),
        ({"dynamic_ranges": [("10.0.0.1", "10.0.0.5")], "pools": []}, "has the gateway 10.0.0.1"),
        ({"dynamic_ranges": [("10.0.0.254", "10.0.0.254")]}, "with the allocation pool"),
        (
            {"pools": [], "dynamic_ranges": [("10.0.0.5", "10.0.0.9"), ("10.0.0.9", "10.0.0.12")]},
            "10.0.0.5-10.0.0.9 and 10.0.0.9-10.0.0.12 overlap",
        ),
    ],
)
def test_a_dynamic_range_that_cannot_be_served_is_named(
    changes: dict[str, Any], reason: str
) -> None:
    (fault,) = subnet_rules.faults(replace(SOUND, **changes))
    assert str(fault).startswith("Invalid input for dynamic_ranges. Reason: ")
    assert reason in str(fault)


def test_an_ipv6_subnet_has_no_dynamic_range() -> None:
    (fault,) = subnet_rules.faults(
        replace(SOUND_6, dynamic_ranges=[("2001:db8::5", "2001:db8::9")])
    )
    assert "an IPv6 subnet has none" in str(fault)


spans = st.lists(
    st.tuples(st.integers(1, 40), st.integers(0, 9)).map(
        lambda given: (f"10.0.0.{given[0]}", f"10.0.0.{given[0] + given[1]}")
    ),
    max_size=5,
)
turned = spans.map(lambda given: [(high, low) for low, high in given])


def listed(ranges: Sequence[tuple[str, str]]) -> set[int]:
    return {
        each
        for low, high in ranges
        for each in range(subnet_rules.number(low), subnet_rules.number(high) + 1)
    }


@given(spans, spans | turned)
def test_pools_without_ranges_have_all_their_other_addresses_once(
    pools: list[tuple[str, str]], taken: list[tuple[str, str]]
) -> None:
    left = subnet_rules.without(pools, taken)
    assert listed(left) == listed(pools) - listed(taken)

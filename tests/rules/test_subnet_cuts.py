"""What becomes of a subnet that is cut into parts, and of subnets that become one."""

from typing import Any

import pytest
from msgspec import UNSET

from ipam.rules import subnet_cuts
from ipam.rules.subnet_cuts import Cut
from ipam.rules.subnets import Shape

NET = "10.0.0.0/24"
EVERYTHING = (("10.0.0.2", "10.0.0.254"),)


def cut(cidr: str = NET, gateway: str | None = "10.0.0.1", **more: Any) -> Cut:
    values = {"ip_version": 4, "enable_dhcp": True, "pools": EVERYTHING, **more}
    return Cut(Shape(cidr=cidr, gateway_ip=gateway, **values), [])


def halves(whole: Cut, **gateways: Any) -> tuple[list[Cut], list[str]]:
    parts = [("10.0.0.0/25", gateways.get("low", UNSET)), ("10.0.0.128/25", UNSET)]
    found, faults = subnet_cuts.split(whole, parts)
    return found, [str(one) for one in faults]


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        (["10.0.0.0/25"], "no part has 10.0.0.128/25"),
        (["10.0.0.0/24"], "10.0.0.0/24 is no part of 10.0.0.0/24"),
        (["10.0.0.0/25", "10.0.0.64/26", "10.0.0.128/25"], "10.0.0.0/25 and 10.0.0.64/26 overlap"),
        (["10.0.0.0/25", "10.0.0.128/25", "10.0.1.0/25"], "10.0.1.0/25 is no part"),
        (["10.0.0.0/25", "2001:db8::/65"], "2001:db8::/65 is not of the IP version"),
    ],
)
def test_parts_that_are_not_the_subnet_are_refused(parts: list[str], why: str) -> None:
    (fault,) = subnet_cuts.part_faults(NET, parts)
    assert why in str(fault)


def test_pools_with_gaps_keep_them_and_leave_out_the_new_router() -> None:
    found, faults = halves(cut(pools=[("10.0.0.100", "10.0.0.140"), ("10.0.0.200", "10.0.0.209")]))
    assert faults == []
    assert [list(one.shape.pools) for one in found] == [
        [("10.0.0.100", "10.0.0.126")],
        [("10.0.0.130", "10.0.0.140"), ("10.0.0.200", "10.0.0.209")],
    ]


def test_a_router_outside_of_the_subnet_stays_that_of_all_parts() -> None:
    found, _ = halves(cut(gateway="192.0.2.1", pools=[("10.0.0.1", "10.0.0.254")]))
    assert [one.shape.gateway_ip for one in found] == ["192.0.2.1", "192.0.2.1"]
    assert [one.shape.gateway_ip for one in halves(cut(gateway=None))[0]] == [None, None]


def test_a_fault_of_every_part_is_told_once() -> None:
    whole = cut("2001:db8::/64", "2001:db8::1", ip_version=6, pools=[], ipv6_ra_mode="slaac")
    parts = [("2001:db8::/65", UNSET), ("2001:db8::8000:0:0:0/65", UNSET)]
    _, faults = subnet_cuts.split(whole, parts)
    assert len(faults) == 2  # they name their parts
    _, (fault,) = halves(cut(gateway="2001:db8::1"))
    assert "is not of IP version 4" in fault


def test_addresses_that_nobody_could_have_are_given_where_all_were() -> None:
    low = cut("10.0.0.0/25", pools=[("10.0.0.2", "10.0.0.126")])
    high = cut("10.0.0.128/25", "10.0.0.129", pools=[("10.0.0.130", "10.0.0.254")])
    merged, faults = subnet_cuts.merge(low, [high], cidr=None, gateway=UNSET)
    assert faults == []
    assert merged.shape.cidr == NET
    assert list(merged.shape.pools) == [
        ("10.0.0.2", "10.0.0.128"),
        ("10.0.0.130", "10.0.0.254"),
    ]
    some = cut("10.0.0.128/25", "10.0.0.129", pools=[("10.0.0.150", "10.0.0.159")])
    merged, _ = subnet_cuts.merge(low, [some], cidr="10.0.0.0/23", gateway="10.0.1.254")
    assert list(merged.shape.pools) == [("10.0.0.2", "10.0.0.126"), ("10.0.0.150", "10.0.0.159")]


def test_a_prefix_that_does_not_contain_them_is_refused() -> None:
    low, high = cut("10.0.0.0/25"), cut("10.0.0.128/25", "10.0.0.129")
    for cidr in ("10.0.0.0/25", "10.0.1.0/24", "2001:db8::/64"):
        _, (fault,) = subnet_cuts.merge(low, [high], cidr=cidr, gateway=UNSET)
        assert f"{cidr} does not contain" in str(fault)


@pytest.mark.parametrize(
    ("cidrs", "around"),
    [
        (["10.0.0.0/25", "10.0.0.128/25"], "10.0.0.0/24"),
        (["10.0.0.0/24", "10.0.3.0/24"], "10.0.0.0/22"),
        (["10.0.1.0/24", "10.0.2.0/24"], "10.0.0.0/22"),
        (["10.0.0.0/24", "10.0.0.0/25"], "10.0.0.0/24"),
        (["2001:db8::/65", "2001:db8:0:0:8000::/65"], "2001:db8::/64"),
    ],
)
def test_the_smallest_prefix_around_prefixes(cidrs: list[str], around: str) -> None:
    assert subnet_cuts.smallest_around(cidrs) == around

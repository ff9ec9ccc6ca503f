"""Which prefixes a subnet may get, and what becomes of its ranges."""

import pytest

from ipam.rules import subnet_resize
from ipam.rules.subnet_resize import Extent

NET = "10.0.0.0/24"


def messages(after: str, before: str = NET, gateway: str = "10.0.0.1", *hops: str) -> list[str]:
    found = subnet_resize.faults(before, after, gateway_ip=gateway, nexthops=hops)
    return [str(one) for one in found]


@pytest.mark.parametrize("after", ["10.0.0.0/23", "10.0.0.0/16", "10.0.0.0/25", "10.0.0.0/30"])
def test_a_prefix_around_it_or_inside_it_is_taken(after: str) -> None:
    assert messages(after) == []


@pytest.mark.parametrize("after", ["10.0.1.0/24", "192.0.2.0/25", "2001:db8::/64"])
def test_another_prefix_is_none_of_its_sizes(after: str) -> None:
    assert len(messages(after)) == 1


def test_a_router_that_would_be_outside_has_to_be_replaced() -> None:
    (gateway,) = messages("10.0.0.0/25", NET, "10.0.0.254")
    assert "gateway_ip 10.0.0.254 would lie outside of 10.0.0.0/25" in gateway
    (hop,) = messages("10.0.0.0/25", NET, "10.0.0.1", "10.0.0.200")
    assert "10.0.0.200" in hop
    assert messages("10.0.0.0/25", NET, "192.0.2.1") == []  # it never was inside


def test_a_port_keeps_a_prefix_from_leaving_it() -> None:
    owned = [("10.0.0.127", "p1"), ("10.0.0.9", "p2"), ("10.0.0.130", "p3")]
    (fault,) = subnet_resize.strangers("10.0.0.0/25", owned)
    assert "10.0.0.127 of port p1, 10.0.0.130 of port p3" in str(fault)
    assert subnet_resize.strangers("10.0.0.0/24", owned) == []


def test_pools_of_all_addresses_grow_and_others_stay() -> None:
    def after(cidr: str, *pools: tuple[str, str]) -> list[tuple[str, str]]:
        return list(
            subnet_resize.pools_after(
                Extent(NET, "10.0.0.1"), Extent(cidr, "10.0.0.1"), pools=pools, taken=()
            )
        )

    everything = ("10.0.0.2", "10.0.0.254")
    assert after("10.0.0.0/23", everything) == [("10.0.0.2", "10.0.1.254")]
    assert after("10.0.0.0/25", everything) == [("10.0.0.2", "10.0.0.126")]
    some = ("10.0.0.100", "10.0.0.199")
    assert after("10.0.0.0/23", some) == [some]
    assert after("10.0.0.0/25", some) == [("10.0.0.100", "10.0.0.126")]
    assert after("10.0.0.0/26", some) == []

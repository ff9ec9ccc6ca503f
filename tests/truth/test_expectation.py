"""The oracle finds each possible fault."""

import pytest

from tests.truth.expectation import Told, agrees, eui64, facts

RIGHT = Told(
    frozenset({"192.0.2.3/24"}), {"router": "192.0.2.1"}, addresses6=frozenset({"2001:db8::5"})
)


def test_what_is_right_has_no_fault() -> None:
    assert agrees(RIGHT, RIGHT) == ""


@pytest.mark.parametrize(
    "wrong",
    [
        Told(),
        Told(frozenset({"192.0.2.4/24"}), RIGHT.facts, addresses6=RIGHT.addresses6),
        Told(RIGHT.addresses, {"router": "192.0.2.9"}, addresses6=RIGHT.addresses6),
        Told(RIGHT.addresses, RIGHT.facts),
    ],
)
def test_what_is_wrong_has_a_fault(wrong: Told) -> None:
    assert agrees(wrong, RIGHT)


def test_an_address_for_a_machine_that_is_to_get_none_is_a_fault() -> None:
    assert agrees(RIGHT, Told())


def test_an_address_is_made_of_prefix_and_mac_as_the_rfc_shows() -> None:
    assert eui64("2001:db8::/64", "34:56:78:9a:bc:de") == "2001:db8::3656:78ff:fe9a:bcde"


@pytest.mark.parametrize(("gateway", "router"), [("192.0.2.1", "192.0.2.1"), (None, "192.0.2.9")])
def test_a_gateway_goes_before_a_host_route_for_everything(
    gateway: str | None, router: str
) -> None:
    route = {"destination": "0.0.0.0/0", "nexthop": "192.0.2.9"}
    subnet = {"gateway_ip": gateway, "host_routes": [route], "dns_nameservers": []}
    told = facts({"mtu": 1500, "dns_domain": ""}, subnet, {"extra_dhcp_opts": []})
    assert told["router"] == router
    assert told["routes"] == {("0.0.0.0/0", router)}


def test_of_several_addresses_each_has_the_facts_of_its_own_subnet() -> None:
    routers = {"192.0.2.3/24": "192.0.2.1", "198.51.100.3/24": "198.51.100.1"}
    wanted = Told(
        frozenset(routers), facts_of={ip: {"router": via} for ip, via in routers.items()}
    )
    for address, router in routers.items():
        assert agrees(Told(frozenset({address}), {"router": router}), wanted) == ""
        assert agrees(Told(frozenset({address}), {"router": "203.0.113.1"}), wanted)

"""Which DHCP of a network stays at home."""

from typing import Any

import msgspec
import pytest

from ipam.agent.guard.elements import TapGuard
from ipam.agent.guard.fence import OWN_ADVERTS, OWN_DHCP4, OWN_DHCP6, fence
from ipam.protocol.dhcp_state import FullNetwork
from tests.agent.network_rows import network, subnet4, subnet6

ROUTERLESS: dict[str, Any] = {"gateway_ip": None}
EXTERNAL: dict[str, Any] = {"ipv6_ra_mode": None}


def of(*subnets: dict[str, Any]) -> TapGuard:
    return fence(msgspec.convert(network(subnets=[*subnets]), FullNetwork))


@pytest.mark.parametrize(
    ("subnets", "own"),
    [
        ([subnet4()], {OWN_DHCP4}),
        ([subnet4(enable_dhcp=False)], set()),
        ([subnet4(enable_dhcp=False), subnet4()], {OWN_DHCP4}),
        ([subnet4(), subnet6()], {OWN_DHCP4, OWN_DHCP6}),
        ([subnet6("dhcpv6-stateless")], {OWN_DHCP6}),
        ([subnet6("slaac")], set()),
        ([subnet6("slaac", **EXTERNAL)], set()),
        ([subnet6(**EXTERNAL)], {OWN_DHCP6}),
        ([subnet6(enable_dhcp=False)], set()),
        ([], set()),
    ],
)
def test_dhcp_is_at_home_where_the_networks_own_server_answers(
    subnets: list[dict[str, Any]], own: set[Any]
) -> None:
    assert of(*subnets) == own


@pytest.mark.parametrize(
    ("subnets", "is_own"),
    [
        ([subnet6(**ROUTERLESS)], True),
        ([subnet6("slaac", **ROUTERLESS), subnet4()], True),
        ([subnet6()], False),
        ([subnet6(**ROUTERLESS), subnet6("slaac")], False),
        ([subnet6(**ROUTERLESS, **EXTERNAL)], False),
        ([subnet6(enable_dhcp=False, **ROUTERLESS)], False),
    ],
)
def test_advertisements_are_at_home_where_no_router_has_to_send_any(
    subnets: list[dict[str, Any]], is_own: bool
) -> None:
    assert (OWN_ADVERTS in of(*subnets)) is is_own

"""What cannot be read of a network's description costs its own port or subnet, and is named."""

from typing import Any

import msgspec
import pytest

from ipam.agent.desired import served_network
from ipam.agent.readable import readable
from ipam.agent.served import ServedNetwork
from ipam.agent.troubles import of_faults
from ipam.protocol.dhcp_state import FullNetwork
from tests.agent.network_rows import (
    HOST,
    PORT,
    SUBNET4,
    SUBNET6,
    Json,
    network,
    port,
    subnet4,
    subnet6,
)
from tests.agent.test_desired import SITE

OTHER = "66666666-6666-4666-8666-666666666666"


def served(row: Json) -> ServedNetwork:
    return served_network(msgspec.convert(row, FullNetwork), SITE, HOST)


def ranges(found: ServedNetwork) -> list[str]:
    lines = (found.state.server or "").splitlines()
    return [line.split(",")[1] for line in lines if line.startswith("dhcp-range")]


def test_a_description_that_can_be_read_is_left_as_it_is() -> None:
    row = msgspec.convert(network(), FullNetwork)
    found, faults = readable(row)
    assert found is row
    assert faults == []


@pytest.mark.parametrize(
    "odd",
    [
        {"cidr": "10.0.0.0/33"},
        {"cidr": "10.0.0.1/24"},
        {"cidr": "2001:db8:7::/64"},
        {"gateway_ip": "10.0.0.256"},
        {"gateway_ip": "2001:db8::1"},
        {"gateway_ip": "fe80::1%eth0"},
        {"dns_nameservers": ["192.0.2.53", "nowhere"]},
        {"host_routes": [{"destination": "172.16.0.1/12", "nexthop": "10.0.0.9"}]},
        {"host_routes": [{"destination": "172.16.0.0/12", "nexthop": "2001:db8::9"}]},
        {"host_routes": [{"destination": "172.16.0.0/12", "nexthop": "gate"}]},
    ],
    ids=str,
)
def test_an_unreadable_subnet_is_left_out_alone(odd: dict[str, Any]) -> None:
    found = served(network(subnets=[subnet4(**odd), subnet6()]))
    assert ranges(found) == ["2001:db8::"]
    assert found.ports[PORT].addresses == ("2001:db8::5",)
    (trouble,) = of_faults(found.faults).items()
    assert trouble[0] == SUBNET4
    assert trouble[1].startswith("left out: ")


def test_an_address_of_the_server_that_cannot_be_read_costs_its_subnet() -> None:
    row = network()
    row["dhcp_port"]["fixed_ips"] = [
        {"subnet_id": SUBNET4, "ip_address": "10.0.0.2"},
        {"subnet_id": SUBNET6, "ip_address": "2001:db8::g"},
    ]
    found = served(row)
    assert ranges(found) == ["10.0.0.0"]
    assert of_faults(found.faults).keys() == {SUBNET6}


@pytest.mark.parametrize(
    "odd",
    [
        {"mac_address": "fa:16:3e:00:00"},
        {"mac_address": "FA-16-3E-00-00-05"},
        {"fixed_ips": [{"subnet_id": SUBNET4, "ip_address": "10.0.0.5/24"}]},
    ],
    ids=str,
)
def test_an_unreadable_port_is_not_served_and_its_neighbours_are(odd: dict[str, Any]) -> None:
    found = served(network(ports=[port(**odd), port(id=OTHER, mac_address="fa:16:3e:00:00:06")]))
    assert not found.ports[PORT].is_served, "so the API hears that it is down"
    assert found.ports[OTHER].is_served
    assert f"hosts/{PORT}" not in found.state.files
    assert f"hosts/{OTHER}" in found.state.files
    assert of_faults(found.faults).keys() == {PORT}
    assert found.state.taps >= {"tap66666666-66", "tap55555555-55"}, "it stays plugged in"


def test_what_a_subnet_without_dhcp_says_is_not_read() -> None:
    found = served(network(subnets=[subnet4(), subnet6(enable_dhcp=False, gateway_ip="?")]))
    assert found.faults == ()

"""Options, names and routes as they are on the wire, of a real dnsmasq."""

import tempfile
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from ipam.rules import subnet_options
from ipam.rules.subnet_options import Limits, SubnetOptions
from tests.agent.network_rows import SUBNET4, Json, network, port, subnet4, subnet6
from tests.system.wire import DISCOVER, Wire, wire

pytestmark = [pytest.mark.root, pytest.mark.system]

ROUNDS = 50


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ipam-wire-") as name:
        Path(name).chmod(0o755)  # for the user that dnsmasq becomes
        yield Path(name)


def option(name: str, value: str, version: int = 4) -> Json:
    return {"opt_name": name, "opt_value": value, "ip_version": version}


def numbered(number: int, *, address: str = "", options: list[Json] | None = None) -> Json:
    """Ports whose MAC addresses differ in one octet alone."""
    return port(
        id=f"55555555-5555-4555-8555-0000000000{number:02x}",
        mac_address=f"fa:16:3e:00:00:{number:02x}",
        hostname=f"vm-{number}",
        fixed_ips=[{"subnet_id": SUBNET4, "ip_address": address or f"10.0.0.{number}"}],
        extra_dhcp_opts=options or [],
    )


def test_dnsmasq_lives_through_reloads_after_it_has_served_ports_with_options(
    directory: Path,
) -> None:
    with wire(directory, network(ports=[numbered(5)])) as site:
        for turn in range(ROUNDS):
            ntp = None if turn % 5 == 4 else f"10.0.0.{100 + turn}"
            site.row["ports"] = [
                numbered(5, options=[option("ntp-server", ntp)] if ntp else []),
                numbered(6, options=[option("bootfile-name", f"boot-{turn}")]),
                numbered(7, address=f"10.0.0.{200 + turn % 2}"),
            ]
            site.reload()
            _assert_served(site, turn, ntp)
        assert site.process.poll() is None


def _assert_served(site: Wire, turn: int, ntp: str | None) -> None:
    client_id = {61: b"\x00any"} if turn % 3 else {}
    first = site.lease("fa:16:3e:00:00:05", client_id)
    assert first.address == "10.0.0.5"
    assert first.options.get(42) == (ip_address(ntp).packed if ntp else None)
    assert 67 not in first.options
    second = site.lease("fa:16:3e:00:00:06", client_id)
    assert (second.options[67], second.options.get(42)) == (f"boot-{turn}\0".encode(), None)
    assert 67 not in site.ask("fa:16:3e:00:00:07").options


@pytest.mark.parametrize(
    "name", ["2024", "5d", "0", "infinite", "ignore", "deprecated", "vm1.example.org", "vm1.net."]
)
def test_a_machine_gets_the_name_and_the_address_of_its_port(directory: Path, name: str) -> None:
    row = network(ports=[port(hostname=name, extra_dhcp_opts=[])])
    with wire(directory, row) as site:
        answer = site.lease("fa:16:3e:00:00:05")
        assert answer.address == "10.0.0.5"
        assert answer.options[12] == name.partition(".")[0].encode()
        assert answer.options[51] == (86400).to_bytes(4)
        assert "Ignoring" not in site.log()
    assert not site.faults


@pytest.mark.parametrize("program", ["modern", "plain"])
def test_a_default_route_without_a_gateway_reaches_every_client(
    directory: Path, program: str
) -> None:
    """udhcpc asks for the router alone, unless it is told to ask for classless routes."""
    routes = [{"destination": "0.0.0.0/0", "nexthop": "10.0.0.9"}]
    codes = (1, 3, 6, 121) if program == "modern" else (1, 3, 6)
    row = network(subnets=[subnet4(gateway_ip=None, host_routes=routes)])
    with wire(directory, row) as site:
        options = site.ask("fa:16:3e:00:00:05", codes=codes).options
        assert options[3] == ip_address("10.0.0.9").packed
        assert options.get(121) == (b"\0" + options[3] if program == "modern" else None)


def test_no_name_server_is_told_where_the_subnet_says_that_there_is_none(directory: Path) -> None:
    six = subnet6(dns_nameservers=["::"])
    row = network(subnets=[subnet4(dns_nameservers=["0.0.0.0"]), six])
    with wire(directory, row) as site:
        assert 6 not in site.ask("fa:16:3e:00:00:05").options
        told = site.solicit((23, 24))
        assert 24 in told
        assert 23 not in told


@pytest.mark.parametrize(("servers", "routes"), [(5, 20), (13, 21), (49, 0)])
def test_what_the_rules_have_room_for_arrives_in_the_smallest_answer(
    directory: Path, servers: int, routes: int
) -> None:
    named = [f"10.0.0.{number}" for number in range(101, 101 + servers)]
    ways = [
        {"destination": f"172.16.0.{number}/32", "nexthop": "10.0.0.9"} for number in range(routes)
    ]
    told = SubnetOptions(
        4, "10.0.0.1", named, [(way["destination"], way["nexthop"]) for way in ways]
    )
    assert not list(subnet_options.faults(told, Limits(100, 100), "new subnet"))
    row = network(
        subnets=[subnet4(dns_nameservers=named, host_routes=ways)],
        ports=[port(hostname="n" * 63, extra_dhcp_opts=[])],
        dns_domain="a.domain.of.some.length.example.org",
    )
    asked = (1, 3, 6, 12, 15, 26, 28, 58, 59, 119, 121)
    with wire(directory, row) as site:
        options = site.ask("fa:16:3e:00:00:05", DISCOVER, {57: b"\x02\x40"}, asked).options
        assert set(asked) - (set() if routes else {121}) <= set(options)
        assert len(options[6]) == 4 * servers
        assert len(options.get(121, b"12345")) == 9 * routes + 5
        assert "no space left" not in site.log()

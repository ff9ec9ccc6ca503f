"""ipam dns list and ipam dns lookup."""

import json
from typing import Any

import pytest

from ipam.cli.commands.dns import _default_domain
from ipam.client import Client
from tests.cli.conftest import Ipam, parsed
from tests.servers.live_api import LiveApi


@pytest.fixture
def house(local: Ipam) -> Ipam:
    """Two networks, one of which has a domain; two ports share a name."""
    local("network", "create", "--dns-domain", "lab.example.", "lab")
    local("network", "create", "bare")
    for number, network in enumerate(("lab", "bare")):
        words = ("--subnet-range", f"10.{number}.0.0/24", "--no-dhcp", network)
        assert local("subnet", "create", "--network", network, *words).status == 0
    ports = [
        ("lab", "web", "10.0.0.5", "one"),
        ("lab", "web", "10.0.0.6", "two"),
        ("lab", "wpad", "10.0.0.7", "three"),
        ("bare", "web", "10.1.0.5", "four"),
        ("bare", "", "10.1.0.6", "five"),
    ]
    for network, name, address, port in ports:
        place = ("--network", network, "--fixed-ip", f"ip-address={address}", port)
        named = ("--dns-name", name) if name else ()
        assert local("port", "create", *named, *place).status == 0
    return local


def rows(ipam: Ipam, *words: str) -> list[tuple[Any, ...]]:
    told = ipam("dns", *words, "-f", "json")
    assert told.status == 0, told.err
    found = json.loads(told.out)
    return [(one["Name"], one["Address"], one["Port"], one["Note"]) for one in found]


ONE = ("web.lab.example", "10.0.0.5", "one", "shared by 2 ports")
TWO = ("web.lab.example", "10.0.0.6", "two", "shared by 2 ports")
THREE = ("host-10-0-0-7.lab.example", "10.0.0.7", "three", "wpad is not served")
FOUR = ("web", "10.1.0.5", "four", "")
FIVE = ("host-10-1-0-6", "10.1.0.6", "five", "")


def test_the_list_has_each_address_with_the_names_that_are_answered(house: Ipam) -> None:
    assert rows(house, "list") == [FIVE, FOUR, THREE, ONE, TWO]
    assert rows(house, "list", "--network", "lab") == [THREE, ONE, TWO]
    assert (
        house("dns", "list", "-f", "value", "-c", "also").out.split()
        == ["host-10-0-0-7"] + ["web"] * 2
    )


def test_a_table_of_no_names_is_a_note(local: Ipam) -> None:
    told = local("dns", "list")
    assert (told.status, told.out, told.err) == (0, "", "No names.\n")
    assert json.loads(local("dns", "list", "-f", "json").out) == []


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("web.lab.example", [FOUR, ONE, TWO]),
        ("WEB", [FOUR, ONE, TWO]),
        ("web.lab.example.", [FOUR, ONE, TWO]),
        ("10.0.0.6", [TWO]),
        ("host-10-1-0-6", [FIVE]),
        ("host-10-0-0-7.lab.example", [THREE]),
        ("10.0.0.7", [THREE]),
    ],
)
def test_a_look_up_finds_by_name_and_by_address(
    house: Ipam, asked: str, found: list[tuple[Any, ...]]
) -> None:
    assert rows(house, "lookup", asked) == found


@pytest.mark.parametrize("asked", ["wpad", "web.other.example.org.x", "10.9.9.9", "host-10-0-0-5"])
def test_what_nobody_has_ends_with_status_one(house: Ipam, asked: str) -> None:
    if asked.startswith("web."):
        house("port", "delete", "four")
    told = house("dns", "lookup", asked)
    assert told.status == 1
    assert "Nobody has" in told.err


def test_what_a_machine_calls_itself_is_a_row_of_its_own(api: LiveApi, house: Ipam) -> None:
    network = parsed(house("network", "show", "lab", "-f", "json"))["id"]
    mac = {
        one: parsed(house("port", "show", one, "-f", "json"))["mac_address"]
        for one in ("one", "two", "three")
    }
    lease = {"network_id": network, "host": "a", "action": "add", "occurred_at_us": 1}
    with Client(socket_path=api.socket) as client:
        events = [
            lease
            | {"id": f"{number:032x}", "mac_address": mac[port], "ip_address": f"10.0.0.{number}"}
            | {"details": {"supplied_hostname": name}}
            for number, port, name in ((5, "one", "laptop"), (6, "two", "web"), (7, "three", "tv"))
        ]
        client.post("/v2.0/lease-events", json={"lease_events": events})
    laptop = ("laptop.lab.example", "10.0.0.5", "one", "")
    television = ("tv.lab.example", "10.0.0.7", "three", "")
    assert rows(house, "list", "--network", "lab") == [THREE, laptop, television, ONE, TWO]
    for asked in ("laptop", "LAPTOP.lab.example."):
        assert rows(house, "lookup", asked) == [laptop]
    assert rows(house, "lookup", "10.0.0.5") == [laptop, ONE]
    house("port", "set", "--dns-name", "laptop", "two")
    two = ("laptop.lab.example", "10.0.0.6", "two", "")
    assert rows(house, "lookup", "laptop") == [two]
    assert rows(house, "lookup", "10.0.0.5") == [("web.lab.example", "10.0.0.5", "one", "")]
    house("port", "set", "--dns-name", "laptop.lab.example.", "two")
    assert rows(house, "lookup", "laptop") == [two]
    assert rows(house, "lookup", "10.0.0.5") == [("web.lab.example", "10.0.0.5", "one", "")]


def test_each_row_has_the_kind_of_its_name(house: Ipam) -> None:
    found = parsed(house("dns", "list", "-f", "json"))
    assert [one["Kind"] for one in found] == ["address", "port", "address", "port", "port"]


def test_the_deployments_domain_is_the_one_that_the_api_names() -> None:
    def port(*names: tuple[str, str]) -> dict[str, Any]:
        return {"dns_assignment": [{"hostname": host, "fqdn": full} for host, full in names]}

    outside = port(("www.other.example", "www.other.example."))
    assert _default_domain([port(), outside, port(("web", "web.corp.test."))]) == "corp.test."
    assert _default_domain([port(("web", "web")), port()]) == ""

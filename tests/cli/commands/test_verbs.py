"""Verbs and options of the `openstack` command, on the real API."""

import time

import pytest

from ipam.client import Client
from tests.cli.conftest import Ipam, parsed
from tests.servers.live_api import LiveApi


@pytest.fixture
def demo(local: Ipam) -> Ipam:
    for words in (
        "network create demo --tag a --tag b",
        "subnet create --network demo --subnet-range 10.0.0.0/24 demo-v4 --tag a --tag b",
        "port create --network demo web-1 --tag a --tag b",
        "subnet pool create corp --pool-prefix 10.9.0.0/16 --tag a --tag b",
    ):
        made = local(*words.split())
        assert made.status == 0, made.err
    return local


@pytest.mark.parametrize(
    ("noun", "name"),
    [("network", "demo"), ("subnet", "demo-v4"), ("port", "web-1"), ("subnet pool", "corp")],
)
def test_tags_are_removed_one_by_one_or_all(demo: Ipam, noun: str, name: str) -> None:
    words = noun.split()
    assert demo(*words, "unset", name, "--tag", "a").status == 0
    assert parsed(demo(*words, "show", name, "-f", "json"))["tags"] == ["b"]
    assert demo(*words, "unset", name, "--tag", "a").status == 1
    assert demo(*words, "unset", name, "--all-tag").status == 0
    assert parsed(demo(*words, "show", name, "-f", "json"))["tags"] == []
    assert demo(*words, "unset", name).status == 2


def test_allowed_addresses_are_set_added_and_removed(demo: Ipam) -> None:
    def pairs() -> list[str]:
        port = parsed(demo("port", "show", "web-1", "-f", "json"))
        return [one["ip_address"] for one in port["allowed_address_pairs"]]

    add = ("port", "set", "web-1", "--allowed-address")
    assert demo(*add, "ip-address=10.0.0.100").status == 0
    assert demo(*add, "ip-address=10.1.0.0/16,mac-address=52:54:00:00:00:01").status == 0
    assert pairs() == ["10.0.0.100", "10.1.0.0/16"]
    assert demo("port", "unset", "web-1", "--allowed-address", "ip-address=10.0.0.100").status == 0
    assert pairs() == ["10.1.0.0/16"]
    refused = demo("port", "unset", "web-1", "--allowed-address", "ip-address=10.0.0.100")
    assert "The port web-1 has no allowed address pair" in refused.err
    assert demo(*add[:3], "--no-allowed-address").status == 0
    assert pairs() == []
    words = ["--network", "demo", "vip", "--allowed-address", "ip-address=10.0.0.99", "-f", "json"]
    made = parsed(demo("port", "create", *words))
    assert made["allowed_address_pairs"][0]["ip_address"] == "10.0.0.99"


def test_networks_are_made_found_and_changed_by_external_provider_and_status(demo: Ipam) -> None:
    made = parsed(demo("network", "create", "out", "--external", "-f", "json"))
    assert made["router:external"] is True
    kind = made["provider:network_type"]

    def names(*filters: str) -> list[str]:
        return [one["Name"] for one in parsed(demo("network", "list", "-f", "json", *filters))]

    assert names("--external") == ["out"]
    assert names("--internal") == ["demo"]
    assert names("--status", "ACTIVE", "--provider-network-type", kind) == ["demo", "out"]
    assert demo("network", "set", "out", "--internal").status == 0
    assert names("--external") == []
    strange = demo("network", "create", "x", "--provider-network-type", "nonsense")
    assert strange.status == 1
    assert "nonsense" in strange.err


def test_subnets_are_found_by_their_gateway(demo: Ipam) -> None:
    (found,) = parsed(demo("subnet", "list", "--gateway", "10.0.0.1", "-f", "json"))
    assert found["Name"] == "demo-v4"
    assert parsed(demo("subnet", "list", "--gateway", "10.0.0.9", "-f", "json")) == []


def test_addresses_are_counted_by_network(demo: Ipam) -> None:
    (listed,) = parsed(demo("ip", "availability", "list", "-f", "json"))
    assert (listed["Network Name"], listed["Total IPs"]) == ("demo", 253)
    shown = parsed(demo("ip", "availability", "show", "demo", "-f", "json"))
    assert shown["used_ips"] == listed["Used IPs"] > 0
    assert shown["subnet_ip_availability"][0]["cidr"] == "10.0.0.0/24"


def test_a_policy_is_given_another_project(demo: Ipam) -> None:
    words = ["network", "rbac", "create", "demo", "--target-project", "p", "-f", "json"]
    policy = parsed(demo(*words))["id"]
    assert demo("network", "rbac", "set", policy, "--target-project", "q").status == 0
    shown = parsed(demo("network", "rbac", "show", policy, "-f", "json"))
    assert shown["target_tenant"] == "q"


def test_extensions_are_listed_and_shown(local: Ipam) -> None:
    aliases = [one["Alias"] for one in parsed(local("extension", "list", "-f", "json"))]
    assert "subnet_allocation" in aliases
    shown = parsed(local("extension", "show", "subnet_allocation", "-f", "json"))
    assert shown["alias"] == "subnet_allocation"
    assert local("extension", "show", "nonsense").status == 1


def test_an_agent_is_given_a_network_and_loses_it_again(api: LiveApi, demo: Ipam) -> None:
    agent = {
        "host": "node-7",
        "agent_type": "DHCP agent",
        "binary": "ipam-agent",
        "started_at": int(time.time()),
        "availability_zone": "rack-4",
        "configurations": {},
    }
    with Client(socket_path=api.socket) as client:
        client.post("/v2.0/agents", json={"agent": agent})

    def serving() -> list[str]:
        return [
            one["Host"] for one in parsed(demo("agent", "list", "--network", "demo", "-f", "json"))
        ]

    (zone,) = parsed(demo("availability", "zone", "list", "--network", "-f", "json"))
    assert (zone["Zone Name"], zone["Zone Status"]) == ("rack-4", "available")
    if serving():
        assert demo("network", "agent", "remove", "network", "node-7", "demo").status == 0
    assert serving() == []
    assert demo("network", "agent", "add", "network", "--dhcp", "node-7", "demo").status == 0
    assert serving() == ["node-7"]
    again = demo("network", "agent", "add", "network", "node-7", "demo")
    assert again.status == 1
    assert demo("network", "agent", "remove", "network", "--dhcp", "node-7", "demo").status == 0
    assert serving() == []


def test_a_network_goes_with_all_on_it_once_that_was_shown(demo: Ipam) -> None:
    refused = demo("network", "delete", "demo")
    assert refused.status == 1
    shown = demo("network", "delete", "demo", "--recursive")
    assert shown.status == 0
    assert shown.err == "Nothing was changed. --yes does it.\n"
    assert shown.out.startswith("- port web-1 ")
    assert shown.out.endswith("- network demo\n")
    assert len(shown.out.splitlines()) == 2  # the DHCP server's port is not one of them
    assert demo("port", "show", "web-1").status == 0
    done = demo("network", "delete", "demo", "--recursive", "--yes")
    assert (done.status, done.out, done.err) == (0, shown.out, "")
    for noun in ("network", "subnet", "port"):
        assert demo(noun, "list", "-f", "value").out == ""
    assert demo("network", "delete", "demo", "--recursive", "--yes").status == 1


def test_a_gateway_that_nobody_answers_for_is_told_of_when_its_subnet_is_made(demo: Ipam) -> None:
    words = ("subnet", "create", "--network", "demo", "--subnet-range")
    made = demo(*words, "10.1.0.0/24", "-f", "value", "-c", "gateway_ip")
    assert made.out == "10.1.0.1\n"
    assert "no port has the gateway's address 10.1.0.1" in made.err
    assert demo(*words, "10.2.0.0/24", "--gateway", "none").err == ""


def test_where_a_network_is_stands_in_short_lines_for_people_and_whole_for_programs(
    demo: Ipam, api: LiveApi
) -> None:
    fault = "The uplink eth1 is not there."
    with Client(socket_path=api.socket) as client:
        network = client.get("/v2.0/networks", {"name": "demo"})["networks"][0]
        for host in ("node-a", "node-b"):
            port = {"network_id": network["id"], "binding:host_id": host}
            client.post("/v2.0/ports", json={"port": port})
        up = {"wire": "vxlan-7", "state": "up", "peers": ["192.0.2.12"], "taps": 1, "guarded": 1}
        for host, said, guards in (
            ("node-a", up, True),
            ("node-b", {"bridge": "brq1", "state": "down", "fault": fault, "taps": 1}, False),
        ):
            agent = {"host": host, "started_at": 1, "networks": {network["id"]: said}}
            agent["configurations"] = {"guard": {"port_filter": guards}}
            client.post("/v2.0/agents", json={"agent": agent})
    shown = demo("network", "show", "demo", "--max-width", "80")
    for line in (
        "node-a: up by vxlan-7",
        "  to 192.0.2.12",
        "  ports: 1, 1 plugged in, 1 guarded",
        "node-b: down by brq1",
        f"  {fault}",
        "  ports: 1, 1 plugged in, no guard on this host",
    ):
        assert f"| {line} " in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80
    hosts = parsed(demo("network", "show", "demo", "-f", "json"))["hosts"]
    assert [(one["host"], one["fault"]) for one in hosts] == [("node-a", ""), ("node-b", fault)]
    assert "hosts" not in demo("network", "show", "demo", "-c", "name", "-f", "json").out

"""`ipam explain` through the real API: each subject, and how it ends."""

import json
import time
from typing import Any

import pytest

from ipam.client import Client
from tests.cli.conftest import Ipam
from tests.servers.live_api import LiveApi

MAC = "52:54:00:00:00:20"


@pytest.fixture
def demo(local: Ipam) -> Ipam:
    for words in (
        "network create demo",
        "subnet create --network demo --subnet-range 10.0.0.0/24 demo-v4",
        (
            f"port create --network demo web-1 --fixed-ip ip-address=10.0.0.20 --mac-address {MAC}"
            " --host node-7 --device 8c1f0a52-6a0e-4a53-8d7a-3d1d0c0b6a55"
        ),
    ):
        assert local(*words.split()).status == 0
    return local


def cause(demo: Ipam, *words: str) -> str:
    outcome = demo("explain", *words, "-f", "json", "--probe-seconds", "0")
    (record,) = json.loads(outcome.out)
    assert outcome.status == {"fine": 0, "broken": 1, "unknown": 3}[record["verdict"]]
    return str(record["cause"]["code"]) if record["cause"] else str(record["verdict"])


def report_agent(client: Client, **troubles: str) -> None:
    agent = {
        "host": "node-7",
        "agent_type": "DHCP agent",
        "binary": "ipam-agent",
        "started_at": int(time.time()),
        "configurations": {"troubles": troubles},
    }
    client.post("/v2.0/agents", json={"agent": agent})


def report_ready(client: Client, port: dict[str, Any]) -> None:
    agent_id = client.get("/v2.0/agents")["agents"][0]["id"]
    body = {"ports": [{"id": port["id"], "revision_number": port["revision_number"]}]}
    client.post(f"/v2.0/agents/{agent_id}/ready-ports", json=body)


def lease(client: Client, port: dict[str, Any], **changes: Any) -> None:
    now = time.time_ns() // 1000
    event = {
        "id": f"{now:032x}",
        "action": "add",
        "occurred_at_us": now,
        "expires_at": now // 1_000_000 + 3600,
        "network_id": port["network_id"],
        "host": "node-7",
        "ip_address": "10.0.0.20",
        "mac_address": port["mac_address"],
        "hostname": "web-1",
        "client_id": None,
        "duid": None,
        "iaid": None,
        "details": {},
    }
    client.post("/v2.0/lease-events", json={"lease_events": [event | changes]})


@pytest.mark.parametrize(
    "subject", ["web-1", MAC, "525400000020", "10.0.0.20", "8c1f0a52-6a0e-4a53-8d7a-3d1d0c0b6a55"]
)
def test_a_machine_is_named_by_anything_it_has(demo: Ipam, subject: str) -> None:
    assert cause(demo, subject) == "host-unknown"


def test_the_chain_breaks_earlier_and_earlier_and_is_whole_in_the_end(
    api: LiveApi, demo: Ipam
) -> None:
    with Client(socket_path=api.socket) as client:
        (port,) = client.list("/v2.0/ports", "ports", {"name": "web-1"})
        report_agent(client, **{port["id"]: "dnsmasq dropped line 1 of its hosts: bad name."})
        assert cause(demo, "web-1") == "line-refused"
        report_agent(client)
        assert cause(demo, "web-1") == "never-heard"
        lease(client, port, ip_address="10.0.0.99")
        assert cause(demo, "web-1") == "another-address"
        lease(client, port, ip_address="10.0.0.99", action="del")
        lease(client, port)
        assert cause(demo, "web-1") == "unknown"  # it has changed just now
        report_ready(client, port)
        assert cause(demo, "web-1") == "fine"
        lease(client, port, mac_address="52:54:00:00:00:99")
        assert cause(demo, "web-1") == "leased-to-another"
    demo("subnet", "set", "demo-v4", "--no-dhcp")
    assert cause(demo, "web-1") == "dhcp-off"
    demo("port", "set", "web-1", "--no-fixed-ip")
    assert cause(demo, "web-1") == "no-address"
    demo("port", "set", "web-1", "--disable")
    assert cause(demo, "web-1") == "port-disabled"


def test_an_address_that_a_machine_made_is_its_own_and_no_fault(api: LiveApi, demo: Ipam) -> None:
    private = "2001:db8::abcd"
    with Client(socket_path=api.socket) as client:
        (port,) = client.list("/v2.0/ports", "ports", {"name": "web-1"})
        report_agent(client)
        lease(client, port)
        report_ready(client, port)
        before = cause(demo, "web-1")
        lease(client, port, ip_address=private, source="slaac")
    assert cause(demo, "web-1") == before
    shown = demo("lease", "list", "--source", "slaac", "-f", "value", "-c", "IP Address")
    assert shown.out == private + "\n"


def test_who_is_known_to_nobody_or_has_several_ports_is_told(demo: Ipam) -> None:
    assert cause(demo, "52:54:00:99:99:99") == "unknown"
    demo("network", "create", "other")
    demo("port", "create", "--network", "other", "web-1", "--mac-address", MAC)
    assert cause(demo, MAC) == "several-ports"
    assert cause(demo, MAC, "--network", "demo") == "host-unknown"
    ports = json.loads(demo("port", "list", "--name", "web-1", "-f", "json").out)
    assert cause(demo, ports[0]["ID"]) in ("host-unknown", "no-address")


def test_each_port_of_a_server_is_explained(demo: Ipam) -> None:
    server = "8c1f0a52-6a0e-4a53-8d7a-3d1d0c0b6a55"
    demo("port", "create", "--network", "demo", "web-1b", "--device", server)
    outcome = demo("explain", server, "--probe-seconds", "0")
    assert outcome.status == 1
    assert "port web-1 " in outcome.out
    assert "port web-1b " in outcome.out


def test_a_screen_names_the_cause_and_the_command(demo: Ipam) -> None:
    assert "the DNS server is the network's own" in demo("explain", "web-1", "--why", "dns").out
    demo("subnet", "set", "demo-v4", "--dns-nameserver", "0.0.0.0")
    outcome = demo("explain", "web-1", "--why", "dns")
    assert outcome.status == 1
    assert "the subnet demo-v4 tells no DNS server" in outcome.out
    assert "ipam subnet set demo-v4 --no-dns-nameservers --dns-nameserver IP" in outcome.out
    assert len(outcome.out.splitlines()) < 24

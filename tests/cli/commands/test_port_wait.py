"""`ipam port wait`: ends when the port is ACTIVE, or says why it is not."""

import threading
import time
from typing import Any

import pytest

from ipam.cli.commands import port_wait
from ipam.cli.commands.port_reasons import reason
from ipam.cli.commands.port_wait import Standing
from ipam.client import Client
from tests.cli.conftest import Ipam
from tests.servers.live_api import LiveApi
from tests.waiting import PATIENCE_SECONDS

PORT = {
    "id": "p1",
    "network_id": "n1",
    "device_owner": "",
    "admin_state_up": True,
    "fixed_ips": [{"subnet_id": "s1", "ip_address": "10.0.0.2"}],
    "binding:host_id": "node-7",
}
COMPUTE = {"device_owner": "compute:nova"}
ALIVE = {
    "host": "node-7",
    "alive": True,
    "admin_state_up": True,
    "heartbeat_timestamp": "2026-11-22T08:00:00Z",
}


@pytest.mark.parametrize(
    ("port", "subnets", "agents", "expected"),
    [
        ({"admin_state_up": False}, ["s1"], [ALIVE], "disabled: `ipam port set p1 --enable`"),
        ({"fixed_ips": []}, [], [ALIVE], "no address"),
        ({}, [], [ALIVE], "None of its subnets has DHCP"),
        (
            {"binding:vif_type": "binding_failed"},
            ["s1"],
            [ALIVE],
            "does not reach its network; `ipam agent show node-7`",
        ),
        (
            {"binding:vif_type": "binding_failed", "binding:vnic_type": "direct"},
            ["s1"],
            [ALIVE],
            "its vnic_type direct asks for hardware",
        ),
        ({}, ["s1"], None, "Ask an admin"),
        ({}, ["s1"], [], "No agent has ever reported on host node-7"),
        ({"binding:host_id": ""}, ["s1"], [], "No agent has ever reported anywhere"),
        ({}, ["s1"], [{**ALIVE, "host": "node-8"}], "No agent has ever reported on host node-7"),
        ({}, ["s1"], [{**ALIVE, "alive": False}], "No agent is alive on host node-7"),
        ({}, ["s1"], [{**ALIVE, "alive": False}], "last heard of 2026-11-22T08:00:00Z"),
        ({}, ["s1"], [{**ALIVE, "admin_state_up": False}], "`ipam agent set node-7 --enable`"),
        ({}, ["s1"], [ALIVE], "alive on node-7 but has not reported it ready"),
        ({"binding:host_id": None}, ["s1"], [{**ALIVE, "host": "node-8"}], "alive on node-8"),
        (COMPUTE, ["s1"], [ALIVE], "Its tap tapp1 is not on host node-7: has the hypervisor"),
        (COMPUTE, ["s1"], [{**ALIVE, "alive": False}], "No agent is alive on host node-7"),
        (
            COMPUTE,
            ["s1"],
            [{**ALIVE, "configurations": {"troubles": {"n1": "dnsmasq ended", "n2": "no"}}}],
            "alive, but its network: dnsmasq ended",
        ),
        (
            COMPUTE,
            ["s1"],
            [{**ALIVE, "configurations": {"troubles": {"tapp1": "cannot be put on brq1: busy"}}}],
            "alive, but its tap tapp1: cannot be put on brq1: busy",
        ),
    ],
)
def test_the_reason_names_the_cause_and_the_next_step(
    port: dict[str, Any], subnets: list[str], agents: list[dict[str, Any]] | None, expected: str
) -> None:
    assert expected in reason({**PORT, **port}, subnets, agents)


@pytest.mark.parametrize(("of", "what"), [("p1", "the port"), ("s1", "its subnet")])
def test_what_the_agent_says_of_the_port_or_its_subnet_is_the_reason(of: str, what: str) -> None:
    agent = {**ALIVE, "configurations": {"troubles": {of: "an option was dropped"}}}
    assert reason(PORT, ["s1"], [agent]).endswith(f"but {what}: an option was dropped")


def test_a_disabled_network_is_a_reason() -> None:
    found = reason(PORT, ["s1"], [ALIVE], network_is_up=False)
    assert found == "Its network is disabled: `ipam network set n1 --enable`."


@pytest.fixture
def waiting(local: Ipam) -> Ipam:
    """A port web-1 bound to the host `node-7`, which no agent serves."""
    local("network", "create", "demo")
    local("subnet", "create", "--network", "demo", "--subnet-range", "10.0.0.0/24")
    made = local("port", "create", "--network", "demo", "--host", "node-7", "web-1")
    assert made.status == 0, made.err
    return local


def test_a_port_that_no_agent_serves_ends_with_1_and_the_reason(waiting: Ipam) -> None:
    outcome = waiting("port", "wait", "web-1", "--timeout", "0.2")
    assert (outcome.status, outcome.out) == (1, "")
    assert "waiting for ACTIVE" in outcome.err
    assert "still DOWN after 0.2 s" in outcome.err
    assert "No agent has ever reported on host node-7" in outcome.err


def test_waiting_ends_when_the_agent_reports_the_port_ready(waiting: Ipam, api: LiveApi) -> None:
    agent = {
        "host": "node-7",
        "agent_type": "DHCP agent",
        "binary": "ipam-agent",
        "started_at": int(time.time()),
        "configurations": {},
    }

    def report() -> None:
        with Client(socket_path=api.socket) as client:
            agent_id = client.post("/v2.0/agents", json={"agent": agent})["agent"]["id"]
            (port,) = client.list("/v2.0/ports", "ports", {"name": "web-1"})
            ready = {"ports": [{"id": port["id"], "revision_number": port["revision_number"]}]}
            client.post(f"/v2.0/agents/{agent_id}/ready-ports", json=ready)

    thread = threading.Timer(0.3, report)
    thread.start()
    outcome = waiting("port", "wait", "web-1", "--timeout", f"{PATIENCE_SECONDS:g}")
    thread.join()
    assert outcome.status == 0, outcome.err
    assert waiting("port", "wait", "web-1").err == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("port", "set", "web-1", "--disable"), "The port is disabled"),
        (("network", "set", "demo", "--disable"), "Its network is disabled"),
        (("port", "set", "web-1", "--no-fixed-ip"), "It has no address"),
    ],
)
def test_what_only_a_change_can_end_is_said_at_once_and_ends_the_wait(
    waiting: Ipam, change: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port_wait, "STANDS_SECONDS", 0.1)
    changed = waiting(*change)
    assert changed.status == 0, changed.err
    outcome = waiting("port", "wait", "web-1", "--timeout", f"{PATIENCE_SECONDS:g}")
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.count(said) == 2, "when it is noticed, and at the end"
    assert "still DOWN, and waiting does not help" in outcome.err


def test_who_wants_to_wait_for_a_change_can(
    waiting: Ipam, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port_wait, "STANDS_SECONDS", 0.0)
    waiting("port", "set", "web-1", "--disable")
    outcome = waiting("port", "wait", "web-1", "--keep-waiting", "--timeout", "1")
    assert outcome.status == 1
    assert "still DOWN after 1 s.\nThe port is disabled" in outcome.err
    assert "waiting does not help" not in outcome.err


def test_a_trouble_of_the_network_is_said_at_once_and_ends_the_wait_later(
    waiting: Ipam, api: LiveApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port_wait, "TROUBLE_STANDS_SECONDS", 0.1)
    with Client(socket_path=api.socket) as client:
        (port,) = client.list("/v2.0/ports", "ports", {"name": "web-1"})
        facts = {"troubles": {port["network_id"]: "dnsmasq does not start"}}
        agent = {"host": "node-7", "started_at": 0, "configurations": facts}
        client.post("/v2.0/agents", json={"agent": agent})
    outcome = waiting("port", "wait", "web-1", "--timeout", f"{PATIENCE_SECONDS:g}")
    assert outcome.status == 1
    assert outcome.err.count("but its network: dnsmasq does not start") == 2


def test_a_reason_stands_from_when_it_was_noticed() -> None:
    standing = Standing()
    assert not standing.is_due(0.1)
    assert standing.is_due(1.0)
    assert not standing.is_due(1.1)
    assert standing.is_news(("no DHCP", 3.0), 1.0)
    assert not standing.is_news(("no DHCP", 3.0), 3.9)
    assert not standing.is_over(3.9)
    assert standing.is_over(4.0)
    assert standing.is_news(("no address", 3.0), 4.0)
    assert not standing.is_over(4.0), "another reason stands anew"
    assert not standing.is_news(("", 0.0), 5.0)
    assert not standing.is_over(99.0)


def test_waiting_ends_when_the_port_is_deleted(waiting: Ipam, api: LiveApi) -> None:
    def delete() -> None:
        with Client(socket_path=api.socket) as client:
            (port,) = client.list("/v2.0/ports", "ports", {"name": "web-1"})
            client.delete(f"/v2.0/ports/{port['id']}")

    thread = threading.Timer(0.3, delete)
    thread.start()
    outcome = waiting("port", "wait", "web-1", "--timeout", f"{PATIENCE_SECONDS:g}")
    thread.join()
    assert outcome.status == 1
    assert "deleted meanwhile" in outcome.err


def test_showing_a_port_says_what_its_agent_says_of_it(waiting: Ipam, api: LiveApi) -> None:
    quiet = waiting("port", "show", "web-1", "-f", "json")
    assert quiet.err == ""
    with Client(socket_path=api.socket) as client:
        (port,) = client.list("/v2.0/ports", "ports", {"name": "web-1"})
        facts = {"troubles": {port["id"]: "dnsmasq's answer has no DHCP option 42"}}
        agent = {"host": "node-7", "started_at": 0, "configurations": facts}
        client.post("/v2.0/agents", json={"agent": agent})
    told = waiting("port", "show", "web-1", "-f", "json")
    assert told.out == quiet.out
    assert told.err.strip() == (
        "The agent of node-7 is alive, but the port: dnsmasq's answer has no DHCP option 42"
    )

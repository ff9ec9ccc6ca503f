"""`ipam port probe`: shows what agents answered, or that none did."""

import json
import threading
from typing import Any

import pytest

from ipam.client import Client
from tests.cli.conftest import Ipam
from tests.servers.live_api import LiveApi
from tests.waiting import PATIENCE_SECONDS

OFFER = {
    "server": "10.0.0.2",
    "address": "10.0.0.5",
    "prefix_length": 24,
    "lease_seconds": 3600,
    "options": [
        {"code": "3", "name": "router", "value": "10.0.0.1"},
        {"code": "252", "name": "", "value": "text"},
    ],
}


@pytest.fixture
def site(local: Ipam) -> Ipam:
    local("network", "create", "demo")
    local("subnet", "create", "--network", "demo", "--subnet-range", "10.0.0.0/24")
    for name in ("web-1", "web-2"):
        assert local("port", "create", "--network", "demo", "--host", "node-7", name).status == 0
    return local


class Agent(threading.Thread):
    """An agent on node-7 that gives every question the same answer."""

    def __init__(self, api: LiveApi, answer: dict[str, Any], count: int = 1) -> None:
        super().__init__()
        self._api = api
        self._answer = answer
        self._count = count

    def run(self) -> None:
        with Client(socket_path=self._api.socket) as client:
            agent = {"agent": {"host": "node-7", "started_at": 0, "agent_type": "DHCP agent"}}
            path = f"/v2.0/agents/{client.post('/v2.0/agents', json=agent)['agent']['id']}"
            while self._count:
                asked = client.get(f"{path}/dhcp-state")["probes"]
                answers = [{"id": one["id"], **self._answer} for one in asked]
                if answers:
                    client.post(f"{path}/probes", json={"probes": answers})
                    self._count -= len(answers)


def probe(site: Ipam, api: LiveApi, answer: dict[str, Any], *words: str, count: int = 1) -> Any:
    agent = Agent(api, answer, count)
    agent.start()
    outcome = site("port", "probe", *words, "--timeout", f"{PATIENCE_SECONDS:g}")
    agent.join()
    return outcome


def test_the_offer_is_shown_with_its_options(site: Ipam, api: LiveApi) -> None:
    outcome = probe(site, api, {"offers": [OFFER]}, "web-1")
    assert outcome.status == 0, outcome.err
    for text in ("web-1", "node-7", "10.0.0.5", "3600", "router=10.0.0.1; 252=text"):
        assert text in outcome.out
    outcome = probe(site, api, {"offers": [OFFER]}, "web-1", "-f", "json")
    (row,) = json.loads(outcome.out)
    assert row["Options"] == OFFER["options"]


def test_what_is_lacking_ends_with_status_1(site: Ipam, api: LiveApi) -> None:
    lacking = {**OFFER, "lacks": "dnsmasq's answer has no DHCP option 42"}
    outcome = probe(site, api, {"offers": [lacking]}, "web-1")
    assert outcome.status == 1
    assert "no DHCP option 42" in outcome.out
    outcome = probe(site, api, {"trouble": "The network has no DHCP server here."}, "web-1")
    assert outcome.status == 1
    assert "no DHCP server here" in outcome.out


def test_all_ports_of_a_network_are_asked_about(site: Ipam, api: LiveApi) -> None:
    outcome = probe(site, api, {"offers": [OFFER]}, "--all", "demo", "-f", "json", count=2)
    assert outcome.status == 0, outcome.err
    assert sorted(row["Port"] for row in json.loads(outcome.out)) == ["web-1", "web-2"]


def test_without_an_answer_it_says_so(site: Ipam) -> None:
    outcome = site("port", "probe", "web-1", "--timeout", "0.1")
    assert outcome.status == 1
    assert "No agent has answered" in outcome.out


def test_either_a_port_or_a_network_is_named(site: Ipam) -> None:
    for words in ((), ("web-1", "--all", "demo")):
        assert site("port", "probe", *words).status == 2

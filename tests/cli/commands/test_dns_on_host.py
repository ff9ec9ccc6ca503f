"""`ipam dns … --on HOST`: what a host's resolvers answer otherwise."""

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ipam.cli.commands import dns_on_host
from ipam.client import Client
from tests.cli.conftest import Ipam
from tests.servers.live_api import LiveApi

ANSWERS = {
    "web.lab.example": ["10.0.0.5"],
    "web": ["10.0.0.5"],
    "10.0.0.5": ["web.lab.example."],
    "db.lab.example": ["10.0.0.99"],
    "db": [],
    "10.0.0.6": ["db.lab.example."],
}


@pytest.fixture
def site(local: Ipam) -> Ipam:
    local("network", "create", "lab", "--dns-domain", "lab.example.")
    words = ("--network", "lab", "--subnet-range", "10.0.0.0/24", "--no-dhcp")
    assert local("subnet", "create", *words, "lab").status == 0
    for name, address in (("web", "10.0.0.5"), ("db", "10.0.0.6")):
        place = ("--network", "lab", "--fixed-ip", f"ip-address={address}")
        assert local("port", "create", *place, "--dns-name", name, name).status == 0
    return local


class Agent(threading.Thread):
    """An agent on node-7 whose resolver gives these answers, until it has answered so many."""

    def __init__(self, api: LiveApi, answer: Callable[[list[str]], Mapping[str, Any]]) -> None:
        super().__init__()
        self._client = Client(socket_path=api.socket)
        self._answer = answer
        body = {"agent": {"host": "node-7", "started_at": 0}}
        agent = self._client.post("/v2.0/agents", json=body)["agent"]
        self._path = f"/v2.0/agents/{agent['id']}"

    def run(self) -> None:
        with self._client as client:
            while not (asked := client.get(f"{self._path}/dhcp-state")["dns_lookups"]):
                continue
            said = {"id": asked[0]["id"], **self._answer(asked[0]["questions"])}
            client.post(f"{self._path}/dns-answer", json={"dns_answer": said})


def known(questions: list[str]) -> Mapping[str, Any]:
    def code(records: list[str]) -> str:
        return "NOERROR" if records else "NXDOMAIN"

    return {
        "answers": [
            {"question": one, "code": code(ANSWERS[one]), "records": ANSWERS[one]}
            for one in questions
        ]
    }


def test_what_differs_is_in_the_note_and_ends_with_status_one(site: Ipam, api: LiveApi) -> None:
    agent = Agent(api, known)
    agent.start()
    told = site("dns", "list", "--on", "node-7", "-f", "json")
    agent.join()
    assert told.status == 1
    notes = {row["Address"]: row["Note"] for row in json.loads(told.out)}
    assert notes == {
        "10.0.0.5": "",
        "10.0.0.6": "db.lab.example is 10.0.0.99 on node-7; db is NXDOMAIN on node-7",
    }


def test_a_look_up_of_what_is_right_ends_well(site: Ipam, api: LiveApi) -> None:
    agent = Agent(api, known)
    agent.start()
    told = site("dns", "lookup", "10.0.0.5", "--on", "node-7", "-f", "json")
    agent.join()
    assert told.status == 0, told.err
    assert [row["Note"] for row in json.loads(told.out)] == [""]


def test_what_an_agent_cannot_do_is_said(
    site: Ipam, api: LiveApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = Agent(api, lambda _questions: {"trouble": "The network has no resolver here."})
    agent.start()
    told = site("dns", "lookup", "web", "--on", "node-7")
    agent.join()
    assert (told.status, told.err) == (1, "ipam: The network has no resolver here.\n")
    monkeypatch.setattr(dns_on_host, "PATIENCE_SECONDS", 0.1)
    told = site("dns", "lookup", "web", "--on", "node-7")
    assert told.status == 1
    assert "has not answered" in told.err
    told = site("dns", "lookup", "web", "--on", "node-8")
    assert told.status == 1
    assert "No agent of a host named 'node-8'" in told.err

"""Who answers machines behind an uplink, and who will, as the commands say it."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update

from ipam import model, settings
from ipam.client import Client
from ipam.store import tables
from ipam.store.engine.database import Database
from tests.cli.conftest import Ipam, parsed
from tests.servers.live_api import LiveApi

Json = dict[str, Any]
FACTS: Json = {"interface_mappings": {"physnet1": "eth1"}, "answers_uplinks": True}
WAIT = ("port", "wait", "bare-1", "--timeout", "0.1")


@pytest.fixture
def lan(local: Ipam) -> Ipam:
    """A network behind uplinks, with the port of a machine that is on no host."""
    flat = ("--provider-network-type", "flat", "--provider-physical-network", "physnet1")
    for words in (
        ("network", "create", "lan", *flat),
        ("subnet", "create", "--network", "lan", "--subnet-range", "10.0.0.0/24"),
        ("port", "create", "--network", "lan", "bare-1"),
    ):
        assert local(*words).status == 0
    return local


@pytest.fixture
def agent(api: LiveApi) -> Callable[[], Json]:
    """An agent that reports, looks, and so is elected."""

    def look() -> Json:
        body = {"host": "node-7", "started_at": int(time.time()), "configurations": FACTS}
        with Client(socket_path=api.socket) as client:
            found: Json = client.post("/v2.0/agents", json={"agent": body})["agent"]
            client.get(f"/v2.0/agents/{found['id']}/dhcp-state")
            return found

    return look


def test_a_machine_behind_an_uplink_says_who_answers_it_or_why_nobody_does(
    lan: Ipam, agent: Callable[[], Json], api: LiveApi
) -> None:
    waited = lan(*WAIT)
    assert waited.status == 1
    assert "no agent is elected to answer it: none that is alive reaches its network" in waited.err
    for kind, name in (("network", "lan"), ("port", "bare-1")):
        assert "elected_agent" not in parsed(lan(kind, "show", name, "-f", "json"))
    agent_id = agent()["id"]
    network, port = (
        parsed(lan(kind, "show", name, "-f", "json"))
        for kind, name in (("network", "lan"), ("port", "bare-1"))
    )
    for one in (network, port):
        assert one["elected_agent"].startswith("node-7 since 20")
    assert parsed(lan("agent", "show", "node-7", "-f", "json"))["elected_for"] == [network["id"]]
    assert "alive on node-7 but has not reported it ready" in lan(*WAIT).err
    ready = {"ports": [{one: port[one] for one in ("id", "revision_number")}]}
    with Client(socket_path=api.socket) as client:
        client.post(f"/v2.0/agents/{agent_id}/ready-ports", json=ready)
    waited = lan(*WAIT)
    assert waited.status == 0
    assert "Its machine is answered by node-7 since 20" in waited.err


def test_one_that_has_to_wait_for_its_predecessor_says_until_when(
    lan: Ipam, agent: Callable[[], Json], api: LiveApi
) -> None:
    agent()
    begins = int(time.time()) + 1000
    database = Database(settings.load([api.config_file]).database.connection)
    later = update(tables.elected_agent).values(opens_at=begins)
    database.write(lambda tx: tx.execute(later).rowcount)
    database.dispose()
    assert (
        f"Host node-7 is elected to answer it, and begins at {model.iso_time(begins)}: the host"
        " before may answer until then." in lan(*WAIT).err
    )

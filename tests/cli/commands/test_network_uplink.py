"""`ipam network create --uplink`: one machine with a LAN, by what its agent says."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ipam.client import Client
from tests.cli.conftest import Ipam, parsed
from tests.servers.live_api import LiveApi

UPLINKS = {
    "eth0": {"mtu": 1500, "fault": "The host itself uses eth0: it has the address 192.0.2.1/24."},
    "eth1": {"mtu": 1500, "fault": ""},
    "eth2": {"mtu": 1400, "fault": ""},
    "eth3": {"mtu": 1500, "fault": ""},
    "br0": {"mtu": 1500, "fault": "br0 is a bridge: name it in [agent] bridge_mappings."},
    "br1": {"mtu": 1500, "fault": "br1 is a bridge: name it in [agent] bridge_mappings."},
}
SAID: dict[str, Any] = {
    "uplinks": UPLINKS,
    "interface_mappings": {"physnet3": "eth3"},
    "bridge_mappings": {"physnet1": "br1"},
    "tunnel_types": [],
}


@pytest.fixture
def client(api: LiveApi) -> Iterator[Client]:
    with Client(socket_path=api.socket) as client:
        report(client, "node-7", SAID)
        yield client


def report(client: Client, host: str, said: dict[str, Any]) -> None:
    agent = {"host": host, "started_at": 1, "configurations": said}
    client.post("/v2.0/agents", json={"agent": agent})


@pytest.mark.parametrize(
    ("interface", "physical"),
    [("eth1", "node-7:eth1"), ("eth3", "physnet3"), ("br1", "physnet1")],
)
def test_it_is_flat_on_what_the_settings_map_or_on_the_interface_itself(
    local: Ipam, client: Client, interface: str, physical: str
) -> None:
    made = parsed(local("network", "create", "lan", "--uplink", interface, "-f", "json"))
    assert made["provider:network_type"] == "flat"
    assert made["provider:physical_network"] == physical
    port = {"network_id": made["id"], "binding:host_id": "node-7"}
    bound = client.post("/v2.0/ports", json={"port": port})["port"]
    assert bound["binding:vif_type"] == "tap"
    again = local("network", "create", "lan2", "--uplink", interface)
    assert again.status == 1
    assert f"Physical network {physical} is in use" in again.err


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["--uplink", "eth0"], 1, "On node-7: The host itself uses eth0: it has the address"),
        (["--uplink", "br0"], 1, "On node-7: br0 is a bridge"),
        (["--uplink", "eth9"], 1, "no interface eth9 to be an uplink"),
        (["--uplink", "eth9"], 1, "These could be: eth1, eth2, eth3."),
        (["--uplink", "eth2", "--mtu", "1500"], 1, "or say --mtu 1400"),
        (["--uplink", "eth1", "--host", "node-8"], 1, "No agent has reported on host node-8"),
        (["--uplink", "eth1", "--provider-network-type", "flat"], 2, "leave one out"),
        (["--host", "node-7"], 2, "name that, too"),
    ],
)
def test_what_cannot_be_is_refused_with_the_remedy_and_makes_nothing(
    local: Ipam, client: Client, words: list[str], status: int, sentence: str
) -> None:
    refused = local("network", "create", "lan", *words)
    assert refused.status == status
    assert sentence in refused.err
    assert client.get("/v2.0/networks")["networks"] == []


def test_a_smaller_uplink_gives_the_network_its_mtu(local: Ipam, client: Client) -> None:
    made = local("network", "create", "lan", "--uplink", "eth2", "-f", "json")
    assert json.loads(made.out)["mtu"] == 1400
    assert "Its MTU is 1400, as that of eth2" in made.err


def test_of_several_hosts_one_is_named_and_no_other_reaches_the_network(
    local: Ipam, client: Client
) -> None:
    report(client, "node-8", SAID)
    refused = local("network", "create", "lan", "--uplink", "eth1")
    assert refused.status == 2
    assert "There are 2 hosts (node-7, node-8)" in refused.err
    words = ("--uplink", "eth1", "--host", "node-8", "-f", "json")
    made = parsed(local("network", "create", "lan", *words))
    assert made["provider:physical_network"] == "node-8:eth1"
    port = {"network_id": made["id"], "binding:host_id": "node-7"}
    bound = client.post("/v2.0/ports", json={"port": port})["port"]
    assert bound["binding:vif_type"] == "binding_failed"


def test_without_an_agent_nothing_is_made(local: Ipam) -> None:
    refused = local("network", "create", "lan", "--uplink", "eth1")
    assert refused.status == 1
    assert "No agent has reported yet" in refused.err

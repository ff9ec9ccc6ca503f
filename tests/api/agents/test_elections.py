"""Which agent answers machines behind an uplink: one that lives and reaches the network."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import update

from ipam.store.engine.database import Database
from ipam.store.tables import agent as agent_table
from ipam.worker import housekeeping
from tests.api.caller import Api

Json = dict[str, Any]
DOWN_SECONDS = 75
VLAN: Json = {"provider:network_type": "vlan", "provider:segmentation_id": 7}


def report(api: Api, host: str, *physical: str, able: bool = True, **more: Any) -> Json:
    said = {
        "interface_mappings": {name: f"eth{at}" for at, name in enumerate(physical)},
        "bridge_mappings": {},
        "tunnel_types": [],
        "answers_uplinks": able,
    }
    body = {"agent": {"host": host, "started_at": 1, "configurations": said} | more}
    answer = api.call("POST", "/agents", body)
    assert answer.status_code == 200, answer.text
    agent: Json = answer.json["agent"]
    return agent


def silence(database: Database, host: str, seconds: int = 2 * DOWN_SECONDS) -> None:
    at = int(time.time()) - seconds
    statement = update(agent_table).where(agent_table.c.host == host).values(heartbeat_at=at)
    database.write(lambda tx: tx.execute(statement).rowcount)


def lan(api: Api, **more: Any) -> Json:
    flat = {"provider:network_type": "flat", "provider:physical_network": "physnet1"}
    made = api.create("network", **flat | more)
    api.create("subnet", network_id=made["id"], cidr="10.0.0.0/24", ip_version=4)
    return made


def look(api: Api, agent: Json) -> set[str]:
    """The networks that the agent serves, after it looked."""
    answer = api.call("GET", f"/agents/{agent['id']}/dhcp-state")
    return {network["id"] for network in answer.json["networks"]}


def in_full(api: Api, agent: Json, network: Json) -> Json:
    look(api, agent)
    path = f"/agents/{agent['id']}/dhcp-state"
    found = api.call("GET", path, params={"network_id": network["id"]}).json["networks"]
    return dict(found[0]) if found else {}


def ports_of(api: Api, agent: Json, network: Json) -> set[str]:
    return {port["id"] for port in in_full(api, agent, network).get("ports", ())}


def elected(api: Api, network: Json) -> str | None:
    found = api.call("GET", "/elected-agents", params={"network_id": network["id"]}).json
    hosts = [one["host"] for one in found["elected_agents"]]
    return hosts[0] if hosts else None


def make_ready(api: Api, agent: Json, port: Json) -> None:
    now = api.show("port", port["id"])
    body = {"ports": [{"id": port["id"], "revision_number": now["revision_number"]}]}
    assert api.call("POST", f"/agents/{agent['id']}/ready-ports", body).json["ready"]


def status(api: Api, port: Json) -> str:
    return str(api.show("port", port["id"])["status"])


def test_one_agent_has_the_ports_that_no_agents_host_has(api_on_each: Api) -> None:
    api = api_on_each
    network = lan(api)
    a, b = report(api, "a", "physnet1"), report(api, "b", "physnet1")
    machine = api.create("port", network_id=network["id"], device_owner="baremetal:none")
    other = {"device_owner": "compute:nova", "binding:host_id": "ironic-7"}
    bound_to_nobody = api.create("port", network_id=network["id"], **other)
    guest = api.create("port", network_id=network["id"], **{"binding:host_id": "b"})
    mine = in_full(api, a, network)
    assert elected(api, network) == "a"
    assert {one["id"] for one in mine["ports"]} == {machine["id"], bound_to_nobody["id"]}
    assert mine["elected_seconds"] == DOWN_SECONDS
    theirs = in_full(api, b, network)
    assert {one["id"] for one in theirs["ports"]} == {guest["id"]}
    assert "elected_seconds" not in theirs
    report(api, "ironic-7", "physnet1")
    assert ports_of(api, a, network) == {machine["id"]}, "that host has an agent now"


def test_only_an_agent_that_reaches_the_network_and_could_answer_is_elected(
    api_on_each: Api,
) -> None:
    api = api_on_each
    flat, vlan = lan(api), lan(api, **VLAN)
    for agent in (
        report(api, "elsewhere", "physnet2"),
        report(api, "without-nftables", "physnet1", able=False),
        api.call("POST", "/agents", {"agent": {"host": "older", "started_at": 1}}).json["agent"],
    ):
        look(api, agent)
    assert elected(api, flat) is elected(api, vlan) is None
    look(api, report(api, "here", "physnet1"))
    assert elected(api, flat) == elected(api, vlan) == "here"


def test_a_network_of_one_hosts_interface_is_for_its_agent_alone(api_on_each: Api) -> None:
    api = api_on_each
    network = lan(api, **{"provider:physical_network": "a_1:eth5"})
    look(api, report(api, "ab1", "physnet1"))
    assert elected(api, network) is None
    a = report(api, "a_1", "physnet1")
    assert look(api, a) == {network["id"]}
    assert elected(api, network) == "a_1"
    served = api.call("GET", f"/networks/{network['id']}/dhcp-agents").json["agents"]
    assert [one["host"] for one in served] == ["a_1"], "it is scheduled there, too"


def test_when_it_dies_another_takes_over_and_when_it_returns_it_has_nothing(
    api_on_each: Api, database: Database
) -> None:
    api = api_on_each
    network = lan(api)
    a, b = report(api, "a", "physnet1"), report(api, "b", "physnet1")
    port = api.create("port", network_id=network["id"])
    look(api, a)
    make_ready(api, a, port)
    assert status(api, port) == "ACTIVE"
    silence(database, "a")
    assert ports_of(api, b, network) == {port["id"]}
    assert in_full(api, b, network)["elected_seconds"] == DOWN_SECONDS, "at once: a is closed"
    assert status(api, port) == "DOWN", "until b says that it answers"
    make_ready(api, b, port)
    report(api, "a", "physnet1")
    assert ports_of(api, a, network) == set()
    assert "elected_seconds" not in in_full(api, a, network)
    assert elected(api, network) == "b"
    assert status(api, port) == "ACTIVE"


def test_whoever_takes_over_from_a_living_agent_begins_when_that_one_has_ended(
    api_on_each: Api, database: Database
) -> None:
    api = api_on_each
    a, b = report(api, "a", "physnet1"), report(api, "b", "physnet1")
    by_host = {}
    for agent, more in ((a, {}), (b, VLAN)):
        by_host[agent["host"]] = lan(api, **more)
        look(api, agent)
        assert elected(api, by_host[agent["host"]]) == agent["host"], "it is scheduled there"
    api.call("PUT", f"/agents/{a['id']}", {"agent": {"admin_state_up": False}})
    assert "elected_seconds" not in in_full(api, b, by_host["a"]), "a may still answer"
    assert elected(api, by_host["a"]) == "b"
    found = api.call("GET", "/elected-agents", params={"host": "b"}).json["elected_agents"]
    waits = [one for one in found if one["network_id"] == by_host["a"]["id"]]
    assert waits[0]["answers_from"] > waits[0]["elected_at"]
    assert in_full(api, b, by_host["b"])["elected_seconds"] == DOWN_SECONDS


def test_an_agent_that_says_it_reaches_a_network_no_more_loses_it(api_on_each: Api) -> None:
    api = api_on_each
    network = lan(api)
    a, b = report(api, "a", "physnet1"), report(api, "b", "physnet1")
    look(api, a)
    report(api, "a", "physnet2")
    assert elected(api, network) == "b"
    report(api, "b", "physnet1", able=False)
    assert elected(api, network) is None
    look(api, b)
    assert elected(api, network) is None


def test_an_admin_takes_a_network_from_the_agent_that_is_elected(api_on_each: Api) -> None:
    api = api_on_each
    network = lan(api)
    a, b = report(api, "a", "physnet1"), report(api, "b", "physnet1")
    look(api, a)
    path = f"/agents/{a['id']}/dhcp-networks/{network['id']}"
    assert api.call("DELETE", path).status_code == 204
    assert elected(api, network) == "b"
    look(api, a)
    assert elected(api, network) == "b"
    assert api.call("DELETE", f"/agents/{b['id']}").status_code == 204
    look(api, a)
    assert elected(api, network) is None, "nobody else may"


def test_with_nobody_left_the_machines_ports_are_down(
    api_on_each: Api, database: Database
) -> None:
    api = api_on_each
    network, a = lan(api), report(api, "a", "physnet1")
    port = api.create("port", network_id=network["id"])
    look(api, a)
    make_ready(api, a, port)
    assert housekeeping.elect(database, agent_down_time=DOWN_SECONDS) == 0
    silence(database, "a")
    assert housekeeping.elect(database, agent_down_time=DOWN_SECONDS) == 1
    assert elected(api, network) is None
    assert status(api, port) == "DOWN"
    report(api, "a", "physnet1")
    assert ports_of(api, a, network) == {port["id"]}


def test_of_many_that_look_at_once_one_is_elected(api_on_each: Api) -> None:
    api = api_on_each
    network = lan(api)
    agents = [report(api, f"host-{at}", "physnet1") for at in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda one: look(api, one), agents))
    having = [a for a in agents if "elected_seconds" in in_full(api, a, network)]
    assert [one["host"] for one in having] == [elected(api, network)]


def test_local_and_vxlan_networks_have_no_election(api: Api) -> None:
    a = report(api, "a", "physnet1")
    for kind in ({}, {"provider:network_type": "vxlan", "provider:segmentation_id": 7}):
        network = api.create("network", **kind)
        api.create("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
        port = api.create("port", network_id=network["id"])
        assert ports_of(api, a, network) == {port["id"]}, "it is scheduled to the agent"
        assert elected(api, network) is None

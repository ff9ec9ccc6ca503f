"""Which agents serve which networks: by admins, by zone, and by switching agents off."""

from typing import Any

import pytest
from sqlalchemy import event

from ipam.store.engine.database import Database
from tests.api.caller import Api


def report(api: Api, host: str, zone: str | None = "nova") -> dict[str, Any]:
    body = {"agent": {"host": host, "started_at": 1, "availability_zone": zone}}
    answer = api.call("POST", "/agents", body)
    assert answer.status_code == 200, answer.text
    agent: dict[str, Any] = answer.json["agent"]
    return agent


def look(api: Api, agent: dict[str, Any]) -> set[str]:
    """What the agent serves, after it looked."""
    answer = api.call("GET", f"/agents/{agent['id']}/dhcp-state")
    return {network["id"] for network in answer.json["networks"]}


def give(api: Api, agent: dict[str, Any], network: dict[str, Any]) -> None:
    path = f"/agents/{agent['id']}/dhcp-networks"
    answer = api.call("POST", path, {"network_id": network["id"]})
    assert (answer.status_code, answer.json) == (201, None)


def served_by(api: Api, network: dict[str, Any]) -> list[str]:
    answer = api.call("GET", f"/networks/{network['id']}/dhcp-agents")
    return [agent["host"] for agent in answer.json["agents"]]


def serves(api: Api, agent: dict[str, Any]) -> list[str]:
    answer = api.call("GET", f"/agents/{agent['id']}/dhcp-networks")
    return [network["id"] for network in answer.json["networks"]]


def with_dhcp(api: Api, **attributes: Any) -> dict[str, Any]:
    network = api.create("network", **attributes)
    api.create("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
    return network


def test_an_admin_gives_a_network_to_an_agent_and_takes_it_away(api_on_each: Api) -> None:
    api = api_on_each
    agent, network = report(api, "node-1"), api.create("network")
    give(api, agent, network)
    assert served_by(api, network) == ["node-1"]
    assert serves(api, agent) == [network["id"]]
    path = f"/agents/{agent['id']}/dhcp-networks"
    body = {"network_id": network["id"]}
    api.refused(409, "NetworkHostedByDHCPAgent", "POST", path, body)
    assert api.call("DELETE", f"{path}/{network['id']}").status_code == 204
    assert serves(api, agent) == served_by(api, network) == []
    api.refused(409, "NetworkNotHostedByDhcpAgent", "DELETE", f"{path}/{network['id']}")


def test_a_network_that_was_taken_away_goes_to_another_agent_or_to_none(
    api_on_each: Api,
) -> None:
    api = api_on_each
    first, network = report(api, "node-1"), with_dhcp(api)
    assert look(api, first) == {network["id"]}
    api.call("DELETE", f"/agents/{first['id']}/dhcp-networks/{network['id']}")
    assert look(api, first) == set()
    second = report(api, "node-2")
    assert look(api, second) == {network["id"]}
    give(api, first, network)
    assert look(api, first) == {network["id"]}
    assert served_by(api, network) == ["node-1", "node-2"]


def test_an_agent_that_is_switched_off_has_no_networks(api_on_each: Api) -> None:
    api = api_on_each
    first, network = report(api, "node-1"), with_dhcp(api)
    look(api, first)
    api.update("agent", first["id"], admin_state_up=False)
    assert serves(api, first) == []
    path, body = f"/agents/{first['id']}/dhcp-networks", {"network_id": network["id"]}
    api.refused(404, "InvalidDHCPAgent", "POST", path, body)
    assert look(api, report(api, "node-2")) == {network["id"]}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_agent_that_is_not_there_serves_nothing(
    api: Api, network: dict[str, Any], method: str
) -> None:
    body = {"network_id": network["id"]} if method == "POST" else None
    path = f"/agents/{network['id']}/dhcp-networks"
    api.refused(404, "AgentNotFound", method, path, body)
    api.refused(404, "NetworkNotFound", "GET", "/networks/x/dhcp-agents")


def test_a_network_goes_to_an_agent_of_its_zones(api_on_each: Api) -> None:
    api = api_on_each
    east, west = report(api, "east-1", "east"), report(api, "west-1", "west")
    network = with_dhcp(api, availability_zone_hints=["west"])
    assert network["availability_zone_hints"] == ["west"]
    assert network["availability_zones"] == []
    assert look(api, east) == set()
    assert look(api, west) == {network["id"]}
    assert api.show("network", network["id"])["availability_zones"] == ["west"]


def test_a_network_of_a_hosts_interface_goes_to_the_agent_of_that_host(api_on_each: Api) -> None:
    api = api_on_each
    others = [report(api, host) for host in ("node-1", "1%", "NODE-1%")]
    own = report(api, "node-1%")
    physical = {"provider__network_type": "flat", "provider__physical_network": "node-1%:eth1"}
    network = with_dhcp(api, **physical)
    assert [look(api, other) for other in others] == [set(), set(), set()]
    assert look(api, own) == {network["id"]}


def test_the_case_of_a_zone_counts(api_on_each: Api) -> None:
    api = api_on_each
    report(api, "a", "Zone")
    small = report(api, "b", "zone")
    with_dhcp(api, availability_zone_hints=["Zone"])
    assert look(api, small) == set()


def test_a_zone_without_agents_is_refused(api: Api) -> None:
    report(api, "node-1", "east")
    body = {"network": {"availability_zone_hints": ["east", "west"]}}
    message = api.refused(404, "AvailabilityZoneNotFound", "POST", "/networks", body)
    assert message == "AvailabilityZone west could not be found."
    for hints in (["a,b"], [""], "east", ["x" * 65]):
        bad = {"network": {"availability_zone_hints": hints}}
        api.refused(400, "HTTPBadRequest", "POST", "/networks", bad)
    many = {"network": {"availability_zone_hints": [f"z{n}" for n in range(13)]}}
    api.refused(400, "HTTPBadRequest", "POST", "/networks", many)


def test_zones_are_those_of_the_agents(api_on_each: Api) -> None:
    api = api_on_each
    report(api, "a", "east")
    report(api, "b", "east")
    report(api, "c", None)
    api.update("agent", report(api, "d", "west")["id"], admin_state_up=False)

    def zones(**filters: str) -> list[tuple[str, str, str]]:
        found = api.call("GET", "/availability_zones", params=filters).json
        return [(z["name"], z["resource"], z["state"]) for z in found["availability_zones"]]

    east, west = ("east", "network", "available"), ("west", "network", "unavailable")
    assert zones() == [east, west]
    assert zones(name="west") == zones(state="unavailable") == [west]
    assert zones(resource="router") == []
    assert zones(resource="network", name="east") == [east]


def test_zones_and_subnets_of_a_list_are_one_statement(api: Api, sqlite: Database) -> None:
    agent = report(api, "node-1")
    for _ in range(3):
        with_dhcp(api)
    look(api, agent)
    statements: list[str] = []

    def note(*arguments: Any) -> None:
        statements.append(arguments[2])

    event.listen(sqlite.engine, "before_cursor_execute", note)
    listed = api.list("network")
    event.remove(sqlite.engine, "before_cursor_execute", note)
    assert [each["availability_zones"] for each in listed] == [["nova"]] * 3
    assert len([s for s in statements if not s.startswith("BEGIN")]) == 2


def test_there_are_no_service_providers(api: Api) -> None:
    assert api.call("GET", "/service-providers").json == {"service_providers": []}

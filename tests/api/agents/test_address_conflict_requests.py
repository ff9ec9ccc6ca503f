"""All that is known of addresses of ports that other machines have."""

from typing import Any

import pytest

from ipam import clock, model
from ipam.rules.leases import LeaseEvent
from ipam.store.engine.database import Database
from ipam.store.leases.recording import record
from tests.api.agents.test_address_check_requests import SQUATTER, ask, tell
from tests.api.agents.test_dhcp_state_requests import Agent, with_subnet
from tests.api.caller import Api

Json = dict[str, Any]


def known(api: Api, **query: str) -> list[tuple[str, str | None, str, str]]:
    """Address, MAC address, kind and host."""
    answer = api.call("GET", "/address-conflicts", params=query)
    assert answer.status_code == 200, answer.text
    return [
        (one["ip_address"], one["mac_address"], one["kind"], one["host"])
        for one in answer.json["address_conflicts"]
    ]


def beat(agent: Agent, *conflicts: Any) -> None:
    configurations = {"conflicts": list(conflicts)}
    body = {"agent": {"host": agent.host, "started_at": 1, "configurations": configurations}}
    assert agent.api.call("POST", "/agents", body).status_code == 200


def seen(network: Json, address: str, mac: str = SQUATTER, **more: Any) -> Json:
    return {
        "network_id": network["id"],
        "ip_address": address,
        "mac_address": mac,
        "since": 1_700_000_000,
        "declined": False,
        **more,
    }


def port(api: Api, network: Json, address: str) -> Json:
    fixed_ips = [{"ip_address": address}]
    place = {"network_id": network["id"], "binding__host_id": "host-a"}
    return api.create("port", **place, fixed_ips=fixed_ips, name=f"of {address}")


def test_agents_checks_and_leases_tell_of_conflicts(api_on_each: Api, database: Database) -> None:
    api = api_on_each
    network, agent = with_subnet(api), Agent(api)
    ports = [port(api, network, f"10.0.0.{number}") for number in (5, 6, 7, 8)]
    assert known(api) == []
    beat(agent, seen(network, "10.0.0.5"), seen(network, "10.0.0.6", "", declined=True))
    check = ask(api, network["id"], "10.0.0.7", "10.0.0.99")
    machines = [
        {"ip_address": address, "mac_address": mac}
        for address, mac in (
            ("10.0.0.7", SQUATTER),
            ("10.0.0.7", ports[2]["mac_address"]),
            ("10.0.0.99", SQUATTER),  # of no port
        )
    ]
    tell(agent, check, *machines)
    begun = LeaseEvent(
        id=model.new_id(),
        network_id=network["id"],
        host="host-a",
        action="add",
        ip_address=model.pack("10.0.0.8"),
        occurred_at_us=clock.now_microseconds(),
        mac_address=SQUATTER,
        expires_at=clock.now_seconds() + 3600,
    )
    record(database, [begun])
    assert known(api) == [
        ("10.0.0.5", SQUATTER, "answered", "host-a"),
        ("10.0.0.6", None, "declined", "host-a"),
        ("10.0.0.7", SQUATTER, "answered", "host-a"),
        ("10.0.0.8", SQUATTER, "leased", "host-a"),
    ]
    other = with_subnet(api)
    assert known(api, network_id=other["id"]) == []
    assert len(known(api, network_id=network["id"])) == 4


def test_a_conflict_is_over_when_nobody_says_it_any_more(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, agent = with_subnet(api), Agent(api)
    mine = port(api, network, "10.0.0.5")
    beat(agent, seen(network, "10.0.0.5"))
    assert len(known(api)) == 1
    api.update("port", mine["id"], mac_address=SQUATTER)
    assert known(api) == [], "the port has that MAC address now"
    api.update("port", mine["id"], mac_address="52:54:00:00:00:77")
    assert len(known(api)) == 1
    now = clock.now_seconds()
    monkeypatch.setattr(clock, "now_seconds", lambda: now + 3600)
    assert known(api) == [], "its agent is dead"


def test_a_port_that_gave_the_address_back_has_no_conflict(api: Api) -> None:
    network, agent = with_subnet(api), Agent(api)
    mine = port(api, network, "10.0.0.5")
    beat(agent, seen(network, "10.0.0.5"))
    api.delete("port", mine["id"])
    assert known(api) == []


@pytest.mark.parametrize(
    "odd",
    [
        {"ip_address": "nobody"},
        {"mac_address": "x"},
        {"since": 10**30},
        {"since": "now"},
        {"network_id": 5},
    ],
)
def test_what_an_agent_says_oddly_is_left_out(api: Api, odd: Json) -> None:
    network, agent = with_subnet(api), Agent(api)
    port(api, network, "10.0.0.5")
    beat(agent, seen(network, "10.0.0.5") | odd)
    assert known(api) == []


def test_a_network_that_is_no_id_is_refused(api: Api) -> None:
    assert api.call("GET", "/address-conflicts", params={"network_id": "x"}).status_code == 400

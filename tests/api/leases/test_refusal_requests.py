"""Machines that DHCP did not answer: told by agents, seen by the network's owner."""

from typing import Any

import pytest

from ipam import clock
from ipam.api.app import create_app
from ipam.identity.caller import Caller
from ipam.settings import Settings
from ipam.store.dhcp_refusals import MOST_OF_A_HOST
from ipam.store.engine.database import Database
from ipam.worker import housekeeping
from tests.api.agents.test_dhcp_state_requests import NOWHERE, Agent, with_subnet
from tests.api.caller import Api

MAC = "fa:16:3e:00:00:01"


@pytest.fixture
def site(api_on_each: Api) -> Api:
    return api_on_each


def refusal(network: dict[str, Any], client: str = MAC, **more: Any) -> dict[str, Any]:
    return {
        "network_id": network["id"],
        "client": client,
        "reason": "no address available",
        "ip_address": "10.0.0.9",
        "count": 3,
        "first_at": 1_700_000_000,
        "last_at": 1_700_000_007,
    } | more


def tell(agent: Agent, *refusals: dict[str, Any]) -> int:
    body = {"dhcp_refusals": list(refusals)}
    result = agent.api.call("POST", f"/agents/{agent.id}/dhcp-refusals", body)
    assert result.status_code == 200, result.text
    recorded: int = result.json["recorded"]
    return recorded


def listed(api: Api, **params: Any) -> list[dict[str, Any]]:
    result = api.call("GET", "/dhcp-refusals", params=params)
    assert result.status_code == 200, result.text
    found: list[dict[str, Any]] = result.json["dhcp_refusals"]
    return found


def test_a_machine_is_listed_with_where_why_and_how_often(site: Api) -> None:
    network, agent = with_subnet(site), Agent(site)
    assert tell(agent, refusal(network)) == 1
    (found,) = listed(site)
    assert (found["client"], found["host"], found["network_id"]) == (MAC, "host-a", network["id"])
    assert (found["reason"], found["ip_address"]) == ("no address available", "10.0.0.9")
    assert (found["count"], found["first_at"]) == (3, "2023-11-14T22:13:20Z")
    assert found["last_at"] == "2023-11-14T22:13:27Z"
    assert site.call("GET", f"/dhcp-refusals/{found['id']}").json["dhcp_refusal"] == found


def test_what_is_told_anew_takes_the_place_of_what_was_told(site: Api) -> None:
    network, agent, other = with_subnet(site), Agent(site), Agent(site, "host-b")
    tell(agent, refusal(network))
    (before,) = listed(site)
    tell(agent, refusal(network, count=4), refusal(network, count=5, last_at=1_700_000_009))
    tell(other, refusal(network))
    counts = {one["host"]: (one["id"], one["count"]) for one in listed(site)}
    assert counts["host-a"] == (before["id"], 5)
    assert counts["host-b"][1] == 3
    assert [one["host"] for one in listed(site, host="host-b")] == ["host-b"]
    assert len(listed(site, client=MAC, network_id=network["id"])) == 2
    assert listed(site, client="fa:16:3e:00:00:02") == []


def test_the_tap_is_kept_until_another_is_told(site: Api) -> None:
    network, agent = with_subnet(site), Agent(site)
    tell(agent, refusal(network))
    assert [one["tap"] for one in listed(site)] == [""]
    tell(agent, refusal(network, tap="tap1"))
    tell(agent, refusal(network, count=9))
    (found,) = listed(site, tap="tap1")
    assert found["count"] == 9
    tell(agent, refusal(network, tap="tap2"))
    assert [one["tap"] for one in listed(site)] == ["tap2"]


def test_a_network_keeps_only_the_latest_of_each_host(site: Api) -> None:
    network, agent = with_subnet(site), Agent(site)
    flood = [
        refusal(network, f"02:00:00:00:{number // 256:02x}:{number % 256:02x}", last_at=number)
        for number in range(MOST_OF_A_HOST + 30)
    ]
    assert tell(agent, *flood) == len(flood)
    times = [one["last_at"] for one in listed(site, sort_key="last_at", sort_dir="asc")]
    assert len(times) == MOST_OF_A_HOST
    assert times[0] == "1970-01-01T00:00:30Z"


def test_it_goes_with_its_network_and_with_time(site: Api, database: Database) -> None:
    network, agent = with_subnet(site), Agent(site)
    tell(agent, refusal(network))
    assert tell(agent, refusal({"id": NOWHERE})) == 0
    assert housekeeping.forget_refusals(database) == 1
    assert listed(site) == []
    tell(agent, refusal(network, last_at=clock.now_seconds()))
    assert housekeeping.forget_refusals(database) == 0
    site.delete("network", network["id"])
    assert listed(site) == []


def test_a_network_s_refusals_are_its_owners_business(
    settings: Settings, sqlite: Database
) -> None:
    def by(user: str, project: str, role: str) -> Api:
        caller = Caller(user, project, role)
        return Api(create_app(settings, authenticate=lambda _environ: caller, database=sqlite))

    admin, owner, stranger = (
        by("ada", "cloud", "admin"),
        by("rita", "alpha", "reader"),
        by("bob", "beta", "member"),
    )
    network = by("alice", "alpha", "member").create("network")
    tell(Agent(admin), refusal(network))
    assert [len(listed(one)) for one in (admin, owner, stranger)] == [1, 1, 0]
    (found,) = listed(admin)
    assert stranger.call("GET", f"/dhcp-refusals/{found['id']}").status_code == 404


def test_what_is_odd_is_refused(api: Api) -> None:
    network, agent = with_subnet(api), Agent(api)
    for odd in ({"client": "x y"}, {"client": ""}, {"count": -1}, {"last_at": 2**60}):
        body = {"dhcp_refusals": [refusal(network) | odd]}
        answer = api.call("POST", f"/agents/{agent.id}/dhcp-refusals", body)
        assert answer.status_code == 400, (odd, answer.text)

"""Somebody asks who uses addresses, and the agents of the network's hosts answer."""

from typing import Any

import pytest

from ipam import clock
from ipam.store import address_checks
from ipam.store.engine.database import Database
from ipam.worker import housekeeping
from tests.api.agents.test_dhcp_state_requests import NOWHERE, Agent, with_subnet
from tests.api.caller import Api

Json = dict[str, Any]
SQUATTER = "52:54:00:00:00:01"
IN_USE = {"ip_address": "10.0.0.9", "mac_address": SQUATTER}


def ask(api: Api, network_id: str, *addresses: str) -> Json:
    body = {"address_check": {"ip_addresses": list(addresses)}}
    result = api.call("POST", f"/networks/{network_id}/address-checks", body)
    assert result.status_code == 202, result.text
    found: Json = result.json["address_check"]
    return found


def shown(api: Api, check: Json) -> Json:
    path = f"/networks/{check['network_id']}/address-checks/{check['id']}"
    found: Json = api.call("GET", path).json["address_check"]
    return found


def asked(agent: Agent) -> list[Json]:
    found: list[Json] = agent.api.call("GET", agent.path).json["address_checks"]
    return found


def tell(agent: Agent, check: Json, *machines: Json, trouble: str = "") -> int:
    answer = {"id": check["id"], "machines": list(machines), "trouble": trouble}
    path = f"/agents/{agent.id}/address-checks"
    return agent.api.call("POST", path, {"address_check": answer}).status_code


def test_each_living_agent_that_has_the_network_answers_once(api_on_each: Api) -> None:
    api = api_on_each
    network = with_subnet(api)
    here, there, elsewhere = Agent(api), Agent(api, "host-b"), Agent(api, "host-c")
    for host in ("host-a", "host-b"):
        api.create("port", network_id=network["id"], binding__host_id=host)
    check = ask(api, network["id"], "10.0.0.9", "10.0.0.9", "2001:DB8::1")
    assert check["hosts"] == ["host-a", "host-b"]
    assert check["ip_addresses"] == ["10.0.0.9", "2001:db8::1"]
    question = {name: check[name] for name in ("id", "network_id", "ip_addresses")}
    assert (asked(here), asked(there), asked(elsewhere)) == ([question], [question], [])
    assert tell(here, check, IN_USE) == 204
    assert (asked(here), asked(there)) == ([], [question])
    assert tell(there, check, trouble="no such device") == 204
    assert tell(elsewhere, check, IN_USE) == 204  # and nobody listens
    assert shown(api, check)["answers"] == [
        {"host": "host-a", "machines": [IN_USE], "trouble": ""},
        {"host": "host-b", "machines": [], "trouble": "no such device"},
    ]


def test_questions_at_once_do_not_disturb_each_other(api: Api) -> None:
    network, agent = with_subnet(api), Agent(api)
    api.create("port", network_id=network["id"], binding__host_id="host-a")
    first, second = (ask(api, network["id"], one) for one in ("10.0.0.8", "10.0.0.9"))
    assert {one["id"] for one in asked(agent)} == {first["id"], second["id"]}
    tell(agent, second, IN_USE)
    tell(agent, first)
    assert shown(api, second)["answers"][0]["machines"] == [IN_USE]
    assert shown(api, first)["answers"][0]["machines"] == []


def test_many_questions_about_a_network_let_no_other_wait(
    api_on_each: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = api_on_each
    monkeypatch.setattr(address_checks, "MOST_LOOKED_AT", 4)
    agent, flooded, other = Agent(api), with_subnet(api), with_subnet(api)
    for network in (flooded, other):
        api.create("port", network_id=network["id"], binding__host_id="host-a")
    many = [ask(api, flooded["id"], f"10.0.0.{n}")["id"] for n in range(9, 15)]
    late = ask(api, other["id"], "10.0.0.9")["id"]
    found = [one["id"] for one in asked(agent)]
    assert len(found) == 4
    assert late in found[:2]
    assert set(found) - {late} < set(many)


def test_a_question_is_news_to_an_agent_that_asks_whether_anything_is(api: Api) -> None:
    network, agent = with_subnet(api), Agent(api)
    api.create("port", network_id=network["id"], binding__host_id="host-a")
    etag = api.call("GET", agent.path).headers["etag"]
    assert api.call("GET", agent.path, headers={"If-None-Match": etag}).status_code == 304
    ask(api, network["id"], "10.0.0.9")
    assert api.call("GET", agent.path, headers={"If-None-Match": etag}).status_code == 200


def test_nobody_is_asked_where_no_agent_has_the_network(api: Api) -> None:
    Agent(api)
    network = api.create("network")
    assert ask(api, network["id"], "10.0.0.9")["hosts"] == []


def test_a_question_is_open_for_a_minute_and_kept_for_a_day(
    api_on_each: Api, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = api_on_each
    network, agent = with_subnet(api), Agent(api)
    api.create("port", network_id=network["id"], binding__host_id="host-a")
    check = ask(api, network["id"], "10.0.0.9")
    assert housekeeping.forget_checks(database) == 0
    now = clock.now_seconds()
    monkeypatch.setattr(clock, "now_seconds", lambda: now + 61)
    assert asked(agent) == []
    monkeypatch.setattr(clock, "now_seconds", lambda: now + clock.SECONDS_PER_DAY + 1)
    assert housekeeping.forget_checks(database) == 1
    path = f"/networks/{network['id']}/address-checks/{check['id']}"
    api.refused(404, "AddressCheckNotFound", "GET", path)


@pytest.mark.parametrize("addresses", [["10.0.0.9"] * 101, ["nobody"], None])
def test_an_odd_question_is_refused(api: Api, addresses: Any) -> None:
    network = with_subnet(api)
    body = {"address_check": {"ip_addresses": addresses}}
    path = f"/networks/{network['id']}/address-checks"
    assert api.call("POST", path, body).status_code == 400


def test_a_network_that_is_not_there_is_not_found(api: Api) -> None:
    body = {"address_check": {"ip_addresses": ["10.0.0.9"]}}
    path = f"/networks/{NOWHERE}/address-checks"
    api.refused(404, "NetworkNotFound", "POST", path, body)


def test_an_answer_of_odd_form_is_refused(api: Api) -> None:
    agent = Agent(api)
    for odd in ({"id": NOWHERE, "machines": [{"ip_address": "x"}]}, {"id": "x"}, {}):
        body = {"address_check": odd}
        assert api.call("POST", f"/agents/{agent.id}/address-checks", body).status_code == 400

"""Somebody asks what a port's machine would get, and the agents that serve it answer."""

from typing import Any

import pytest

from ipam.api.app import create_app
from ipam.identity.caller import Caller
from ipam.settings import Settings
from ipam.store import port_probes
from ipam.store.engine.database import Database
from tests.api.agents import test_elections as elections
from tests.api.agents.test_dhcp_state_requests import NOWHERE, Agent, with_subnet
from tests.api.caller import Api

OFFER = {
    "server": "10.0.0.2",
    "address": "10.0.0.5",
    "prefix_length": 24,
    "lease_seconds": 3600,
    "options": [{"code": "3", "name": "router", "value": "10.0.0.1"}],
    "lacks": "",
}


@pytest.fixture
def site(api_on_each: Api) -> Api:
    return api_on_each


def ask(api: Api, port_id: str) -> dict[str, Any]:
    result = api.call("POST", f"/ports/{port_id}/probe")
    assert result.status_code == 202, result.text
    answer: dict[str, Any] = result.json
    found: dict[str, Any] = answer["probe"]
    return found


def shown(api: Api, port_id: str) -> dict[str, Any]:
    result = api.call("GET", f"/ports/{port_id}/probe")
    assert result.status_code == 200, result.text
    answer: dict[str, Any] = result.json["probe"]
    return answer


def asked(agent: Agent) -> list[dict[str, str]]:
    found: list[dict[str, str]] = agent.api.call("GET", agent.path).json["probes"]
    return found


def tell(agent: Agent, *answers: dict[str, Any]) -> list[str]:
    result = agent.api.call("POST", f"/agents/{agent.id}/probes", {"probes": list(answers)})
    assert result.status_code == 200, result.text
    taken: list[str] = result.json["probes"]
    return taken


def test_the_agent_of_the_ports_host_answers_once(site: Api) -> None:
    port = site.create("port", network_id=with_subnet(site)["id"], binding__host_id="host-a")
    agent, other = Agent(site), Agent(site, "host-b")
    assert asked(agent) == []
    question = ask(site, port["id"])
    assert question["answers"] == []
    assert shown(site, port["id"]) == question
    assert asked(agent) == [{"id": question["id"], "port_id": port["id"]}]
    assert asked(other) == []
    assert tell(agent, {"id": question["id"], "offers": [OFFER]}) == [question["id"]]
    assert asked(agent) == []
    (answer,) = shown(site, port["id"])["answers"]
    assert answer == {"host": "host-a", "offers": [OFFER], "trouble": ""}


def test_a_question_is_news_to_an_agent_that_asks_whether_anything_is(site: Api) -> None:
    port = site.create("port", network_id=with_subnet(site)["id"], binding__host_id="host-a")
    agent = Agent(site)
    etag = site.call("GET", agent.path).headers["etag"]
    same = site.call("GET", agent.path, headers={"If-None-Match": etag})
    assert same.status_code == 304
    ask(site, port["id"])
    assert site.call("GET", agent.path, headers={"If-None-Match": etag}).status_code == 200


def test_each_agent_that_serves_an_unbound_port_answers(site: Api) -> None:
    agents = Agent(site), Agent(site, "host-b")
    port = site.create("port", network_id=with_subnet(site)["id"])
    for agent in agents:
        agent.digests()
    question = ask(site, port["id"])
    serving = [agent for agent in agents if asked(agent)]
    assert serving
    for agent in serving:
        tell(agent, {"id": question["id"], "trouble": "busy"})
    hosts = [answer["host"] for answer in shown(site, port["id"])["answers"]]
    assert hosts == sorted(agent.host for agent in serving)


def test_of_a_machine_behind_an_uplink_the_elected_agent_answers(site: Api) -> None:
    network = elections.lan(site)
    port = site.create("port", network_id=network["id"], device_owner="baremetal:none")
    agents = {host: elections.report(site, host, "physnet1") for host in ("a", "b")}
    looks = {host: f"/agents/{one['id']}/dhcp-state" for host, one in agents.items()}
    for path in looks.values():
        site.call("GET", path)
    question = ask(site, port["id"])
    heard = {host for host, path in looks.items() if site.call("GET", path).json["probes"]}
    assert heard == {elections.elected(site, network)}
    (host,) = heard
    answers = {"probes": [{"id": question["id"], "offers": [OFFER]}]}
    taken = site.call("POST", f"/agents/{agents[host]['id']}/probes", answers).json["probes"]
    assert taken == [question["id"]]


def test_a_new_question_takes_the_place_of_the_last_one(site: Api) -> None:
    port = site.create("port", network_id=with_subnet(site)["id"], binding__host_id="host-a")
    agent = Agent(site)
    first, second = ask(site, port["id"]), ask(site, port["id"])
    assert first["id"] != second["id"]
    assert tell(agent, {"id": first["id"], "trouble": "late"}) == []
    assert shown(site, port["id"])["answers"] == []
    site.delete("port", port["id"])
    assert tell(agent, {"id": second["id"], "trouble": "gone"}) == []


def test_who_may_not_see_the_port_may_not_ask(settings: Settings, sqlite: Database) -> None:
    def by(user: str, project: str, role: str) -> Api:
        caller = Caller(user, project, role)
        return Api(create_app(settings, authenticate=lambda _environ: caller, database=sqlite))

    admin, owner = by("ada", "cloud", "admin"), by("alice", "alpha", "member")
    reader, stranger = by("rita", "alpha", "reader"), by("bob", "beta", "member")
    port = owner.create("port", network_id=with_subnet(owner)["id"])
    path = f"/ports/{port['id']}/probe"
    asking = [one.call("POST", path).status_code for one in (admin, owner, reader, stranger)]
    assert asking == [202, 202, 403, 404]
    looking = [one.call("GET", path).status_code for one in (admin, owner, reader, stranger)]
    assert looking == [200, 200, 200, 404]


def test_a_port_that_is_not_there_or_was_not_asked_about_is_not_found(api: Api) -> None:
    port = api.create("port", network_id=with_subnet(api)["id"])
    assert api.call("GET", f"/ports/{port['id']}/probe").status_code == 404
    for method in ("GET", "POST"):
        assert api.call(method, f"/ports/{NOWHERE}/probe").status_code == 404


def test_a_port_that_goes_while_it_is_asked_about_is_not_found(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = api.create("port", network_id=with_subnet(api)["id"])
    ask_now = port_probes.ask
    monkeypatch.setattr(port_probes, "ask", lambda tx, _port_id: ask_now(tx, NOWHERE))
    assert api.call("POST", f"/ports/{port['id']}/probe").status_code == 404


def test_an_answer_of_odd_form_is_refused(api: Api) -> None:
    agent = Agent(api)
    for odd in (
        {"probes": [{"id": NOWHERE, "offers": [{"server": "x" * 65}]}]},
        {"probes": [{"id": NOWHERE}] * 101},
        {},
    ):
        answer = api.call("POST", f"/agents/{agent.id}/probes", odd)
        assert answer.status_code == 400, answer.text

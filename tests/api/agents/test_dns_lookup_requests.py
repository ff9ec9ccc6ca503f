"""A question about names goes to its agent once, and its answer back."""

from typing import Any

import pytest

from ipam import clock
from ipam.store.agents import KEPT_SECONDS
from tests.api.agents.test_agent_requests import report
from tests.api.agents.test_dhcp_state_requests import NOWHERE, Agent, with_subnet
from tests.api.caller import Api

Json = dict[str, Any]


def ask(agent: Agent, network: Json, *questions: str) -> Json:
    body = {"dns_lookup": {"network_id": network["id"], "questions": list(questions)}}
    answer = agent.api.call("POST", f"/agents/{agent.id}/dns-lookup", body)
    assert answer.status_code == 202, answer.text
    found: Json = answer.json["dns_lookup"]
    return found


def waiting(agent: Agent) -> list[Json]:
    found: list[Json] = agent.api.call("GET", agent.path).json["dns_lookups"]
    return found


def answer(agent: Agent, lookup_id: str, **said: Any) -> None:
    body = {"dns_answer": {"id": lookup_id, **said}}
    assert agent.api.call("POST", f"/agents/{agent.id}/dns-answer", body).status_code == 204


def last(agent: Agent) -> Json:
    found: Json = agent.api.call("GET", f"/agents/{agent.id}/dns-lookup").json["dns_lookup"]
    return found


def test_a_question_waits_for_its_agent_until_it_is_answered(api_on_each: Api) -> None:
    network, agent = with_subnet(api_on_each), Agent(api_on_each)
    other = Agent(api_on_each, "host-b")
    first, asked = ask(agent, network, "db"), ask(agent, network, "web", "10.0.0.5")
    (told,) = waiting(agent)
    assert told == {
        "id": asked["id"],
        "network_id": network["id"],
        "questions": ["web", "10.0.0.5"],
    }
    assert waiting(other) == []
    answer(agent, first["id"], trouble="too late")
    assert last(agent)["answers"] is None
    said = [{"question": "web", "code": "NOERROR", "records": ["10.0.0.5"]}]
    answer(agent, asked["id"], answers=said)
    assert (last(agent)["answers"], last(agent)["trouble"]) == (said, "")
    assert waiting(agent) == []
    assert "dns_lookup" not in api_on_each.call("GET", f"/agents/{agent.id}").json["agent"]


def test_after_a_minute_nobody_waits_for_the_answer(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = Agent(api)
    ask(agent, with_subnet(api), "web")
    now = clock.now_seconds()
    monkeypatch.setattr(clock, "now_seconds", lambda: now + KEPT_SECONDS + 1)
    assert waiting(agent) == []
    report(api)
    path = f"/agents/{agent.id}/dns-lookup"
    api.refused(404, "DnsLookupNotFound", "GET", path)


@pytest.mark.parametrize("questions", [["x"] * 101, ["a\0b"], ["x" * 256]])
def test_questions_have_bounds(api: Api, questions: list[str]) -> None:
    network, agent = with_subnet(api), Agent(api)
    body = {"dns_lookup": {"network_id": network["id"], "questions": questions}}
    assert api.call("POST", f"/agents/{agent.id}/dns-lookup", body).status_code == 400


def test_there_has_to_be_an_agent_and_a_network(api: Api) -> None:
    network, agent = with_subnet(api), Agent(api)
    body = {"dns_lookup": {"network_id": network["id"], "questions": ["web"]}}
    api.refused(404, "AgentNotFound", "POST", f"/agents/{NOWHERE}/dns-lookup", body)
    body["dns_lookup"]["network_id"] = NOWHERE
    api.refused(404, "NetworkNotFound", "POST", f"/agents/{agent.id}/dns-lookup", body)
    api.refused(404, "DnsLookupNotFound", "GET", f"/agents/{agent.id}/dns-lookup")

"""An agent with an identity of its own: what it may tell and read, and what it may not."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from ipam.api.app import create_app
from ipam.identity.caller import Caller
from ipam.settings import Settings
from ipam.store.engine.database import Database
from tests.api.agents.test_dhcp_state_requests import Agent, with_subnet
from tests.api.caller import ADMIN, SERVICE, Api, agent_of

As = Callable[[Caller], Api]
MAC = "fa:16:3e:00:00:01"


@pytest.fixture
def called_by(settings: Settings, database: Database) -> As:
    def make(caller: Caller) -> Api:
        return Api(create_app(settings, authenticate=lambda _environ: caller, database=database))

    return make


@pytest.fixture
def admin(called_by: As) -> Api:
    return called_by(ADMIN)


def bound(admin: Api, host: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A network of its own with a port on the host."""
    network = with_subnet(admin)
    return network, admin.create("port", network_id=network["id"], binding__host_id=host)


def lease_event(number: int, port: dict[str, Any], host: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"{number:032x}",
        "network_id": port["network_id"],
        "host": host,
        "action": "add",
        "ip_address": port["fixed_ips"][0]["ip_address"],
        "mac_address": port["mac_address"],
        "expires_at": 4_000_000_000,
        "occurred_at_us": 1_700_000_000_000_000 + number,
        "details": {},
    } | more


def test_it_reads_and_reports_what_its_host_serves(called_by: As, admin: Api) -> None:
    network, port = bound(admin, "host-a")
    agent = Agent(called_by(agent_of("host-a")))
    assert list(agent.digests()) == [network["id"]]
    (full,) = agent.full(network["id"])
    served = [
        {"id": each["id"], "revision_number": each["revision_number"]} for each in full["ports"]
    ]
    assert agent.ready(*served)["ready"] == [port["id"]]
    assert agent.down(*served)["down"] == [port["id"]]
    events = {"lease_events": [lease_event(1, port, "host-a")]}
    assert agent.api.call("POST", "/lease-events", events).json == {"applied": 1, "duplicates": 0}
    assert [lease["host"] for lease in admin.list("lease")] == ["host-a"]


def test_it_takes_networks_that_nobody_serves(called_by: As, admin: Api) -> None:
    network = with_subnet(admin)
    assert list(Agent(called_by(agent_of("host-a"))).digests()) == [network["id"]]


def test_another_hosts_agent_does_not_exist_for_it(called_by: As, admin: Api) -> None:
    bound(admin, "host-a")
    victim = Agent(called_by(agent_of("host-a")))
    thief = called_by(agent_of("host-b"))
    own = Agent(thief, "host-b")
    missing = (404, "AgentNotFound")
    path = f"/agents/{victim.id}"
    told = thief.refused(*missing, "GET", f"{path}/dhcp-state")
    never = "3f2d3f4e-8c5d-4a0e-9f3b-000000000000"
    for_nothing = thief.refused(*missing, "GET", f"/agents/{never}/dhcp-state")
    assert told.replace(victim.id, never) == for_nothing
    thief.refused(*missing, "GET", f"{path}/dhcp-state?network_id={never}")
    reports = ("ready-ports", "ports"), ("down-ports", "ports"), ("probes", "probes")
    for what, name in (*reports, ("dhcp-refusals", "dhcp_refusals")):
        body: dict[str, list[Any]] = {name: []}
        thief.refused(*missing, "POST", f"{path}/{what}", body)
        assert thief.call("POST", f"/agents/{own.id}/{what}", body).status_code == 200


def test_it_speaks_for_no_other_host(called_by: As, admin: Api) -> None:
    _, port = bound(admin, "host-a")
    thief = called_by(agent_of("host-b"))
    refusal = (403, "PolicyNotAuthorized")
    body = {"agent": {"host": "host-a", "started_at": 1, "configurations": {}}}
    said = thief.refused(*refusal, "POST", "/agents", body)
    assert said.endswith("for host 'host-a': the caller is the agent of 'host-b'.")
    assert admin.list("agent") == []
    events = [lease_event(1, port, "host-b"), lease_event(2, port, "host-a")]
    thief.refused(*refusal, "POST", "/lease-events", {"lease_events": events})
    assert admin.list("lease") == []
    assert thief.call("POST", "/lease-events", {"lease_events": []}).status_code == 200


def test_it_is_one_agent_and_no_more(called_by: As, admin: Api) -> None:
    agent = called_by(agent_of("host-a"))
    for number in range(3):
        body = {"host": "host-a", "started_at": 1, "agent_type": f"Agent {number}"}
        agent.refused(400, "InvalidInput", "POST", "/agents", {"agent": body})
    Agent(agent)
    assert [each["agent_type"] for each in admin.list("agent")] == ["DHCP agent"]


def test_what_it_says_of_networks_of_other_hosts_changes_nothing(
    called_by: As, admin: Api
) -> None:
    network, port = bound(admin, "host-a")
    good, thief = (
        Agent(called_by(agent_of("host-a"))),
        Agent(called_by(agent_of("host-b")), "host-b"),
    )
    post = good.api.call(
        "POST", "/lease-events", {"lease_events": [lease_event(1, port, "host-a")]}
    )
    assert post.json["applied"] == 1
    before = admin.list("lease")
    forged = [
        lease_event(2, port, "host-b", mac_address="52:54:00:00:00:66"),
        lease_event(3, port, "host-b", action="del"),
        lease_event(4, port, "host-b", ip_address="10.0.0.77"),
    ]
    assert thief.api.call("POST", "/lease-events", {"lease_events": forged}).status_code == 200
    assert admin.list("lease") == before
    told = admin.call("GET", "/lease-events?host=host-b").json["lease_events"]
    assert {each["id"].replace("-", "") for each in told} == {each["id"] for each in forged}
    refused = {
        "network_id": network["id"],
        "client": MAC,
        "reason": "x",
        "count": 1,
        "first_at": 1,
        "last_at": 1,
    }
    for agent, recorded in ((thief, 0), (good, 1)):
        told_of = agent.api.call(
            "POST", f"/agents/{agent.id}/dhcp-refusals", {"dhcp_refusals": [refused]}
        )
        assert told_of.json == {"recorded": recorded}
    seen = {"id": port["id"], "revision_number": port["revision_number"]}
    assert thief.ready(seen) == {"ready": [], "ignored": [port["id"]]}
    asked = admin.call("POST", f"/ports/{port['id']}/probe").json["probe"]["id"]
    answer = {"probes": [{"id": asked, "offers": [], "trouble": "none"}]}
    for agent, taken in ((thief, []), (good, [asked])):
        result = agent.api.call("POST", f"/agents/{agent.id}/probes", answer)
        assert result.json == {"probes": taken}


def test_the_end_of_a_lease_that_it_gave_counts_after_the_port_has_gone(
    called_by: As, admin: Api
) -> None:
    _, port = bound(admin, "host-a")
    agent = Agent(called_by(agent_of("host-a")))
    for number, action in ((1, "add"), (2, "del")):
        event = lease_event(number, port, "host-a", action=action)
        agent.api.call("POST", "/lease-events", {"lease_events": [event]})
        admin.update("port", port["id"], admin_state_up=False)
    assert admin.list("lease") == []


def test_it_sees_and_changes_nothing_of_projects(called_by: As, admin: Api) -> None:
    network, port = bound(admin, "host-a")
    agent = Agent(called_by(agent_of("host-a")))
    for kind in ("network", "subnet", "port", "agent", "lease", "subnetpool"):
        assert agent.api.list(kind) == []
    for path in (f"/ports/{port['id']}", f"/networks/{network['id']}", f"/agents/{agent.id}"):
        for method in ("GET", "PUT", "DELETE"):
            body: Any = {path.split("/")[1][:-1]: {}} if method == "PUT" else None
            assert agent.api.call(method, path, body).status_code == 404
    on_it = {"port": {"network_id": network["id"]}}
    agent.api.refused(404, "NetworkNotFound", "POST", "/ports", on_it)
    agent.api.refused(403, "PolicyNotAuthorized", "POST", "/networks", {"network": {}})
    agent.api.refused(403, "PolicyNotAuthorized", "GET", "/quotas/service")


def test_a_service_that_reports_is_named_once_with_the_remedy(
    called_by: As, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        Agent(called_by(agent_of("host-a")))
        assert caplog.records == []
        api = called_by(SERVICE)
        for _ in range(2):
            Agent(api, "host-b")
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith("the agent of host host-b signs in as user agent-1")
    assert "`ipam agent enrol host-b`" in said


def test_a_site_whose_agents_are_all_enrolled_refuses_services(
    tmp_path: Any, settings: Settings, database: Database
) -> None:
    from tests.changed_settings import changed  # noqa: PLC0415  # beside its use

    file = tmp_path / "policy.yaml"
    file.write_text('"service_agent": "!"\n')
    create_app(settings, database=database)  # registers the option
    strict = changed(settings, "oslo_policy", policy_file=str(file))
    body = {"agent": {"host": "host-a", "started_at": 1, "configurations": {}}}
    for caller, status in ((SERVICE, 403), (agent_of("host-a"), 200), (ADMIN, 200)):
        app = create_app(strict, authenticate=lambda _: caller, database=database)  # noqa: B023  # used in the same turn
        assert Api(app).call("POST", "/agents", body).status_code == status

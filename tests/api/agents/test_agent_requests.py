"""Agents: registration by heartbeat, when they are alive, and what admins change."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import update

from ipam.api.app import create_app
from ipam.settings import Settings
from ipam.store.engine.database import Database
from ipam.store.tables import agent as agent_table
from tests.api.caller import ADMIN, READER, SERVICE, Api, agent_of

NOWHERE = "11111111-2222-4333-8444-555555555555"


def report(api: Api, host: str = "host-a", **more: Any) -> dict[str, Any]:
    body = {"agent": {"host": host, "started_at": 1_700_000_000} | more}
    result = api.call("POST", "/agents", body)
    assert result.status_code == 200, result.text
    found: dict[str, Any] = result.json["agent"]
    return found


def silence(database: Database, host: str, seconds: int) -> None:
    """Make the agent's last heartbeat this old."""
    at = int(time.time()) - seconds
    statement = update(agent_table).where(agent_table.c.host == host).values(heartbeat_at=at)
    database.write(lambda tx: tx.execute(statement).rowcount)


def test_the_first_heartbeat_makes_the_agent(api_on_each: Api) -> None:
    made = report(api_on_each, configurations={"dnsmasq_version": "2.90", "networks": 3})
    assert made["agent_type"] == "DHCP agent"
    assert made["binary"] == "ipam-agent"
    assert made["host"] == "host-a"
    assert made["alive"] is made["admin_state_up"] is True
    assert made["configurations"] == {"dnsmasq_version": "2.90", "networks": 3}
    assert made["started_at"] == "2023-11-14T22:13:20Z"
    assert api_on_each.show("agent", made["id"]) == made
    assert api_on_each.list("agent") == [made]


def test_the_next_heartbeats_change_it_and_leave_the_admins_part(api_on_each: Api) -> None:
    made = report(api_on_each, configurations={"networks": 3})
    api_on_each.update("agent", made["id"], admin_state_up=False, description="rack 7")
    again = report(api_on_each, configurations={"networks": 4}, started_at=1_700_000_001)
    assert again["id"] == made["id"]
    assert again["configurations"] == {"networks": 4}
    assert again["started_at"] == "2023-11-14T22:13:21Z"
    assert (again["admin_state_up"], again["description"]) == (False, "rack 7")
    assert len(api_on_each.list("agent")) == 1


def test_a_second_agent_of_a_host_is_refused_while_the_first_lives(
    api_on_each: Api, database: Database
) -> None:
    mine, other = {"installation": "first"}, {"installation": "second"}
    first = report(api_on_each, configurations=mine)
    report(api_on_each, configurations=mine, started_at=1_700_000_009)
    message = api_on_each.refused(
        409,
        "AgentHostInUse",
        "POST",
        "/agents",
        {"agent": {"host": "host-a", "started_at": 1, "configurations": other}},
    )
    assert "Another agent is alive as host host-a" in message
    assert api_on_each.show("agent", first["id"])["configurations"] == mine
    report(api_on_each, "host-b", configurations=other)
    silence(database, "host-a", 1000)
    assert report(api_on_each, configurations=other)["id"] == first["id"]


def test_agents_are_told_apart_by_type_and_host(api_on_each: Api) -> None:
    ids = {
        report(api_on_each)["id"],
        report(api_on_each, "host-b")["id"],
        report(api_on_each, agent_type="Other agent")["id"],
    }
    assert len(ids) == 3


def test_first_heartbeats_at_the_same_time_make_one_agent(
    settings: Settings, database: Database
) -> None:
    app = create_app(settings, authenticate=lambda _environ: SERVICE, database=database)
    together = threading.Barrier(6)

    def beat() -> str:
        together.wait()
        return str(report(Api(app))["id"])

    with ThreadPoolExecutor(6) as threads:
        ids = {each.result() for each in [threads.submit(beat) for _ in range(6)]}
    assert len(ids) == 1


def test_an_agent_without_heartbeats_is_dead_until_the_next_one(
    api_on_each: Api, database: Database
) -> None:
    report(api_on_each)
    report(api_on_each, "host-b")
    silence(database, "host-a", 76)
    silence(database, "host-b", 70)
    alive = {each["host"]: each["alive"] for each in api_on_each.list("agent")}
    assert alive == {"host-a": False, "host-b": True}
    assert [each["host"] for each in api_on_each.list("agent", alive="False")] == ["host-a"]
    assert [each["host"] for each in api_on_each.list("agent", alive="true")] == ["host-b"]
    assert len(api_on_each.list("agent", alive=["true", "false"])) == 2
    assert report(api_on_each)["alive"] is True


def test_agents_are_filtered_and_sorted(api_on_each: Api) -> None:
    for host in ("host-b", "host-a"):
        report(api_on_each, host)
    assert [each["host"] for each in api_on_each.list("agent", sort_key="host")] == [
        "host-a",
        "host-b",
    ]
    assert len(api_on_each.list("agent", host="host-a", agent_type="DHCP agent")) == 1
    assert api_on_each.list("agent", fields="host", host="host-a") == [{"host": "host-a"}]
    assert api_on_each.list("agent", admin_state_up="False") == []
    api_on_each.refused(400, "HTTPBadRequest", "GET", "/agents", params={"alive": "maybe"})
    api_on_each.refused(400, "HTTPBadRequest", "GET", "/agents", params={"started_at": "x"})


def test_a_deleted_agent_is_gone_and_comes_back_as_a_new_one(api_on_each: Api) -> None:
    made = report(api_on_each)
    api_on_each.delete("agent", made["id"])
    api_on_each.refused(404, "AgentNotFound", "GET", f"/agents/{made['id']}")
    api_on_each.refused(404, "AgentNotFound", "DELETE", f"/agents/{made['id']}")
    assert report(api_on_each)["id"] != made["id"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("name", [NOWHERE, "host-a"])
def test_an_unknown_agent_is_not_found(api: Api, method: str, name: str) -> None:
    api.refused(404, "AgentNotFound", method, f"/agents/{name}")


def test_an_unknown_agent_cannot_be_changed(api: Api) -> None:
    body = {"agent": {"description": "x"}}
    api.refused(404, "AgentNotFound", "PUT", f"/agents/{NOWHERE}", body)
    api.refused(404, "AgentNotFound", "PUT", "/agents/host-a", body)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"host": "", "started_at": -1}, ["host", "started_at"]),
        ({"host": "a\nb", "configurations": []}, ["host", "configurations"]),
        ({"binary": "x" * 65, "strange": 1}, ["binary", "strange"]),
        ({"configurations": {"k": "v" * 70_000}}, ["configurations"]),
        ({"alive": False}, ["alive"]),
    ],
)
def test_a_heartbeat_is_told_all_its_faults(
    api: Api, change: dict[str, Any], words: list[str]
) -> None:
    body = {"agent": {"host": "host-a", "started_at": 1} | change}
    message = api.refused(400, "HTTPBadRequest", "POST", "/agents", body)
    assert all(word in message for word in words)


def test_an_admin_changes_no_more_than_the_switch_and_the_description(api: Api) -> None:
    made = report(api)
    assert api.update("agent", made["id"])["admin_state_up"] is True
    body = {"agent": {"host": "other", "alive": True, "admin_state_up": "x"}}
    message = api.refused(400, "HTTPBadRequest", "PUT", f"/agents/{made['id']}", body)
    assert all(f"'{word}'" in message for word in ("host", "alive"))
    assert "admin_state_up" in message


def test_an_agent_may_report_and_not_change_or_delete_agents(
    settings: Settings, sqlite: Database
) -> None:
    def as_caller(caller: Any) -> Api:
        app = create_app(settings, authenticate=lambda _environ: caller, database=sqlite)
        return Api(app)

    made = report(as_caller(SERVICE))
    path = f"/agents/{made['id']}"
    assert as_caller(ADMIN).call("GET", path).status_code == 200
    for caller in (SERVICE, READER, agent_of("host-a")):
        api, refusal = as_caller(caller), (404, "AgentNotFound")
        api.refused(*refusal, "GET", path)
        api.refused(*refusal, "PUT", path, {"agent": {}})
        api.refused(*refusal, "DELETE", path)
    as_caller(READER).refused(403, "PolicyNotAuthorized", "POST", "/agents", {"agent": {}})
    as_caller(READER).refused(
        403, "PolicyNotAuthorized", "POST", f"{path}/ready-ports", {"ports": []}
    )


def test_an_agent_with_many_troubles_is_heard(api_on_each: Api) -> None:
    troubles = {f"{number:036}": "The uplink eth1 is not there." for number in range(500)}
    made = report(api_on_each, configurations={"troubles": troubles})
    assert made["configurations"]["troubles"] == troubles
    body = {"agent": {"host": "host-a", "started_at": 1, "configurations": {"x": "y" * 65_536}}}
    api_on_each.refused(400, "HTTPBadRequest", "POST", "/agents", body)

"""What the audit log says of changes and refusals, through the real application."""

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from ipam import settings as ipam_settings
from ipam.api.app import create_app
from ipam.errors import DatabaseUnavailable, Unauthorized
from ipam.identity.caller import Caller
from ipam.settings import Settings
from ipam.store import tables
from ipam.store.engine.database import Database
from tests.api.caller import ADMIN, READER, SERVICE, Api

MEMBER = Caller(user_id="mia", project_id="project-a", role="member")
OTHER = Caller(user_id="otto", project_id="project-b", role="member")
KEYSTONES = Caller(user_id="5f" * 16, project_id="project-c", role="admin", user_name="kay")
CALLERS = {each.user_id: each for each in (ADMIN, READER, SERVICE, MEMBER, OTHER, KEYSTONES)}

NOBODY = "11111111-1111-4111-8111-111111111111"

Event = dict[str, Any]


def events(api: Api, **params: Any) -> list[Event]:
    """The newest first, of requests that changed or wanted to change something."""
    result = api.call("GET", "/audit-events", params=params)
    assert result.status_code == 200, result.text
    found: list[Event] = result.json["audit_events"]
    return found


@pytest.fixture
def as_user(settings: Settings, sqlite: Database) -> Callable[[str], Api]:
    """The application for the caller of this name."""

    def authenticate(environ: Mapping[str, Any]) -> Caller:
        name = environ.get("HTTP_AUTHORIZATION", "")
        if name not in CALLERS:
            raise Unauthorized("Who are you?")
        return CALLERS[name]

    application = create_app(settings, authenticate=authenticate, database=sqlite)

    class As(Api):
        def __init__(self, name: str) -> None:
            super().__init__(application)
            self.name = name

        def call(self, *args: Any, headers: Any = None, **more: Any) -> Any:
            more["headers"] = {"Authorization": self.name, **(headers or {})}
            return super().call(*args, **more)

    return As


def test_a_port_s_whole_life_is_told_with_what_changed(api_on_each: Api) -> None:
    api = api_on_each
    network = api.create("network", name="lan")
    subnet = api.create("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
    port = api.create("port", network_id=network["id"], name="web", device_id="vm-1")
    api.update("port", port["id"], name="www")
    api.update("port", port["id"], fixed_ips=[{"ip_address": "10.0.0.77"}])
    api.delete("port", port["id"])
    told = list(reversed(events(api, object_id=port["id"])))
    assert [event["operation"] for event in told] == [
        *("create_port", "update_port", "update_port", "delete_port")
    ]
    created, renamed, moved, deleted = told
    address = port["fixed_ips"][0]["ip_address"]
    assert created["changes"]["fixed_ips"][1] == [
        {"subnet_id": subnet["id"], "ip_address": address}
    ]
    assert created["changes"]["device_id"] == [None, "vm-1"]
    assert renamed["changes"] == {"name": ["web", "www"]}
    assert moved["changes"] == {"fixed_ips": [[address], ["10.0.0.77"]]}
    assert deleted["changes"]["fixed_ips"] == [["10.0.0.77"], None]
    assert deleted["changes"]["mac_address"] == [port["mac_address"], None]
    assert {event["object_name"] for event in (created, renamed)} == {"web"}
    assert {event["object_type"] for event in told} == {"port"}
    assert {(event["outcome"], event["count"]) for event in told} == {("succeeded", 1)}


def test_an_event_says_who_asked_and_in_which_request(api: Api) -> None:
    result = api.client.simulate_post(
        "/v2.0/networks", body='{"network": {"name": "lan"}}', remote_addr="192.0.2.7"
    )
    (event,) = events(api)
    assert event["user_id"] == event["user_name"] == ADMIN.user_id
    assert event["user_project_id"] == event["project_id"] == ADMIN.project_id
    assert event["roles"] == ["admin", "member", "reader"]
    assert event["authentication"] == "http_basic"
    assert event["address"] == "192.0.2.7"
    assert event["request_id"] == result.headers["X-Openstack-Request-Id"]
    assert (event["path"], event["status"]) == ("/v2.0/networks", 201)
    assert events(api, request_id=event["request_id"]) == [event]
    assert api.call("GET", f"/audit-events/{event['id']}").json["audit_event"] == event


def test_an_event_has_the_name_that_keystone_gives_a_user(as_user: Callable[[str], Api]) -> None:
    api = as_user(KEYSTONES.user_id)
    api.create("network", name="lan")
    (event,) = events(api, user_name="kay")
    assert (event["user_id"], event["user_name"]) == (KEYSTONES.user_id, "kay")
    assert events(api, user_name="ann") == []


def test_each_of_several_new_ports_has_an_event(
    api_on_each: Api,
) -> None:
    api = api_on_each
    network = api.create("network", name="lan")
    bodies = [{"network_id": network["id"], "name": f"p{n}"} for n in range(3)]
    made = api.call("POST", "/ports", {"ports": bodies}).json["ports"]
    told = events(api, operation="create_port")
    assert [event["object_id"] for event in reversed(told)] == [port["id"] for port in made]
    assert len({event["request_id"] for event in told}) == 1


def test_an_update_that_changes_nothing_has_no_event(api: Api, network: dict[str, Any]) -> None:
    api.update("network", network["id"], name=network["name"])
    assert [event["operation"] for event in events(api)] == ["create_network"]


def test_a_change_that_is_rolled_back_leaves_only_its_refusal(
    api: Api, network: dict[str, Any], port: Callable[..., dict[str, Any]]
) -> None:
    port()
    api.refused(409, "NetworkInUse", "DELETE", f"/networks/{network['id']}")
    (event,) = events(api, object_id=network["id"], refused="true")
    assert (event["outcome"], event["status"]) == ("refused", 409)
    assert event["reason"].startswith("NetworkInUse: ")
    assert event["operation"] == "delete_network"
    assert event["changes"] == {}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/networks", {"network": {"mtu": "x"}}, 400),
        ("POST", "/networks", {"nothing": 1}, 400),
        ("PUT", f"/ports/{NOBODY}", {"port": {"name": "x"}}, 404),
        ("DELETE", "/subnets/nonsense", None, 404),
        ("PUT", "/quotas/project-a", {"quota": {"port": "x"}}, 400),
    ],
)
def test_every_refused_change_is_told(
    api: Api, method: str, path: str, body: Any, status: int
) -> None:
    assert api.call(method, path, body).status_code == status
    (event,) = events(api)
    assert (event["status"], event["path"]) == (status, f"/v2.0{path}")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", f"/ports/{NOBODY}"), ("POST", "/nothing"), ("PUT", "/ports")]
)
def test_what_is_no_change_of_anything_has_no_event(api: Api, method: str, path: str) -> None:
    assert api.call(method, path).status_code in (404, 405)
    assert events(api) == []


def test_somebody_unknown_is_told_by_address(as_user: Callable[[str], Api]) -> None:
    as_user("nobody").client.simulate_post("/v2.0/networks", remote_addr="192.0.2.7")
    (event,) = events(as_user("alice"))
    assert (event["status"], event["user_id"]) == (401, "")
    assert event["address"] == "192.0.2.7"


def test_a_forbidden_change_is_told_with_its_actor(as_user: Callable[[str], Api]) -> None:
    as_user("rita").refused(403, "PolicyNotAuthorized", "POST", "/networks", {"network": {}})
    (event,) = events(as_user("alice"), user_id="rita")
    assert (event["status"], event["operation"]) == (403, "create_network")


def test_a_project_sees_the_events_of_what_it_owns_without_addresses(
    as_user: Callable[[str], Api],
) -> None:
    own = as_user("mia").create("network", name="mine")
    as_user("otto").create("network", name="theirs")
    as_user("alice").update("network", own["id"], name="changed by an admin")
    told = events(as_user("rita"))
    assert [event["user_id"] for event in told] == ["alice", "mia"]
    assert all("address" not in event for event in told)
    assert events(as_user("agent-1")) == []
    as_user("rita").refused(
        *(403, "PolicyNotAuthorized", "GET", "/audit-events"), params={"address": "127.0.0.1"}
    )


def test_quotas_tags_and_policies_are_told(api: Api, network: dict[str, Any]) -> None:
    api.call("PUT", "/quotas/project-b", {"quota": {"port": 7}})
    api.call("PUT", "/quotas/project-b", {"quota": {"port": 8}})
    api.call("DELETE", "/quotas/project-b")
    api.call("PUT", f"/networks/{network['id']}/tags", {"tags": ["blue"]})
    policy = {"object_type": "network", "object_id": network["id"], "target_tenant": "b"}
    made = api.call(
        "POST", "/rbac-policies", {"rbac_policy": {**policy, "action": "access_as_shared"}}
    ).json["rbac_policy"]
    changed = {"rbac_policy": {"target_tenant": "c"}}
    api.call("PUT", f"/rbac-policies/{made['id']}", changed)
    api.call("DELETE", f"/rbac-policies/{made['id']}")
    told = {
        (event["operation"], event["object_id"]): event["changes"]
        for event in reversed(events(api))
    }
    assert told["update_quota", "project-b"] == {"port": [7, 8]}
    assert told["delete_quota", "project-b"] == {"port": [8, None]}
    assert told["update_network", network["id"]] == {"tags": [None, ["blue"]]}
    assert told["create_rbac_policy", made["id"]]["object_id"] == [None, network["id"]]
    assert told["update_rbac_policy", made["id"]] == {"target_project_id": ["b", "c"]}
    assert told["delete_rbac_policy", made["id"]]["object_id"] == [network["id"], None]


def test_reports_of_agents_are_no_changes(api: Api) -> None:
    report = {"binary": "ipam-agent", "host": "node-1", "started_at": 0, "configurations": {}}
    answer = api.call("POST", "/agents", {"agent": report})
    assert answer.status_code < 300, answer.text
    assert events(api) == []


def test_a_profile_is_not_recorded(api: Api, port: Callable[..., dict[str, Any]]) -> None:
    made = port(binding__profile={"key": "hush"})
    api.update("port", made["id"], binding__profile={"key": "hush, too"})
    told = events(api, object_id=made["id"])
    assert "hush" not in str(told)
    assert told[0]["changes"] == {"binding:profile": ["(not recorded)", "(not recorded)"]}


def test_a_repeated_request_with_a_key_has_one_event(api_on_each: Api) -> None:
    for _ in range(2):
        body = {"network": {"name": "once"}}
        api_on_each.call("POST", "/networks", body, headers={"Idempotency-Key": "k1"})
    assert [event["operation"] for event in events(api_on_each)] == ["create_network"]


@pytest.mark.usefixtures("settings")
def test_a_flood_of_refusals_is_summed_up(
    sqlite: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ipam.conf"
    file.write_text(file.read_text() + "[audit]\nrefusals_per_minute = 4\n")
    few = ipam_settings.load([str(file)])
    timers: list[Callable[[], None]] = []

    class Timer:
        def __init__(self, _seconds: float, function: Callable[[], None]) -> None:
            timers.append(function)

        def start(self) -> None:
            """At once it would sum up too early."""

        def cancel(self) -> None:
            """There is none."""

    monkeypatch.setattr(threading, "Timer", Timer)
    api = Api(create_app(few, authenticate=lambda _environ: ADMIN, database=sqlite))
    for _ in range(20):
        api.call("POST", "/networks", {})
    (sum_up,) = timers
    sum_up()
    for _ in range(20):
        api.call("POST", "/networks", {})
    sqlite.dispose()  # as at an end of the process: what is counted by then is not lost
    refused = select(func.sum(tables.audit_event.c.times), func.count())
    times, rows = sqlite.read(lambda tx: tx.execute(refused).one())
    assert times == 40
    assert rows < 10
    assert events(api)[0]["operation"] == "refused_requests"


def test_a_refusal_that_cannot_be_recorded_stays_a_refusal(
    api: Api, sqlite: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_work: Any) -> None:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(sqlite, "write", broken)
    api.refused(400, "HTTPBadRequest", "POST", "/networks", {})
    assert "could not be recorded" in caplog.text


@pytest.mark.usefixtures("settings")
def test_without_the_log_nothing_is_recorded(sqlite: Database, tmp_path: Path) -> None:
    file = tmp_path / "ipam.conf"
    file.write_text(file.read_text() + "[audit]\nenabled = false\n")
    off = ipam_settings.load([str(file)])
    api = Api(create_app(off, authenticate=lambda _environ: ADMIN, database=sqlite))
    api.create("network", name="lan")
    api.call("POST", "/networks", {})
    assert events(api) == []


def test_a_path_with_control_characters_is_told_escaped(api: Api) -> None:
    api.call("DELETE", "/ports/%0aFORGED%00%1b[31m")
    (event,) = events(api)
    assert event["path"] == "/v2.0/ports/\\nFORGED\\x00\\x1b[31m"


def test_events_can_be_asked_for_by_time(api_on_each: Api) -> None:
    api = api_on_each
    api.create("network", name="old")
    api.create("network", name="new")
    new, old = events(api)
    assert events(api, since=new["occurred_at"]) == [new]
    assert events(api, until=new["occurred_at"]) == [old]
    assert events(api, limit=1, marker=new["id"]) == [old]


def test_the_undoing_of_an_import_names_each_thing_that_it_deletes(
    as_user: Callable[[str], Api],
) -> None:
    api = as_user(ADMIN.user_id)
    body = {
        "format": "csv",
        "networks": [{"ref": "n", "body": {"name": "net"}}],
        "subnets": [{"network": "n", "body": {"ip_version": 4, "cidr": "10.0.0.0/24"}}],
        "ports": [{"network": "n", "body": {"name": "web"}}],
    }
    made = api.call("POST", "/imports", {"import": body}).json["import"]
    created = {each["object_id"] for each in events(api, operation="create_import")}
    assert api.call("PUT", f"/imports/{made['id']}/undo").status_code == 200
    undone = events(api, operation="undo_import")
    assert {each["object_id"] for each in undone} == created
    assert len(undone) == len(created) == 4
    of_port = next(each for each in undone if each["object_name"] == "web")
    assert of_port["changes"]["mac_address"][1] is None
    of_import = next(each for each in undone if each["object_id"] == made["id"])
    assert list(of_import["changes"]) == ["undone_at"]


def test_what_is_set_to_what_it_was_has_no_event(as_user: Callable[[str], Api]) -> None:
    api = as_user(ADMIN.user_id)
    agent = api.call("POST", "/agents", {"agent": {"host": "h", "started_at": 1}}).json
    path = f"/agents/{agent['agent']['id']}"
    for _ in range(2):
        api.call("PUT", path, {"agent": {"admin_state_up": False}})
        api.call("PUT", "/quotas/project-a", {"quota": {"network": 7}})
    assert len(events(api, operation="update_agent")) == 1
    assert len(events(api, operation="update_quota")) == 1


def test_an_event_tells_nobody_what_is_hidden_in_the_thing_itself(
    as_user: Callable[[str], Api],
) -> None:
    member, nova, admin = (as_user(one.user_id) for one in (MEMBER, SERVICE, ADMIN))
    network = member.create("network")
    port = member.create("port", network_id=network["id"])
    nova.update("port", port["id"], **{"binding:host_id": "host-7", "name": "web"})
    path = f"/ports/{port['id']}/bindings"
    nova.call("POST", path, {"binding": {"host": "host-8"}})
    nova.call("PUT", f"{path}/host-8/activate")
    of_port = {"object_id": port["id"]}
    told = events(member, **of_port)
    assert "host-" not in json.dumps(told)
    assert "vif_type" not in json.dumps(told)
    assert "provider:" not in json.dumps(events(member, object_id=network["id"]))
    assert [one["changes"] for one in told if one["operation"] == "update_port"] == [
        {"name": ["", "web"]}
    ]
    event_id = next(one["id"] for one in told if one["operation"] == "update_port")
    one = member.call("GET", f"/audit-events/{event_id}", params={"fields": "changes"})
    assert one.json["audit_event"] == {"changes": {"name": ["", "web"]}}
    whole = json.dumps(events(admin, **of_port))
    assert "host-7" in whole
    assert f"{path}/host-8/activate" in whole
    assert "provider:network_type" in json.dumps(events(admin, object_id=network["id"]))

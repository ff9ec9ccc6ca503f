"""A live migration as Nova makes it: bind to the target, wait, activate, unbind the source."""

from collections.abc import Callable
from typing import Any

import pytest

from ipam.api.app import create_app
from ipam.settings import Settings
from ipam.store.engine.database import Database
from tests.api.agents.test_agent_requests import report, silence
from tests.api.agents.test_dhcp_state_requests import Agent, with_subnet
from tests.api.caller import ADMIN, READER, Api
from tests.changed_settings import changed

GUARDING = {"guard": {"port_filter": True}}


@pytest.fixture
def bound(api: Api, port: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    return port(binding__host_id="source", device_owner="compute:nova")


def bind(api: Api, port: dict[str, Any], host: str = "target", **more: Any) -> dict[str, Any]:
    body = {"binding": {"host": host, **more}}
    result = api.call("POST", f"/ports/{port['id']}/bindings", body)
    assert result.status_code == 201, result.text
    made: dict[str, Any] = result.json["binding"]
    return made


def bindings(api: Api, port: dict[str, Any], **params: Any) -> dict[str, str]:
    result = api.call("GET", f"/ports/{port['id']}/bindings", params=params)
    assert result.status_code == 200, result.text
    return {each["host"]: each["status"] for each in result.json["bindings"]}


def test_a_migration_swaps_the_bindings_at_once(api_on_each: Api) -> None:
    api = api_on_each
    report(api, "target", configurations=GUARDING)
    network = with_subnet(api)
    port = api.create("port", network_id=network["id"], binding__host_id="source")
    made = bind(api, port, profile={"migrating": True}, vnic_type="normal")
    assert made == {
        "host": "target",
        "status": "INACTIVE",
        "vnic_type": "normal",
        "profile": {"migrating": True},
        "vif_type": "tap",
        "vif_details": {"port_filter": True, "mac_address": "fe" + port["mac_address"][2:]},
        "project_id": port["project_id"],
    }
    path = f"/ports/{port['id']}/bindings"
    assert api.call("GET", f"{path}/target").json["binding"] == made
    at_source = api.call("GET", f"{path}/source").json["binding"]
    assert at_source["vif_details"]["port_filter"] is False, "no agent says that it filters"
    assert bindings(api, port) == {"source": "ACTIVE", "target": "INACTIVE"}
    assert bindings(api, port, status="ACTIVE") == {"source": "ACTIVE"}
    activated = api.call("PUT", f"{path}/target/activate")
    assert (activated.status_code, activated.json["binding"]["status"]) == (200, "ACTIVE")
    assert bindings(api, port) == {"target": "ACTIVE", "source": "INACTIVE"}
    shown = api.show("port", port["id"])
    assert (shown["binding:host_id"], shown["status"]) == ("target", "DOWN")
    assert shown["binding:profile"] == {"migrating": True}
    assert api.call("DELETE", f"{path}/source").status_code == 204
    assert bindings(api, port) == {"target": "ACTIVE"}
    api.delete("port", port["id"])


def test_both_hosts_serve_a_port_that_moves(api_on_each: Api) -> None:
    api = api_on_each
    network = with_subnet(api)
    source, target = Agent(api, "source"), Agent(api, "target")
    port = api.create("port", network_id=network["id"], binding__host_id="source")
    source.digests()
    source.ready(port)
    before = target.digests()
    bind(api, port)
    assert target.digests() != before
    assert source.digests().keys() == target.digests().keys() == {network["id"]}
    (arriving,) = target.full(network["id"])[0]["ports"]
    assert (arriving["binding_host_id"], arriving["status"]) == ("target", "DOWN")
    assert target.ready(arriving) == {"ready": [port["id"]], "ignored": []}
    assert target.full(network["id"])[0]["ports"][0]["status"] == "ACTIVE"
    (there,) = source.full(network["id"])[0]["ports"]
    assert (there["binding_host_id"], there["status"]) == ("source", "ACTIVE")
    api.call("PUT", f"/ports/{port['id']}/bindings/target/activate")
    (arrived,) = target.full(network["id"])[0]["ports"]
    assert (arrived["binding_host_id"], arrived["status"]) == ("target", "DOWN")
    target.ready(arrived)
    assert api.show("port", port["id"])["status"] == "ACTIVE"
    both = source.digests()
    assert len(source.full(network["id"])[0]["ports"]) == 1
    api.call("DELETE", f"/ports/{port['id']}/bindings/source")
    assert source.digests() != both
    assert [n["ports"] for n in source.full(network["id"])] in ([], [[]])


def test_a_moved_port_is_served_on_where_it_was_until_its_new_host_is_ready(
    api_on_each: Api,
) -> None:
    api = api_on_each
    network = with_subnet(api)
    source, target = Agent(api, "source"), Agent(api, "target")
    port = api.create("port", network_id=network["id"], binding__host_id="source")
    source.digests()
    source.ready(port)
    moved = api.update("port", port["id"], binding__host_id="target")
    assert moved["status"] == "DOWN"
    assert source.ports() == {port["id"]: "ACTIVE"}
    assert target.ports() == {port["id"]: "DOWN"}
    for told in (source.ready, source.down):
        assert told(moved)["ignored"] == [port["id"]]
    assert api.show("port", port["id"])["status"] == "DOWN"
    before = source.digests()
    target.ready(moved)
    assert source.digests() != before
    assert source.ports() == {}
    assert target.ports() == {port["id"]: "ACTIVE"}


def test_a_binding_deleted_before_the_active_host_is_ready_is_served_on(api_on_each: Api) -> None:
    api = api_on_each
    network = with_subnet(api)
    source, target = Agent(api, "source"), Agent(api, "target")
    port = api.create("port", network_id=network["id"], binding__host_id="source")
    source.digests()
    source.ready(port)
    bind(api, port)
    path = f"/ports/{port['id']}/bindings"
    api.call("PUT", f"{path}/target/activate")
    assert api.call("DELETE", f"{path}/source").status_code == 204
    assert bindings(api, port) == {"target": "ACTIVE"}
    api.refused(404, "PortBindingNotFound", "DELETE", f"{path}/source")
    assert source.ports() == {port["id"]: "ACTIVE"}
    target.ready(api.show("port", port["id"]))
    assert source.ports() == {}


def test_the_target_of_a_migration_that_is_given_up_is_served_no_more(api_on_each: Api) -> None:
    api = api_on_each
    network = with_subnet(api)
    source, target = Agent(api, "source"), Agent(api, "target")
    port = api.create("port", network_id=network["id"], binding__host_id="source")
    bind(api, port)
    source.ready(api.show("port", port["id"]))
    api.call("DELETE", f"/ports/{port['id']}/bindings/target")
    assert target.ports() == {}


def test_every_host_of_a_chain_of_moves_serves_until_the_last_is_ready(api_on_each: Api) -> None:
    api = api_on_each
    network = with_subnet(api)
    agents = [Agent(api, host) for host in ("a", "b", "c")]
    port = api.create("port", network_id=network["id"], binding__host_id="a")
    for host in ("b", "c", "b"):
        port = api.update("port", port["id"], binding__host_id=host)
    assert [len(agent.ports()) for agent in agents] == [1, 1, 1]
    assert bindings(api, port) == {"b": "ACTIVE"}
    agents[1].ready(port)
    assert [len(agent.ports()) for agent in agents] == [0, 1, 0]


def test_a_port_that_comes_back_or_is_unbound_or_deleted_leaves_nothing_behind(
    api_on_each: Api,
) -> None:
    api = api_on_each
    network = with_subnet(api)
    first = Agent(api, "a")
    ports = [
        api.create("port", network_id=network["id"], binding__host_id="a") for _each in range(4)
    ]
    first.digests()
    for port in ports:
        api.update("port", port["id"], binding__host_id="b")
    assert len(first.ports()) == 4
    api.update("port", ports[0]["id"], binding__host_id=None)
    api.call("DELETE", f"/ports/{ports[1]['id']}/bindings/b")
    api.delete("port", ports[2]["id"])
    back = api.update("port", ports[3]["id"], binding__host_id="a")
    first.ready(back)
    served = first.full(network["id"])[0]["ports"]
    assert {p["id"] for p in served if p["binding_host_id"] == "a"} == {back["id"]}
    assert Agent(api, "b").ports() == {}


def test_a_host_that_a_port_is_leaving_is_not_bound_and_can_be_bound_anew(api: Api) -> None:
    network = with_subnet(api)
    source = Agent(api, "source")
    port = api.create("port", network_id=network["id"], binding__host_id="source")
    source.digests()
    moved = api.update("port", port["id"], binding__host_id="target")
    path = f"/ports/{port['id']}/bindings"
    for method, tail, body in (
        ("GET", "", None),
        ("PUT", "", {"binding": {"profile": {}}}),
        ("PUT", "/activate", None),
        ("DELETE", "", None),
    ):
        api.refused(404, "PortBindingNotFound", method, f"{path}/source{tail}", body)
    assert bindings(api, port) == {"target": "ACTIVE"}
    assert api.show("port", port["id"])["revision_number"] == moved["revision_number"]
    bind(api, port, "source")
    assert bindings(api, port) == {"target": "ACTIVE", "source": "INACTIVE"}
    assert source.ports() == {port["id"]: "DOWN"}


def test_the_tap_of_an_inactive_binding_comes_and_goes_without_touching_the_port(
    api: Api,
) -> None:
    network = with_subnet(api)
    source, target = Agent(api, "source"), Agent(api, "target")
    port = api.create("port", network_id=network["id"], binding__host_id="source")
    bind(api, port)
    port = api.show("port", port["id"])
    source.ready(port)
    target.ready(port)
    assert target.ports() == {port["id"]: "ACTIVE"}
    assert target.down(port) == {"down": [port["id"]], "ignored": []}
    assert target.ports() == {port["id"]: "DOWN"}
    assert source.ports() == {port["id"]: "ACTIVE"}


def test_a_binding_that_exists_is_refused(api: Api, bound: dict[str, Any]) -> None:
    path = f"/ports/{bound['id']}/bindings"
    bind(api, bound)
    for host in ("source", "target"):
        body = {"binding": {"host": host}}
        api.refused(409, "PortBindingAlreadyExists", "POST", path, body)
    api.refused(409, "PortBindingAlreadyActive", "PUT", f"{path}/source/activate")


@pytest.mark.parametrize(
    ("method", "tail", "body"),
    [
        ("GET", "", None),
        ("DELETE", "", None),
        ("PUT", "", {"binding": {"profile": {}}}),
        ("PUT", "/activate", None),
    ],
)
def test_a_binding_that_is_not_there_is_not_found(
    api: Api, bound: dict[str, Any], method: str, tail: str, body: Any
) -> None:
    path = f"/ports/{bound['id']}/bindings/elsewhere{tail}"
    api.refused(404, "PortBindingNotFound", method, path, body)
    api.refused(404, "PortNotFound", method, f"/ports/nonsense/bindings/source{tail}", body)


def test_a_binding_changes_its_profile(api: Api, bound: dict[str, Any]) -> None:
    bind(api, bound)
    for host in ("source", "target"):
        path, body = f"/ports/{bound['id']}/bindings/{host}", {"binding": {"profile": {"a": 1}}}
        assert api.call("PUT", path, body).json["binding"]["profile"] == {"a": 1}
    assert api.show("port", bound["id"])["binding:profile"] == {"a": 1}
    another: Any = {"binding": {"host": "x"}}
    assert "not allowed in PUT" in api.refused(400, "HTTPBadRequest", "PUT", path, another)


def test_every_change_of_a_binding_is_a_revision_of_its_port(
    api: Api, bound: dict[str, Any]
) -> None:
    path = f"/ports/{bound['id']}/bindings"
    seen = [api.show("port", bound["id"])["revision_number"]]
    bind(api, bound)
    for method, tail in (("PUT", "/target/activate"), ("DELETE", "/source")):
        seen.append(api.show("port", bound["id"])["revision_number"])
        api.call(method, path + tail)
    seen.append(api.show("port", bound["id"])["revision_number"])
    assert seen == sorted(set(seen))
    assert len(seen) == 4


def test_a_port_that_is_moved_by_update_keeps_one_binding_to_the_host(
    api: Api, bound: dict[str, Any]
) -> None:
    bind(api, bound)
    api.update("port", bound["id"], binding__host_id="target")
    assert bindings(api, bound) == {"target": "ACTIVE"}


def test_a_port_without_its_active_binding_is_unbound(api: Api, bound: dict[str, Any]) -> None:
    api.call("DELETE", f"/ports/{bound['id']}/bindings/source")
    shown = api.show("port", bound["id"])
    assert (shown["binding:host_id"], shown["binding:vif_type"]) == ("", "unbound")
    assert bindings(api, bound) == {}


def test_each_host_is_plugged_as_its_agent_says(api: Api, bound: dict[str, Any]) -> None:
    report(api, "target", configurations={"vif_type": "bridge"})
    made = bind(api, bound)
    assert made["vif_type"] == "bridge"
    assert made["vif_details"]["bridge_name"].startswith("brq")


def test_binding_to_a_host_without_a_living_agent_is_warned_of_once(
    api: Api, sqlite: Database, caplog: pytest.LogCaptureFixture
) -> None:
    report(api, "living")
    report(api, "dead")
    silence(sqlite, "dead", 1000)

    def warned() -> list[str]:
        found = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
        caplog.clear()
        return found

    network = api.create("network")
    assert warned() == []
    port = api.create("port", network_id=network["id"], binding__host_id="unheard")
    (said,) = warned()
    assert f"port {port['id']} is bound to host unheard, whose agent was never heard of" in said
    assert "Nova will wait in vain" in said
    for host in ("living", None):
        api.update("port", port["id"], binding__host_id=host)
    assert warned() == []
    for _ in range(2):
        api.update("port", port["id"], binding__host_id="dead")
    (said,) = warned()
    assert "to host dead, whose agent is dead (last heard of 2" in said
    bind(api, port, "living")
    assert warned() == []
    bind(api, port, "nowhere")
    assert len(warned()) == 1
    refused = {"binding": {"host": "nowhere"}}
    api.refused(409, "PortBindingAlreadyExists", "POST", f"/ports/{port['id']}/bindings", refused)
    assert warned() == []


def test_hardware_is_bound_to_no_host_with_an_agent(
    api: Api, bound: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    report = {"agent": {"host": "target", "started_at": 1, "configurations": {}}}
    assert api.call("POST", "/agents", report).status_code == 200
    path, asked = f"/ports/{bound['id']}/bindings", {"host": "target", "vnic_type": "direct"}
    refused = ("PortBindingError", "POST", path, {"binding": asked})
    assert "no port with vnic_type direct" in api.refused(409, *refused)
    bind(api, bound)
    change = ("PortBindingError", "PUT", f"{path}/target", {"binding": {"vnic_type": "direct"}})
    api.refused(409, *change)
    assert api.call("PUT", f"{path}/target/activate").status_code == 200
    api.refused(409, *change)
    caplog.clear()
    api.update("port", bound["id"], binding__vnic_type="direct")
    assert api.show("port", bound["id"])["binding:vif_type"] == "binding_failed"
    assert not caplog.records, "anybody may do that, again and again"
    api.update("port", bound["id"], binding__host_id="target")
    assert "plugs in no port with vnic_type direct" in caplog.text
    api.update("port", bound["id"], binding__vnic_type="normal")
    assert api.show("port", bound["id"])["binding:vif_type"] == "tap"


def test_a_bad_body_is_refused(api: Api, bound: dict[str, Any]) -> None:
    path = f"/ports/{bound['id']}/bindings"
    for binding in ({}, {"host": ""}, {"host": "h", "vnic_type": "no"}, {"host": "h", "x": 1}):
        api.refused(400, "HTTPBadRequest", "POST", path, {"binding": binding})


def test_bindings_are_the_clouds_business(
    api: Api, bound: dict[str, Any], settings: Settings, sqlite: Database
) -> None:
    reader = Api(create_app(settings, authenticate=lambda _environ: READER, database=sqlite))
    path = f"/ports/{bound['id']}/bindings"
    reader.refused(403, "PolicyNotAuthorized", "GET", path)
    reader.refused(403, "PolicyNotAuthorized", "POST", path, {"binding": {"host": "h"}})


@pytest.mark.parametrize(("vif_type", "listed"), [("tap", True), ("bridge", False)])
def test_the_extension_is_listed_where_nova_can_rely_on_it(
    settings: Settings, sqlite: Database, vif_type: str, listed: bool
) -> None:
    other = changed(settings, "network", vif_type=vif_type)
    api = Api(create_app(other, authenticate=lambda _environ: ADMIN, database=sqlite))
    assert ("binding-extended" in {each["alias"] for each in api.list("extension")}) == listed

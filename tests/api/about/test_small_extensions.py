"""Extensions that only change requests, without a resource or attribute of their own."""

import pytest

from ipam.api.app import create_app
from ipam.identity.caller import Caller
from ipam.settings import Settings
from ipam.store.engine.database import Database
from tests.api.caller import Api

OTHER = Caller(user_id="bob", project_id="project-b", role="member")
SHARED = {
    "subnetpool": ("/subnetpools", {"prefixes": ["10.0.0.0/8"]}, "SubnetPoolNotFound"),
    "address_scope": ("/address-scopes", {"ip_version": 4}, "AddressScopeNotFound"),
}


def test_an_empty_value_finds_what_has_none(api: Api) -> None:
    api.create("network", name="lan")
    nameless = api.create("network")
    assert [each["id"] for each in api.list("network", name="")] == [nameless["id"]]


@pytest.mark.parametrize(
    "path",
    ["/networks", "/subnets", "/ports", "/subnetpools", "/address-scopes", "/agents", "/leases"],
)
def test_a_strange_sort_key_is_refused(api: Api, path: str) -> None:
    assert "colour" in api.refused(400, "HTTPBadRequest", "GET", f"{path}?sort_key=colour")


def test_agents_are_found_by_type_whatever_its_case(api: Api) -> None:
    state = {"host": "host-a", "started_at": 1_700_000_000}
    assert api.call("POST", "/agents", {"agent": state}).status_code == 200
    for text, count in (("DHCP Agent", 1), ("dhcp agent", 1), ("L3 agent", 0)):
        assert len(api.list("agent", agent_type=text)) == count, text


def test_agents_are_sorted_and_zones_filtered(api: Api) -> None:
    for host, zone in (("host-b", "room-1"), ("host-a", "room-2")):
        agent = {"host": host, "started_at": 1_700_000_000, "availability_zone": zone}
        api.call("POST", "/agents", {"agent": agent})
    agents = api.list("agent", sort_key="host", sort_dir="asc")
    assert [each["host"] for each in agents] == ["host-a", "host-b"]
    zones = api.call("GET", "/availability_zones", params={"name": "room-2"})
    assert [each["name"] for each in zones.json["availability_zones"]] == ["room-2"]


@pytest.mark.parametrize("kind", list(SHARED))
def test_pools_and_scopes_are_shared_by_policies(
    api: Api, settings: Settings, sqlite: Database, kind: str
) -> None:
    path, new, not_found = SHARED[kind]
    made = api.call("POST", path, {kind: new}).json[kind]
    other = Api(create_app(settings, authenticate=lambda _environ: OTHER, database=sqlite))
    other.refused(404, not_found, "GET", f"{path}/{made['id']}")
    policy = {"object_type": kind, "object_id": made["id"], "action": "access_as_shared"}
    body = {"rbac_policy": policy | {"target_tenant": "project-b"}}
    assert api.call("POST", "/rbac-policies", body).status_code == 201
    assert other.call("GET", f"{path}/{made['id']}").json[kind]["shared"] is True

"""RBAC policies: making, finding and ending them, and how they and `shared` follow each other."""

from typing import Any

import pytest

from ipam.api.app import create_app
from ipam.identity.caller import Caller
from ipam.settings import Settings
from ipam.store.engine.database import Database
from tests.api.caller import ADMIN, Api


def share(api: Api, network: dict[str, Any], target: str, **more: Any) -> dict[str, Any]:
    body = {
        "object_type": "network",
        "object_id": network["id"],
        "action": "access_as_shared",
        "target_tenant": target,
        **more,
    }
    answer = api.call("POST", "/rbac-policies", {"rbac_policy": body})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json["rbac_policy"]
    return made


def policies(api: Api, **filters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.call("GET", "/rbac-policies", params=filters).json[
        "rbac_policies"
    ]
    return found


def test_a_policy_lives_and_dies(api_on_each: Api) -> None:
    api = api_on_each
    network = api.create("network")
    made = share(api, network, "project-b")
    assert made == {
        "id": made["id"],
        "project_id": "project-a",
        "tenant_id": "project-a",
        "object_type": "network",
        "object_id": network["id"],
        "action": "access_as_shared",
        "target_tenant": "project-b",
    }
    assert policies(api, object_id=network["id"], target_tenant="project-b") == [made]
    path = f"/rbac-policies/{made['id']}"
    changed = api.call("PUT", path, {"rbac_policy": {"target_tenant": "project-c"}})
    assert changed.json["rbac_policy"] == made | {"target_tenant": "project-c"}
    assert api.call("DELETE", path).status_code == 204
    api.refused(404, "RbacPolicyNotFound", "GET", path)


def test_the_same_policy_twice_is_refused(api_on_each: Api) -> None:
    network = api_on_each.create("network")
    made = share(api_on_each, network, "project-b")
    body = {"rbac_policy": {k: made[k] for k in ("object_type", "object_id", "action")}}
    body["rbac_policy"]["target_tenant"] = "project-b"
    api_on_each.refused(409, "DuplicateRbacPolicy", "POST", "/rbac-policies", body)


@pytest.mark.parametrize(
    ("attributes", "status", "kind"),
    [
        ({"object_type": "car"}, 400, "HTTPBadRequest"),
        ({"action": "look"}, 400, "HTTPBadRequest"),
        ({"object_id": "x"}, 400, "HTTPBadRequest"),
        ({"target_tenant": ""}, 400, "HTTPBadRequest"),
        ({"object_type": "subnetpool", "action": "access_as_external"}, 400, "InvalidInput"),
        ({"object_id": "00000000-0000-0000-0000-000000000000"}, 404, "NetworkNotFound"),
        ({"object_type": "subnetpool"}, 404, "SubnetPoolNotFound"),
        ({"object_type": "address_scope"}, 404, "AddressScopeNotFound"),
    ],
)
def test_a_bad_policy_is_refused(
    api: Api, network: dict[str, Any], attributes: dict[str, Any], status: int, kind: str
) -> None:
    body = {
        "object_type": "network",
        "object_id": network["id"],
        "action": "access_as_shared",
        "target_tenant": "b",
    }
    api.refused(status, kind, "POST", "/rbac-policies", {"rbac_policy": body | attributes})


def test_a_policy_for_everybody_makes_a_network_shared(api: Api, network: dict[str, Any]) -> None:
    share(api, network, "project-b")
    assert api.show("network", network["id"])["shared"] is False
    everybody = share(api, network, "*")
    assert api.show("network", network["id"])["shared"] is True
    api.call("DELETE", f"/rbac-policies/{everybody['id']}")
    assert api.show("network", network["id"])["shared"] is False


def test_a_shared_network_has_a_policy_for_everybody(api: Api) -> None:
    network = api.create("network", shared=True, router__external=True)
    found = {(each["action"], each["target_tenant"]) for each in policies(api)}
    assert found == {("access_as_shared", "*"), ("access_as_external", "*")}
    api.update("network", network["id"], shared=False)
    (left,) = policies(api)
    path = f"/rbac-policies/{left['id']}"
    api.call("PUT", path, {"rbac_policy": {"target_tenant": "project-b"}})
    assert api.show("network", network["id"])["router:external"] is True
    assert api.call("DELETE", path).status_code == 204
    assert api.show("network", network["id"])["router:external"] is False


def test_a_network_is_external_by_a_policy_for_anybody(api: Api, network: dict[str, Any]) -> None:
    share(api, network, "project-b", action="access_as_external")
    share(api, network, "project-c", action="access_as_external")
    assert api.show("network", network["id"])["router:external"] is True
    assert api.show("network", network["id"])["shared"] is False
    changed = api.update("network", network["id"], router__external=False)
    assert changed["router:external"] is False
    assert policies(api) == []


def test_a_member_makes_its_network_external_for_a_project(
    settings: Settings, sqlite: Database
) -> None:
    bob, carol = (
        Caller(user_id=name, project_id=f"project-{name}", role="member")
        for name in ("bob", "carol")
    )
    bobs = Api(create_app(settings, authenticate=lambda _: bob, database=sqlite))
    carols = Api(create_app(settings, authenticate=lambda _: carol, database=sqlite))
    network = bobs.create("network")
    made = share(bobs, network, "project-carol", action="access_as_external")
    assert carols.show("network", network["id"])["router:external"] is True
    everybody = {name: made[name] for name in ("object_type", "object_id", "action")}
    body = {"rbac_policy": {**everybody, "target_tenant": "*"}}
    bobs.refused(403, "PolicyNotAuthorized", "POST", "/rbac-policies", body)


def test_the_default_external_network_stays_everybodys(api: Api) -> None:
    network = api.create("network", router__external=True, is_default=True)
    (everybody,) = policies(api)
    share(api, network, "project-b", action="access_as_external")
    path = f"/rbac-policies/{everybody['id']}"
    message = api.refused(409, "RbacPolicyInUse", "DELETE", path)
    assert "Default external networks must be shared to everyone" in message
    body = {"rbac_policy": {"target_tenant": "project-b"}}
    api.refused(409, "RbacPolicyInUse", "PUT", path, body)
    api.update("network", network["id"], is_default=False)
    assert api.call("DELETE", path).status_code == 204


def test_policies_go_with_their_network(api: Api) -> None:
    network = api.create("network", shared=True)
    share(api, network, "project-b")
    api.delete("network", network["id"])
    assert policies(api) == []


def test_a_policy_that_others_rely_on_stays(api_on_each: Api) -> None:
    api = api_on_each
    network = api.create("network")
    own = share(api, network, "project-b")
    path = f"/rbac-policies/{own['id']}"
    port = api.create("port", network_id=network["id"], project_id="project-b")
    assert port["id"] in api.refused(409, "RbacPolicyInUse", "DELETE", path)
    body = {"rbac_policy": {"target_tenant": "project-c"}}
    api.refused(409, "RbacPolicyInUse", "PUT", path, body)
    everybody = share(api, network, "*")
    assert api.call("DELETE", path).status_code == 204
    api.refused(409, "RbacPolicyInUse", "DELETE", f"/rbac-policies/{everybody['id']}")
    unshared = {"network": {"shared": False}}
    api.refused(409, "InvalidSharedSetting", "PUT", f"/networks/{network['id']}", unshared)
    api.delete("port", port["id"])
    assert api.update("network", network["id"], shared=False)["shared"] is False


def test_the_owners_ports_keep_no_policy(api: Api, network: dict[str, Any]) -> None:
    everybody = share(api, network, "*")
    api.create("port", network_id=network["id"])
    assert api.call("DELETE", f"/rbac-policies/{everybody['id']}").status_code == 204


@pytest.mark.parametrize(
    ("path", "name", "body"),
    [
        ("/subnetpools", "subnetpool", {"prefixes": ["10.0.0.0/8"]}),
        ("/address-scopes", "address_scope", {"ip_version": 4}),
    ],
)
def test_pools_and_scopes_are_shared_by_policies_too(
    api: Api, path: str, name: str, body: dict[str, Any]
) -> None:
    made = api.call("POST", path, {name: {"name": "x", "shared": True, **body}}).json[name]
    assert [each["target_tenant"] for each in policies(api, object_type=name)] == ["*"]
    policy = {
        "object_type": name,
        "object_id": made["id"],
        "action": "access_as_shared",
        "target_tenant": "project-b",
    }
    answer = api.call("POST", "/rbac-policies", {"rbac_policy": policy})
    assert answer.status_code == 201, answer.text
    (everybody,) = policies(api, target_tenant="*")
    assert api.call("DELETE", f"/rbac-policies/{everybody['id']}").status_code == 204
    assert api.call("GET", f"{path}/{made['id']}").json[name]["shared"] is False
    assert api.call("DELETE", f"{path}/{made['id']}").status_code == 204
    assert policies(api) == []


def test_a_pool_that_others_have_subnets_of_stays_shared(api: Api) -> None:
    body = {"name": "x", "shared": True, "prefixes": ["10.0.0.0/8"], "default_prefixlen": 24}
    pool = api.call("POST", "/subnetpools", {"subnetpool": body}).json["subnetpool"]
    theirs = api.create("network", project_id="project-b")
    subnet = {"network_id": theirs["id"], "subnetpool_id": pool["id"], "ip_version": 4}
    made = api.create("subnet", project_id="project-b", **subnet)
    (everybody,) = policies(api)
    path = f"/rbac-policies/{everybody['id']}"
    assert made["id"] in api.refused(409, "RbacPolicyInUse", "DELETE", path)


def test_shared_is_what_is_shared_with_the_reader(settings: Settings, database: Database) -> None:
    member = Caller(user_id="bob", project_id="project-b", role="member")
    admins = Api(create_app(settings, authenticate=lambda _: ADMIN, database=database))
    members = Api(create_app(settings, authenticate=lambda _: member, database=database))
    theirs = admins.create("network", name="theirs")
    admins.create("network", name="hidden")
    admins.create("network", name="everybody's", shared=True)
    members.create("network", name="own")
    share(admins, theirs, "project-b")
    assert {each["name"] for each in members.list("network", shared="True")} == {
        "theirs",
        "everybody's",
    }
    assert [each["name"] for each in members.list("network", shared="False")] == ["own"]
    assert members.show("network", theirs["id"])["shared"] is True
    assert admins.show("network", theirs["id"])["shared"] is False


def test_only_its_owner_and_admins_share_a_network(settings: Settings, sqlite: Database) -> None:
    member = Caller(user_id="bob", project_id="project-b", role="member")
    admins = Api(create_app(settings, authenticate=lambda _: ADMIN, database=sqlite))
    members = Api(create_app(settings, authenticate=lambda _: member, database=sqlite))
    own = members.create("network")
    made = share(members, own, "project-c")
    assert made["project_id"] == "project-b"
    theirs = admins.create("network", shared=True)
    body = {k: made[k] for k in ("object_type", "action")} | {"target_tenant": "project-c"}
    foreign = {"rbac_policy": {**body, "object_id": theirs["id"]}}
    members.refused(400, "InvalidInput", "POST", "/rbac-policies", foreign)
    foreign["rbac_policy"]["object_id"] = admins.create("network")["id"]
    members.refused(404, "NetworkNotFound", "POST", "/rbac-policies", foreign)
    everybody = {"rbac_policy": {**body, "object_id": own["id"], "target_tenant": "*"}}
    members.refused(403, "PolicyNotAuthorized", "POST", "/rbac-policies", everybody)
    (of_theirs,) = policies(admins, object_id=theirs["id"])
    assert policies(members) == [made]
    path = f"/rbac-policies/{of_theirs['id']}"
    members.refused(404, "RbacPolicyNotFound", "DELETE", path)

"""Who sees what and who may change it: personas of two projects against the application."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from ipam.api.app import create_app, make_service, routes
from ipam.api.http.refusal_log import LINES
from ipam.identity.caller import Caller
from ipam.settings import Settings
from ipam.store.engine.database import Database
from tests.api.caller import Api, wire
from tests.changed_settings import changed

ADMIN = Caller("ada", "cloud", "admin")
ALICE = Caller("alice", "alpha", "member")
RITA = Caller("rita", "alpha", "reader")
BOB = Caller("bob", "beta", "member")
NOVA = Caller("nova", "services", "service")

HIDDEN_OF_PORTS = {
    "binding:host_id",
    "binding:profile",
    "binding:vif_type",
    "binding:vif_details",
    "resource_request",
}
HIDDEN_OF_NETWORKS = {
    "provider:network_type",
    "provider:physical_network",
    "provider:segmentation_id",
}


@dataclass(frozen=True)
class Cloud:
    """One application, as each persona calls it."""

    admin: Api
    alice: Api
    rita: Api
    bob: Api
    nova: Api


def cloud_on(settings: Settings, database: Database) -> Cloud:
    caller = ADMIN
    app = create_app(settings, authenticate=lambda _environ: caller, database=database)

    class As(Api):
        def __init__(self, who: Caller) -> None:
            super().__init__(app)
            self.who = who

        def call(self, *args: Any, **kwargs: Any) -> Any:
            nonlocal caller
            caller = self.who
            return super().call(*args, **kwargs)

    return Cloud(As(ADMIN), As(ALICE), As(RITA), As(BOB), As(NOVA))


@pytest.fixture
def cloud(settings: Settings, sqlite: Database) -> Cloud:
    return cloud_on(settings, sqlite)


@pytest.fixture
def cloud_on_each(settings: Settings, database: Database) -> Cloud:
    return cloud_on(settings, database)


def ids(found: list[dict[str, Any]]) -> set[str]:
    return {each["id"] for each in found}


def with_subnet(api: Api, cidr: str = "10.0.0.0/24", **network: Any) -> dict[str, Any]:
    made = api.create("network", **network)
    api.create("subnet", network_id=made["id"], cidr=cidr, ip_version=4, enable_dhcp=False)
    return api.show("network", made["id"])


def share(cloud: Cloud, network: dict[str, Any], target: str, action: str = "shared") -> None:
    policy = {
        "object_type": "network",
        "object_id": network["id"],
        "action": f"access_as_{action}",
        "target_tenant": target,
    }
    result = cloud.admin.call("POST", "/rbac-policies", {"rbac_policy": policy})
    assert result.status_code == 201, result.text


def test_lists_show_ones_own_and_what_is_shared(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    own = with_subnet(cloud.alice)
    shared = with_subnet(cloud.admin, shared=True)
    external = with_subnet(cloud.admin, router__external=True)
    for_alpha = with_subnet(cloud.bob)
    share(cloud, for_alpha, "alpha")
    known_to_all = with_subnet(cloud.admin)
    share(cloud, known_to_all, "*", "external")
    hidden = with_subnet(cloud.bob)
    everything = [own, shared, external, for_alpha, known_to_all, hidden]
    seen = [own, shared, external, for_alpha, known_to_all]
    for api in (cloud.alice, cloud.rita):
        assert ids(api.list("network")) == ids(seen)
        assert ids(api.list("network", id=[n["id"] for n in everything])) == ids(seen)
        subnets = {subnet_id for network in seen for subnet_id in network["subnets"]}
        assert ids(api.list("subnet")) == subnets
        assert api.list("subnet", network_id=hidden["id"]) == []
    for api in (cloud.admin, cloud.nova):
        assert ids(api.list("network")) == ids(everything)


def test_pages_of_what_is_seen_are_full_and_in_order(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    seen = []
    for number in range(4):
        seen.append(cloud.alice.create("network", name=f"n{number}")["id"])
        cloud.bob.create("network", name=f"n{number}")
        seen.append(cloud.admin.create("network", name=f"n{number}", shared=True)["id"])
    found: list[str] = []
    marker: dict[str, str] = {}
    while page := cloud.rita.list("network", limit=3, sort_key="name", **marker):
        found += [each["id"] for each in page]
        marker = {"marker": found[-1]}
    assert found == seen
    stranger = cloud.bob.list("network", name="n0", shared=False)[0]["id"]
    path = f"/networks?limit=1&marker={stranger}"
    assert "no item has id" in cloud.alice.refused(400, "HTTPBadRequest", "GET", path)


def test_ports_are_seen_by_their_project_and_by_the_networks_owner(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    network = with_subnet(cloud.alice)
    share(cloud, network, "beta")
    of_bob = cloud.bob.create("port", network_id=network["id"], device_id="vm")
    of_alice = cloud.alice.create("port", network_id=network["id"], device_id="vm")
    for params in ({}, {"device_id": "vm"}, {"network_id": network["id"]}):
        assert ids(cloud.rita.list("port", **params)) == ids([of_bob, of_alice])
        assert ids(cloud.bob.list("port", **params)) == ids([of_bob])
        assert ids(cloud.nova.list("port", **params)) == ids([of_bob, of_alice])
    cloud.bob.refused(404, "PortNotFound", "GET", f"/ports/{of_alice['id']}")


def test_what_may_not_be_seen_is_not_found_by_any_method(cloud: Cloud) -> None:
    network = with_subnet(cloud.bob)
    port = cloud.bob.create("port", network_id=network["id"])
    for kind, resource_id in (
        ("network", network["id"]),
        ("subnet", network["subnets"][0]),
        ("port", port["id"]),
    ):
        path, missing = f"/{kind}s/{resource_id}", f"{kind.capitalize()}NotFound"
        never = "3f2d3f4e-8c5d-4a0e-9f3b-000000000000"
        for api in (cloud.alice, cloud.rita):
            for method, body in (("GET", None), ("PUT", {kind: {"name": "x"}}), ("DELETE", None)):
                told = api.refused(404, missing, method, path, body)
                for_nothing = api.refused(404, missing, method, f"/{kind}s/{never}", body)
                assert told.replace(resource_id, never) == for_nothing
            api.refused(404, missing, "GET", f"{path}/tags")
            api.refused(404, missing, "PUT", f"{path}/tags/x")
    assert cloud.bob.show("network", network["id"])["name"] == ""


def test_a_reader_reads_and_a_stranger_to_a_shared_network_leaves_it_alone(cloud: Cloud) -> None:
    network = with_subnet(cloud.alice)
    subnet_id = network["subnets"][0]
    share(cloud, network, "beta")
    for api in (cloud.rita, cloud.bob):
        for path, kind in (
            (f"/networks/{network['id']}", "network"),
            (f"/subnets/{subnet_id}", "subnet"),
        ):
            assert api.call("GET", path).status_code == 200
            api.refused(403, "PolicyNotAuthorized", "PUT", path, {kind: {"name": "x"}})
            api.refused(403, "PolicyNotAuthorized", "DELETE", path)
            api.refused(403, "PolicyNotAuthorized", "PUT", f"{path}/tags/x")
        body = {"subnet": {"network_id": network["id"], "cidr": "10.9.0.0/24", "ip_version": 4}}
        api.refused(403, "PolicyNotAuthorized", "POST", "/subnets", body)
    cloud.rita.refused(403, "PolicyNotAuthorized", "POST", "/networks", {"network": {}})
    body = {"port": {"network_id": network["id"]}}
    cloud.rita.refused(403, "PolicyNotAuthorized", "POST", "/ports", body)
    cloud.alice.update("subnet", subnet_id, name="y")


def test_on_a_network_one_cannot_see_nothing_can_be_made(cloud: Cloud) -> None:
    network = with_subnet(cloud.bob)
    for kind, more in (("port", {}), ("subnet", {"cidr": "10.9.0.0/24", "ip_version": 4})):
        body = {"network_id": network["id"], **more}
        cloud.alice.refused(404, "NetworkNotFound", "POST", f"/{kind}s", {kind: body})
        bulk = {f"{kind}s": [body, body]}
        cloud.alice.refused(404, "NetworkNotFound", "POST", f"/{kind}s", bulk)


def test_an_external_network_takes_no_ports_of_projects(cloud: Cloud) -> None:
    network = with_subnet(cloud.admin, router__external=True)
    body = {"port": {"network_id": network["id"]}}
    cloud.alice.refused(403, "PolicyNotAuthorized", "POST", "/ports", body)
    cloud.nova.create("port", network_id=network["id"])


@pytest.mark.parametrize(
    "attributes",
    [
        {"fixed_ips": [{"ip_address": "10.0.0.77"}]},
        {"mac_address": "fa:16:3e:00:00:77"},
        {"device_owner": "network:dhcp"},
        {"allowed_address_pairs": [{"ip_address": "10.0.0.78"}]},
        {"port_security_enabled": True},
        {"port_security_enabled": False},
    ],
    ids=str,
)
def test_the_shape_of_a_port_is_the_network_owners_to_choose(
    cloud: Cloud, attributes: dict[str, Any]
) -> None:
    network = with_subnet(cloud.alice)
    share(cloud, network, "beta")
    body = {"port": {"network_id": network["id"], **attributes}}
    cloud.bob.refused(403, "PolicyNotAuthorized", "POST", "/ports", body)
    of_bob = cloud.bob.create("port", network_id=network["id"], device_owner="compute:nova")
    change = {"port": attributes}
    cloud.bob.refused(403, "PolicyNotAuthorized", "PUT", f"/ports/{of_bob['id']}", change)
    cloud.alice.create("port", **body["port"])


EMPTY_SHAPES = [
    {"port_security_enabled": 0},
    {"port_security_enabled": "off"},
    {"port_security_enabled": None},
    {"mac_address": ""},
    {"mac_address": None},
    {"allowed_address_pairs": []},
    {"allowed_address_pairs": None},
    {"fixed_ips": [{"ip_address": None}]},
    {"fixed_ips": [{"ip_address": ""}]},
    {"binding:host_id": ""},
    {"binding:host_id": None},
    {"binding:profile": {}},
    {"binding:profile": None},
]


@pytest.mark.parametrize("attributes", EMPTY_SHAPES, ids=str)
def test_an_attribute_with_a_rule_may_not_be_given_as_nothing_either(
    cloud: Cloud, attributes: dict[str, Any]
) -> None:
    network = with_subnet(cloud.admin, shared=True)
    body = {"port": {"network_id": network["id"], **attributes}}
    cloud.bob.refused(403, "PolicyNotAuthorized", "POST", "/ports", body)
    bulk = {"ports": [{"network_id": network["id"]}, body["port"]]}
    cloud.bob.refused(403, "PolicyNotAuthorized", "POST", "/ports", bulk)
    of_bob = cloud.bob.create("port", network_id=network["id"])
    changed = cloud.bob.call("PUT", f"/ports/{of_bob['id']}", {"port": attributes})
    assert changed.status_code in (400, 403)  # faults of the body come first
    before = cloud.admin.show("port", of_bob["id"])
    assert before["port_security_enabled"] is True


@pytest.mark.parametrize("value", [False, 0, "false", "No", "0"])
def test_what_equals_the_default_needs_no_right_however_it_is_written(
    cloud: Cloud, value: Any
) -> None:
    for name in ("shared", "router:external", "is_default"):
        made = cloud.alice.call("POST", "/networks", {"network": {name: value}})
        assert made.status_code == 201
        body = {"network": {name: value}}
        path = f"/networks/{made.json['network']['id']}"
        cloud.alice.refused(403, "PolicyNotAuthorized", "PUT", path, body)


@pytest.mark.parametrize(
    "device_owner", [" network:dhcp", "Network:dhcp", "n\u0435twork:dhcp", "\uff4eetwork:dhcp"]
)
def test_what_reads_like_the_clouds_own_port_is_not_for_strangers(
    cloud: Cloud, device_owner: str
) -> None:
    network = with_subnet(cloud.alice)
    share(cloud, network, "beta")
    body = {"port": {"network_id": network["id"], "device_owner": device_owner}}
    cloud.bob.refused(403, "PolicyNotAuthorized", "POST", "/ports", body)
    of_bob = cloud.bob.create("port", network_id=network["id"])
    path = f"/ports/{of_bob['id']}"
    cloud.bob.refused(
        403, "PolicyNotAuthorized", "PUT", path, {"port": {"device_owner": device_owner}}
    )
    cloud.alice.create("port", **body["port"])


def test_a_server_of_another_project_is_nobodys_device(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    network = with_subnet(cloud.admin, shared=True)
    server = "5f3a1b2c-0000-4000-8000-00000000000a"
    device = {"device_id": server, "device_owner": "compute:nova"}
    cloud.alice.create("port", network_id=network["id"], **device)
    refusal = (409, "DeviceIDNotOwnedByTenant")
    for owner in ("compute:nova", " Compute:x"):
        body = {"port": {"network_id": network["id"], **device, "device_owner": owner}}
        cloud.bob.refused(*refusal, "POST", "/ports", body)
    half = cloud.bob.create("port", network_id=network["id"], device_id=server)  # as Nova does
    path = f"/ports/{half['id']}"
    cloud.bob.refused(*refusal, "PUT", path, {"port": {"device_owner": "compute:nova"}})
    cloud.alice.create("port", network_id=network["id"], **device)  # nobody bars the owner
    cloud.nova.update("port", half["id"], device_owner="compute:nova")
    other = cloud.bob.create("port", network_id=network["id"], device_owner="compute:nova")
    cloud.bob.refused(*refusal, "PUT", f"/ports/{other['id']}", {"port": {"device_id": server}})
    cloud.bob.update("port", half["id"], name="mine")
    cloud.alice.create("port", network_id=network["id"], device_id="vm", device_owner="compute:a")
    cloud.bob.create("port", network_id=network["id"], device_id="vm", device_owner="compute:a")


def test_a_routers_port_is_for_admins_as_there_are_no_routers(cloud: Cloud) -> None:
    network = with_subnet(cloud.alice)
    port = {"network_id": network["id"], "device_owner": "network:router_interface"}
    router = {**port, "device_id": "5f3a1b2c-0000-4000-8000-00000000000b"}
    cloud.alice.refused(409, "DeviceIDNotOwnedByTenant", "POST", "/ports", {"port": router})
    cloud.alice.create("port", **port)
    cloud.admin.create("port", **router)


def test_a_subnet_of_a_shared_network_may_be_chosen(cloud: Cloud) -> None:
    network = with_subnet(cloud.admin, shared=True)
    wish = [{"subnet_id": network["subnets"][0]}]
    port = cloud.bob.create("port", network_id=network["id"], fixed_ips=wish)
    cloud.bob.update("port", port["id"], fixed_ips=wish)


def test_where_machines_run_is_for_admins_and_services(cloud: Cloud) -> None:
    network = with_subnet(cloud.alice)
    port = cloud.alice.create("port", network_id=network["id"])
    path = f"/ports/{port['id']}"
    for name, value in (("binding:host_id", "h"), ("binding:profile", {"a": 1})):
        body = {"port": {name: value}}
        cloud.alice.refused(403, "PolicyNotAuthorized", "PUT", path, body)
        body = {"port": {"network_id": network["id"], name: value}}
        cloud.alice.refused(403, "PolicyNotAuthorized", "POST", "/ports", body)
    bound = cloud.nova.update("port", port["id"], binding__host_id="h")
    assert bound["binding:host_id"] == "h"
    assert HIDDEN_OF_PORTS.isdisjoint(port)
    shown = cloud.alice.show("port", port["id"])
    assert shown.keys() == bound.keys() - HIDDEN_OF_PORTS
    assert cloud.alice.list("port")[0].keys() == shown.keys()
    assert cloud.alice.update("port", port["id"], name="x").keys() == shown.keys()
    answer = cloud.alice.call("GET", f"{path}?fields=id&fields=binding:host_id").json
    assert answer == {"port": {"id": port["id"]}}
    for query in ("binding:host_id=h", "sort_key=binding:vif_type"):
        cloud.alice.refused(403, "PolicyNotAuthorized", "GET", f"/ports?{query}")


def test_where_networks_are_is_for_admins_and_services(cloud: Cloud) -> None:
    attributes = {
        "provider__network_type": "vlan",
        "provider__physical_network": "physnet1",
        "provider__segmentation_id": 7,
    }
    body = {"network": wire(attributes)}
    cloud.alice.refused(403, "PolicyNotAuthorized", "POST", "/networks", body)
    made = cloud.admin.create("network", project_id="alpha", **attributes)
    assert cloud.alice.show("network", made["id"]).keys() == made.keys() - HIDDEN_OF_NETWORKS
    assert cloud.nova.show("network", made["id"]) == made


@pytest.mark.parametrize("name", ["shared", "router:external", "is_default"])
def test_what_touches_other_projects_is_for_admins(cloud: Cloud, name: str) -> None:
    refusal = (403, "PolicyNotAuthorized")
    cloud.alice.refused(*refusal, "POST", "/networks", {"network": {name: True}})
    made = cloud.alice.call("POST", "/networks", {"network": {name: False}}).json["network"]
    path = f"/networks/{made['id']}"
    cloud.alice.refused(*refusal, "PUT", path, {"network": {name: True}})
    bulk = {"networks": [{"name": "fine"}, {name: True}]}
    cloud.alice.refused(*refusal, "POST", "/networks", bulk)
    assert len(cloud.alice.list("network")) == 1


def test_only_an_admin_makes_things_for_another_project(cloud: Cloud) -> None:
    for name in ("project_id", "tenant_id"):
        body = {"network": {name: "beta"}}
        for api in (cloud.alice, cloud.nova):
            message = api.refused(400, "HTTPBadRequest", "POST", "/networks", body)
            assert "requires admin privileges" in message
        own = cloud.alice.create("network", **{name: "alpha"})
        assert own["project_id"] == "alpha"
        assert cloud.admin.create("network", **{name: "beta"})["project_id"] == "beta"
        on_it = {"network_id": own["id"], name: "beta"}
        subnet = {**on_it, "cidr": "10.0.0.0/24", "ip_version": 4}
        cloud.alice.refused(400, "HTTPBadRequest", "POST", "/ports", {"port": on_it})
        cloud.alice.refused(400, "HTTPBadRequest", "POST", "/subnets", {"subnet": subnet})
        body = {"network": {name: "beta", "shared": "True"}}
        cloud.alice.refused(400, "HTTPBadRequest", "POST", "/networks", body)


def test_agents_are_for_admins_and_services(cloud: Cloud) -> None:
    agent = {"host": "h", "started_at": 1, "configurations": {}}
    made = cloud.nova.call("POST", "/agents", {"agent": agent}).json["agent"]
    for api in (cloud.alice, cloud.rita):
        assert api.list("agent") == []
        api.refused(404, "AgentNotFound", "GET", f"/agents/{made['id']}")
        api.refused(403, "PolicyNotAuthorized", "GET", f"/agents/{made['id']}/dhcp-state")
        api.refused(403, "PolicyNotAuthorized", "POST", "/agents", {"agent": agent})
        api.refused(403, "PolicyNotAuthorized", "POST", "/lease-events", {"lease_events": []})
    cloud.nova.refused(404, "AgentNotFound", "DELETE", f"/agents/{made['id']}")
    cloud.admin.show("agent", made["id"])


def test_leases_and_their_history_are_seen_by_their_project(cloud: Cloud) -> None:
    network = with_subnet(cloud.alice)
    port = cloud.alice.create("port", network_id=network["id"])
    seen = {
        "id": "0" * 32,
        "network_id": network["id"],
        "host": "h",
        "action": "add",
        "ip_address": port["fixed_ips"][0]["ip_address"],
        "mac_address": port["mac_address"],
        "expires_at": None,
        "occurred_at_us": 1,
        "details": {},
    }
    assert cloud.nova.call("POST", "/lease-events", {"lease_events": [seen]}).status_code == 200
    for path, name in (("/leases", "leases"), ("/lease-events", "lease_events")):
        (one,) = cloud.rita.call("GET", path).json[name]
        assert one["project_id"] == "alpha"
        assert cloud.rita.call("GET", f"{path}/{one['id']}").status_code == 200
        assert cloud.bob.call("GET", path).json == {name: []}
        assert cloud.bob.call("GET", f"{path}/{one['id']}").status_code == 404
        assert cloud.nova.call("GET", path).json == {name: []}
        assert len(cloud.admin.call("GET", path).json[name]) == 1


def test_a_project_asks_for_its_own_quota(cloud: Cloud) -> None:
    assert cloud.alice.call("GET", "/quotas/alpha").status_code == 200
    cloud.alice.refused(403, "PolicyNotAuthorized", "GET", "/quotas/beta")
    cloud.alice.refused(403, "PolicyNotAuthorized", "PUT", "/quotas/alpha", {"quota": {}})
    assert cloud.nova.call("GET", "/quotas/beta").status_code == 200


def test_a_member_filters_by_network_type_and_does_not_see_it(cloud: Cloud) -> None:
    network = cloud.alice.create("network")
    assert ids(cloud.alice.list("network", provider__network_type="local")) == {network["id"]}
    assert cloud.alice.list("network", provider__network_type="vlan") == []
    assert "provider:network_type" not in cloud.alice.show("network", network["id"])
    refusal = (403, "PolicyNotAuthorized", "GET")
    cloud.alice.refused(*refusal, "/networks?provider:physical_network=x")
    cloud.alice.refused(*refusal, "/networks?sort_key=provider:network_type")


def test_a_subnets_owner_sets_its_service_types(cloud: Cloud) -> None:
    network = cloud.alice.create("network")
    made = cloud.alice.create(
        "subnet",
        network_id=network["id"],
        cidr="10.0.0.0/24",
        ip_version=4,
        service_types=["compute:nova"],
    )
    changed = cloud.alice.update("subnet", made["id"], service_types=["network:dhcp"])
    assert changed["service_types"] == ["network:dhcp"]


def test_who_sees_an_external_network_sees_its_subnets(cloud: Cloud) -> None:
    external = with_subnet(cloud.admin, router__external=True)
    (subnet,) = cloud.bob.list("subnet", network_id=external["id"])
    assert subnet["router:external"] is True
    aliases = {one["alias"] for one in cloud.bob.call("GET", "/extensions").json["extensions"]}
    assert "subnet-external-network" in aliases
    for_alpha = with_subnet(cloud.admin)
    share(cloud, for_alpha, "alpha")
    (shared,) = cloud.alice.list("subnet", shared="True")
    assert shared["network_id"] == for_alpha["id"]
    assert cloud.bob.list("subnet", shared="True") == []


def test_an_owner_shares_with_a_project_and_not_with_all(cloud: Cloud) -> None:
    network = cloud.alice.create("network")
    policy = {"object_type": "network", "object_id": network["id"], "action": "access_as_shared"}
    refusal = (403, "PolicyNotAuthorized")
    path = "/rbac-policies"
    for change in (
        {"target_tenant": "*"},
        {"target_tenant": "*", "action": "access_as_external"},
    ):
        cloud.alice.refused(*refusal, "POST", path, {"rbac_policy": {**policy, **change}})
    cloud.rita.refused(*refusal, "POST", path, {"rbac_policy": {**policy, "target_tenant": "b"}})
    body = {"rbac_policy": {**policy, "target_tenant": "beta"}}
    made = cloud.alice.call("POST", path, body).json["rbac_policy"]
    cloud.alice.refused(
        *refusal, "PUT", f"{path}/{made['id']}", {"rbac_policy": {"target_tenant": "*"}}
    )
    assert ids(cloud.bob.list("network")) == {network["id"]}
    assert cloud.bob.call("GET", path).json == {"rbac_policies": []}
    cloud.bob.refused(404, "RbacPolicyNotFound", "DELETE", f"{path}/{made['id']}")
    assert cloud.alice.call("DELETE", f"{path}/{made['id']}").status_code == 204
    assert cloud.bob.list("network") == []


def test_each_refusal_is_logged_once_with_who_what_and_why(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    network = cloud.bob.create("network")
    path = f"/networks/{network['id']}"
    with caplog.at_level(logging.WARNING):
        cloud.alice.refused(
            403, "PolicyNotAuthorized", "POST", "/networks", {"network": {"shared": True}}
        )
        cloud.alice.refused(404, "NetworkNotFound", "GET", path)
        cloud.alice.refused(404, "NetworkNotFound", "DELETE", path)
        cloud.alice.refused(404, "NetworkNotFound", "GET", "/networks/never")
    refused, *hidden = [record.getMessage() for record in caplog.records]
    who = "user alice of project alpha (member,reader)"
    what = f"refused {who}: POST /v2.0/networks: rule:create_network:shared is disallowed"
    assert refused.startswith(what)
    assert "[req-" in refused
    assert hidden == [f"hidden from {who}: network {network['id']}: rule:get_network"] * 2


def test_who_asks_again_and_again_for_what_is_hidden_fills_no_log(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    network = cloud.bob.create("network")
    port = {"port": {"network_id": network["id"]}}
    with caplog.at_level(logging.WARNING):
        for _ in range(LINES):
            cloud.alice.call("GET", f"/networks/{network['id']}")
            cloud.alice.call("DELETE", f"/networks/{network['id']}")
            cloud.alice.call("POST", "/ports", port)
    hidden = [one for one in caplog.records if one.getMessage().startswith("hidden from")]
    assert len(hidden) == LINES


def test_a_caller_without_a_project_is_let_into_nothing(
    settings: Settings, sqlite: Database
) -> None:
    for role in ("admin", "member"):
        unscoped = Caller("ada", "", role)
        api = Api(create_app(settings, authenticate=lambda _: unscoped, database=sqlite))  # noqa: B023  # used in the same turn
        api.refused(403, "PolicyNotAuthorized", "GET", "/networks")


def test_a_caller_without_a_role_is_let_into_nothing(settings: Settings, sqlite: Database) -> None:
    unnamed = Caller("ann", "alpha")
    api = Api(create_app(settings, authenticate=lambda _: unnamed, database=sqlite))
    for path in ("/networks", "/extensions", "/availability_zones"):
        message = api.refused(403, "PolicyNotAuthorized", "GET", path)
        assert "has no role, and without one no right" in message


def test_every_operation_names_a_rule_that_exists(settings: Settings, sqlite: Database) -> None:
    service = make_service(settings, sqlite)
    for path, route in routes(service):
        for method, operation in route.operations.items():
            if not operation.public:
                assert service.policy.has(operation.rule), f"{method} {path}"


def test_what_a_list_costs_does_not_depend_on_who_asks(
    settings: Settings, sqlite: Database
) -> None:
    cloud = cloud_on(settings, sqlite)
    network = with_subnet(cloud.alice)
    for _ in range(3):
        cloud.alice.create("port", network_id=network["id"])
    statements: list[str] = []
    event.listen(
        sqlite.engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, *_rest: statements.append(statement),
    )

    def cost(call: Callable[[], Any]) -> int:
        statements.clear()
        call()
        return sum(not each.startswith(("BEGIN", "PRAGMA")) for each in statements)

    for kind in ("network", "subnet", "port"):
        assert cost(lambda k=kind: cloud.rita.list(k)) == cost(lambda k=kind: cloud.admin.list(k))  # type: ignore[misc]  # bound in the same turn
    one = cloud.alice.list("port")[0]["id"]
    as_admin = cost(lambda: cloud.admin.update("port", one, name="x"))
    assert cost(lambda: cloud.alice.update("port", one, name="y")) == as_admin + 1


def test_a_policy_file_is_obeyed(tmp_path: Path, settings: Settings, sqlite: Database) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text('"create_network": "rule:context_is_admin"\n')
    cloud_on(settings, sqlite)  # registers the option
    cloud = cloud_on(changed(settings, "oslo_policy", policy_file=str(file)), sqlite)
    cloud.alice.refused(403, "PolicyNotAuthorized", "POST", "/networks", {"network": {}})
    cloud.admin.create("network")

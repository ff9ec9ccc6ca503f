from typing import Any

import pytest

from tests.api.caller import Api

DEFAULTS = {
    "name": "",
    "tenant_id": "project-a",
    "project_id": "project-a",
    "admin_state_up": True,
    "status": "ACTIVE",
    "shared": False,
    "mtu": 1500,
    "dns_domain": "",
    "dns_servers": None,
    "router:external": False,
    "is_default": False,
    "port_security_enabled": True,
    "provider:network_type": "local",
    "provider:physical_network": None,
    "provider:segmentation_id": None,
    "subnets": [],
    "availability_zones": [],
    "availability_zone_hints": [],
    "ipv4_address_scope": None,
    "ipv6_address_scope": None,
    "qos_policy_id": None,
    "description": "",
    "tags": [],
    "revision_number": 0,
}


def test_a_network_lives_and_dies(api_on_each: Api) -> None:
    api = api_on_each
    made = api.create("network", name="blue", mtu=1400, router__external=True)
    assert made["name"] == "blue"
    assert made["router:external"] is True
    changed = api.update("network", made["id"], name="green", mtu=9000)
    assert (changed["name"], changed["mtu"], changed["revision_number"]) == ("green", 9000, 1)
    assert api.show("network", made["id"]) == changed
    api.delete("network", made["id"])
    api.refused(404, "NetworkNotFound", "GET", f"/networks/{made['id']}")


def test_a_network_of_nothing_has_neutrons_defaults(api: Api) -> None:
    made = api.create("network")
    assert {name: made[name] for name in DEFAULTS} == DEFAULTS
    assert made["created_at"] == made["updated_at"]
    assert made["created_at"].endswith("Z")


@pytest.mark.parametrize("name", ["project_id", "tenant_id"])
def test_both_names_of_the_project_are_accepted_and_returned(api: Api, name: str) -> None:
    made = api.create("network", **{name: "other"})
    assert made["project_id"] == made["tenant_id"] == "other"


def test_two_different_projects_are_refused(api: Api) -> None:
    body = {"network": {"project_id": "a", "tenant_id": "b"}}
    assert "do not match" in api.refused(400, "HTTPBadRequest", "POST", "/networks", body)


@pytest.mark.parametrize(
    ("attributes", "part"),
    [
        ({"foo": 1}, "Unrecognized attribute(s) 'foo'"),
        ({"status": "DOWN"}, "Attribute 'status' not allowed in POST"),
        ({"name": "x" * 256}, "name"),
        ({"name": 5}, "name"),
        ({"name": "a\0b"}, "Control character"),
        ({"admin_state_up": "maybe"}, "admin_state_up"),
        ({"mtu": 10}, "mtu"),
        ({"mtu": 1e400}, ""),
        ({"mtu": 2**70}, "mtu"),
        ({"dns_domain": "a,b"}, "dns_domain"),
        ({"dns_servers": ["dns.example.org"]}, "dns_servers"),
        ({"dns_servers": ["0.0.0.0"]}, "no single host"),
        ({"dns_servers": ["255.255.255.255"]}, "no single host"),
        ({"dns_servers": ["192.0.2.53"] * 6}, "dns_servers"),
        ({"provider:network_type": "magic"}, "provider:network_type"),
    ],
)
def test_a_bad_attribute_is_refused(api: Api, attributes: dict[str, Any], part: str) -> None:
    message = api.refused(400, "HTTPBadRequest", "POST", "/networks", {"network": attributes})
    assert part in message
    assert api.list("network") == []


def test_a_network_has_name_servers_of_its_own_or_none_or_those_of_its_hosts(
    api_on_each: Api,
) -> None:
    made = api_on_each.create("network", dns_servers=["2001:DB8::53", "192.0.2.53"])
    assert made["dns_servers"] == ["2001:db8::53", "192.0.2.53"]
    for servers in ([], None, ["192.0.2.1"]):
        api_on_each.update("network", made["id"], dns_servers=servers)
        assert api_on_each.show("network", made["id"])["dns_servers"] == servers


def test_a_name_of_255_characters_is_kept(api_on_each: Api) -> None:
    name = "ä😀" + "x" * 253
    made = api_on_each.create("network", name=name)
    assert api_on_each.show("network", made["id"])["name"] == name


def test_a_network_with_ports_is_not_deleted(api: Api, network: dict[str, Any]) -> None:
    port = api.create("port", network_id=network["id"])
    path = f"/networks/{network['id']}"
    assert "ports still in use" in api.refused(409, "NetworkInUse", "DELETE", path)
    api.delete("port", port["id"])
    api.delete("network", network["id"])


def test_deleting_a_network_takes_its_subnets_and_dhcp_port_along(api_on_each: Api) -> None:
    api = api_on_each
    network = api.create("network")
    api.create("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
    api.create("subnet", network_id=network["id"], cidr="2001:db8::/64", ip_version=6)
    assert [port["device_owner"] for port in api.list("port")] == ["network:dhcp"]
    assert len(api.show("network", network["id"])["subnets"]) == 2
    api.delete("network", network["id"])
    assert api.list("port") == api.list("subnet") == api.list("network") == []


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_another_revision_is_refused_by_if_match(
    api: Api, network: dict[str, Any], method: str
) -> None:
    path = f"/networks/{network['id']}"
    body = {"network": {"name": "x"}} if method == "PUT" else None
    kind = "RevisionNumberConstraintFailed"
    for other in ("7", "-1", "9" * 30):
        wrong = {"If-Match": f"revision_number={other}"}
        assert "current revision is 0" in api.refused(412, kind, method, path, body, headers=wrong)
    broken = {"If-Match": "something"}
    api.refused(400, "HTTPBadRequest", method, path, body, headers=broken)
    right = {"If-Match": "revision_number=0"}
    assert api.call(method, path, body, headers=right).status_code in (200, 204)


def test_a_change_to_the_same_values_is_no_new_revision(api: Api, network: dict[str, Any]) -> None:
    assert api.update("network", network["id"], name="net")["revision_number"] == 0


def test_a_subnet_raises_the_revision_of_its_network(
    api: Api, network: dict[str, Any], subnet: dict[str, Any]
) -> None:
    assert api.show("network", subnet["network_id"])["revision_number"] == 1


def test_a_read_only_attribute_is_refused_in_an_update(api: Api, network: dict[str, Any]) -> None:
    path, body = f"/networks/{network['id']}", {"network": {"id": "x", "tenant_id": "y"}}
    message = api.refused(400, "HTTPBadRequest", "PUT", path, body)
    assert "'id' not allowed in PUT" in message
    assert "'tenant_id' not allowed in PUT" in message


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("network", "NetworkNotFound"),
        ("subnet", "SubnetNotFound"),
        ("port", "PortNotFound"),
    ],
)
@pytest.mark.parametrize("resource_id", ["nonsense", "a%00b", "0" * 32, "%F0%28"])
def test_an_id_that_is_no_uuid_is_not_found(
    api: Api, method: str, name: str, kind: str, resource_id: str
) -> None:
    body: Any = {name: {}} if method == "PUT" else None
    api.refused(404, kind, method, f"/{name}s/{resource_id}", body)


def test_several_networks_are_made_at_once(api: Api) -> None:
    body = {"networks": [{"name": "a"}, {"name": "b"}]}
    result = api.call("POST", "/networks", body)
    assert result.status_code == 201
    assert [network["name"] for network in result.json["networks"]] == ["a", "b"]


def test_items_of_a_bulk_may_stand_under_their_singular_name(api: Api) -> None:
    body = {"networks": [{"network": {"name": "a"}}, {"name": "b"}]}
    result = api.call("POST", "/networks", body)
    assert result.status_code == 201, result.text
    assert [network["name"] for network in result.json["networks"]] == ["a", "b"]
    mixed = {"networks": [{"network": {"name": "a"}, "mtu": 1400}]}
    message = api.refused(400, "HTTPBadRequest", "POST", "/networks", mixed)
    assert "Unrecognized attribute(s) 'network'" in message
    faulty = {"networks": [{"network": {"name": "a"}}, {"network": {"mtu": "wide"}}]}
    message = api.refused(400, "HTTPBadRequest", "POST", "/networks", faulty)
    assert message.startswith("[1] Invalid input for mtu")


def test_one_bad_network_of_several_spoils_all_and_is_named(api: Api) -> None:
    body: dict[str, Any] = {"networks": [{"name": "a"}, {"name": 5}, {"foo": 1}]}
    message = api.refused(400, "HTTPBadRequest", "POST", "/networks", body)
    assert "[1] Invalid input for name" in message
    assert "[2] Unrecognized" in message
    assert api.list("network") == []


def test_ipv6_and_a_small_mtu_exclude_each_other(api: Api) -> None:
    small = api.create("network", mtu=1279)
    subnet = {"network_id": small["id"], "cidr": "2001:db8::/64", "ip_version": 6}
    said = api.refused(409, "NetworkMTUSubnetConflict", "POST", "/subnets", {"subnet": subnet})
    assert small["id"] in said
    assert "1280" in said
    api.create("subnet", network_id=small["id"], cidr="10.0.0.0/24", ip_version=4)
    api.update("network", small["id"], mtu=1280)
    api.create("subnet", **subnet)
    body = {"network": {"mtu": 1279}}
    path = f"/networks/{small['id']}"
    api.refused(409, "NetworkMTUSubnetConflict", "PUT", path, body)
    assert api.show("network", small["id"])["mtu"] == 1280

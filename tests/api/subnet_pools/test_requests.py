"""Subnet pools, address scopes, and subnets taken from a pool."""

from typing import Any

import falcon
import pytest

from ipam.api.app import create_app
from ipam.identity.caller import Caller
from ipam.settings import Settings
from ipam.store.engine.database import Database
from tests.api.caller import Api

BOB = Caller(user_id="bob", project_id="project-b", role="member")


def new_scope(api: Api, **attributes: Any) -> dict[str, Any]:
    result = api.call(
        "POST", "/address-scopes", {"address_scope": {"ip_version": 4, **attributes}}
    )
    assert result.status_code == 201, result.text
    made: dict[str, Any] = result.json["address_scope"]
    return made


@pytest.fixture
def pool(api: Api) -> dict[str, Any]:
    return api.create(
        "subnetpool", name="corp", prefixes=["10.1.0.0/16", "10.0.0.0/16"], default_prefixlen=24
    )


@pytest.fixture
def bob(settings: Settings, sqlite: Database) -> Api:
    """Calls of a member of another project to the same database."""
    application: falcon.App[Any, Any] = create_app(
        settings, authenticate=lambda _environ: BOB, database=sqlite
    )
    return Api(application)


def lengths(pool: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(pool[f"{name}_prefixlen"] for name in ("min", "default", "max"))


def take(api: Api, pool: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    """A subnet of the pool on a network of its own."""
    network = api.create("network")
    return api.create(
        "subnet",
        network_id=network["id"],
        ip_version=pool["ip_version"],
        subnetpool_id=pool["id"],
        **attributes,
    )


def asked(api: Api, **attributes: Any) -> dict[str, Any]:
    return {"subnet": {"network_id": api.create("network")["id"], "ip_version": 4, **attributes}}


def test_a_pool_shows_what_it_was_made_of_with_defaults_and_merged_prefixes(api: Api) -> None:
    made = api.create("subnetpool", name="corp", prefixes=["10.1.0.0/16", "10.0.0.0/16"])
    assert made["prefixes"] == ["10.0.0.0/15"]
    assert made["ip_version"] == 4
    assert lengths(made) == ("8", "8", "32")
    assert made["default_quota"] is None
    assert made["is_default"] is made["shared"] is False
    assert made["address_scope_id"] is None
    assert made["project_id"] == made["tenant_id"] == "project-a"
    assert api.show("subnetpool", made["id"]) == made
    six = api.create("subnetpool", prefixes=["2001:db8::/48"])
    assert (lengths(six), six["ip_version"]) == (("64", "64", "128"), 6)
    assert [one["id"] for one in api.list("subnetpool", ip_version=6)] == [six["id"]]


def test_prefix_lengths_come_as_text_or_number_and_are_shown_as_text(api: Api) -> None:
    made = api.create(
        "subnetpool", prefixes=["10.0.0.0/16"], default_prefixlen="26", max_prefixlen=30
    )
    assert lengths(made) == ("8", "26", "30")
    assert lengths(api.update("subnetpool", made["id"], min_prefixlen="20")) == ("20", "26", "30")
    assert take(api, made, prefixlen="28")["cidr"] == "10.0.0.0/28"
    assert [one["id"] for one in api.list("subnetpool", max_prefixlen="30")] == [made["id"]]
    assert api.list("subnetpool", max_prefixlen="29") == []
    for text in ("1e1", "-1", "129", "٣", ""):
        path = f"/subnetpools?max_prefixlen={text}"
        api.refused(400, "HTTPBadRequest", "GET", path)
    ordered = api.list("subnetpool", sort_key="max_prefixlen")
    assert [one["id"] for one in ordered] == [made["id"]]


def test_host_bits_of_a_prefix_are_dropped(api: Api) -> None:
    made = api.create("subnetpool", prefixes=["10.11.12.13/24"], default_prefixlen=26)
    assert made["prefixes"] == ["10.11.12.0/24"]
    more = {"prefixes": ["10.11.13.77/24"]}
    added = api.call("PUT", f"/subnetpools/{made['id']}/add_prefixes", more)
    assert added.json == {"prefixes": ["10.11.12.0/23"]}


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("EmptySubnetPoolPrefixList", {"prefixes": []}),
        ("PrefixVersionMismatch", {"prefixes": ["10.0.0.0/8", "2001:db8::/48"]}),
        ("IllegalSubnetPoolPrefixBounds", {"min_prefixlen": 24, "max_prefixlen": 20}),
        ("IllegalSubnetPoolPrefixBounds", {"max_prefixlen": 33}),
        ("IllegalSubnetPoolPrefixBounds", {"min_prefixlen": 24, "default_prefixlen": 20}),
        ("IllegalSubnetPoolPrefixBounds", {"default_prefixlen": 30, "max_prefixlen": 28}),
        ("HTTPBadRequest", {"prefixes": ["10.0.0.1"]}),
        ("HTTPBadRequest", {"prefixes": ["10.0.0.0/8"], "default_quota": -1}),
        ("HTTPBadRequest", {"prefixes": "10.0.0.0/8"}),
    ],
)
def test_an_unsound_pool_is_refused(api: Api, kind: str, attributes: dict[str, Any]) -> None:
    body = {"subnetpool": {"prefixes": ["10.0.0.0/8"], **attributes}}
    api.refused(400, kind, "POST", "/subnetpools", body)


def test_prefixes_of_a_pool_may_only_grow(api: Api, pool: dict[str, Any]) -> None:
    path = f"/subnetpools/{pool['id']}"
    grown = api.update("subnetpool", pool["id"], prefixes=["10.0.0.0/14"])
    assert grown["prefixes"] == ["10.0.0.0/14"]
    assert grown["revision_number"] > pool["revision_number"]
    body: dict[str, Any] = {"subnetpool": {"prefixes": ["10.0.0.0/16"]}}
    message = api.refused(400, "IllegalSubnetPoolPrefixUpdate", "PUT", path, body)
    assert "10.1.0.0/16" in message
    body = {"subnetpool": {"prefixes": ["10.0.0.0/14", "2001:db8::/48"]}}
    api.refused(400, "PrefixVersionMismatch", "PUT", path, body)
    body = {"subnetpool": {"max_prefixlen": 20}}
    api.refused(400, "IllegalSubnetPoolPrefixBounds", "PUT", path, body)
    body = {"subnetpool": {"shared": True}}
    api.refused(400, "HTTPBadRequest", "PUT", path, body)


def test_prefixes_are_added_and_taken_away_where_unused(api: Api, pool: dict[str, Any]) -> None:
    path = f"/subnetpools/{pool['id']}"
    subnet = take(api, pool, prefixlen=24)
    assert subnet["cidr"] == "10.0.0.0/24"
    added = api.call("PUT", f"{path}/add_prefixes", {"prefixes": ["10.2.0.0/15"]})
    assert (added.status_code, added.json) == (200, {"prefixes": ["10.0.0.0/14"]})
    removed = api.call("PUT", f"{path}/remove_prefixes", {"prefixes": ["10.1.0.0/16"]})
    assert removed.json == {"prefixes": ["10.0.0.0/16", "10.2.0.0/15"]}
    assert api.show("subnetpool", pool["id"])["prefixes"] == removed.json["prefixes"]
    body = {"prefixes": ["10.0.0.128/25"]}
    api.refused(400, "IllegalSubnetPoolPrefixUpdate", "PUT", f"{path}/remove_prefixes", body)
    api.delete("subnet", subnet["id"])
    body = {"prefixes": ["10.0.0.0/8"]}
    api.refused(400, "IllegalSubnetPoolPrefixUpdate", "PUT", f"{path}/remove_prefixes", body)
    missing = f"/subnetpools/{subnet['id']}/add_prefixes"
    api.refused(404, "SubnetPoolNotFound", "PUT", missing, {"prefixes": ["10.0.0.0/8"]})


def test_one_pool_of_each_ip_version_is_the_default(api: Api) -> None:
    four = api.create("subnetpool", prefixes=["10.0.0.0/8"], is_default=True, default_prefixlen=26)
    six = api.create(
        "subnetpool", prefixes=["2001:db8::/48"], is_default=True, default_prefixlen=64
    )
    body = {"subnetpool": {"prefixes": ["192.168.0.0/16"], "is_default": True}}
    api.refused(400, "InvalidInput", "POST", "/subnetpools", body)
    other = api.create("subnetpool", prefixes=["192.168.0.0/16"])
    path, body = f"/subnetpools/{other['id']}", {"subnetpool": {"is_default": True}}
    api.refused(400, "InvalidInput", "PUT", path, body)
    assert [one["id"] for one in api.list("subnetpool", is_default=True)] == [
        four["id"],
        six["id"],
    ]
    subnet = api.create(
        "subnet",
        network_id=api.create("network")["id"],
        ip_version=4,
        use_default_subnetpool=True,
    )
    assert (subnet["subnetpool_id"], subnet["cidr"]) == (four["id"], "10.0.0.0/26")
    api.update("subnetpool", four["id"], is_default=False)
    api.update("subnetpool", other["id"], is_default=True)
    api.update("subnetpool", six["id"], is_default=False)
    body = asked(api, use_default_subnetpool=True) | {}
    body["subnet"]["ip_version"] = 6
    message = api.refused(400, "HTTPBadRequest", "POST", "/subnets", body)
    assert "No default subnetpool found for IPv6" in message


def test_a_subnet_takes_a_free_prefix_with_gateway_and_pools_to_match(
    api: Api, pool: dict[str, Any]
) -> None:
    first = take(api, pool)
    assert (first["cidr"], first["gateway_ip"]) == ("10.0.0.0/24", "10.0.0.1")
    assert first["allocation_pools"] == [{"start": "10.0.0.2", "end": "10.0.0.254"}]
    assert first["subnetpool_id"] == pool["id"]
    assert take(api, pool)["cidr"] == "10.0.1.0/24"
    assert take(api, pool, prefixlen=26)["cidr"] == "10.0.2.0/26"
    assert take(api, pool, cidr="10.1.7.0/24")["cidr"] == "10.1.7.0/24"
    api.delete("subnet", first["id"])
    assert take(api, pool)["cidr"] == "10.0.0.0/24"
    assert len(api.list("subnet", subnetpool_id=pool["id"])) == 4
    port = api.create("port", network_id=first["network_id"])
    assert port["fixed_ips"] == []


def test_an_ipv6_subnet_from_a_pool_has_its_modes(api: Api) -> None:
    six = api.create("subnetpool", prefixes=["2001:db8::/48"], default_prefixlen=64)
    made = take(api, six, ipv6_ra_mode="slaac", ipv6_address_mode="slaac")
    assert (made["cidr"], made["gateway_ip"]) == ("2001:db8::/64", "2001:db8::1")
    assert take(api, six)["cidr"] == "2001:db8:0:1::/64"


@pytest.mark.parametrize(
    ("status", "kind", "attributes"),
    [
        (409, "SubnetAllocationError", {"cidr": "192.168.0.0/24"}),
        (409, "SubnetAllocationError", {"cidr": "10.0.0.0/25"}),
        (409, "SubnetAllocationError", {"prefixlen": 15}),
        (400, "MinPrefixSubnetAllocationError", {"prefixlen": 7}),
        (400, "MaxPrefixSubnetAllocationError", {"prefixlen": 30}),
        (400, "MaxPrefixSubnetAllocationError", {"cidr": "10.0.9.0/29"}),
        (400, "InvalidInput", {"cidr": "10.0.9.0/24", "prefixlen": 24}),
        (400, "InvalidInput", {"use_default_subnetpool": True}),
        (400, "InvalidInput", {"allocation_pools": [{"start": "10.0.0.2", "end": "10.0.0.9"}]}),
        (400, "InvalidInput", {"gateway_ip": "224.0.0.1"}),
        (400, "HTTPBadRequest", {"ip_version": 6}),
        (404, "SubnetPoolNotFound", {"subnetpool_id": "0" * 8 + "-0000" * 3 + "-" + "0" * 12}),
    ],
)
def test_what_a_pool_cannot_give_is_refused(
    api: Api, pool: dict[str, Any], status: int, kind: str, attributes: dict[str, Any]
) -> None:
    api.update("subnetpool", pool["id"], max_prefixlen=28)
    take(api, pool)
    body = asked(api, **({"subnetpool_id": pool["id"]} | attributes))
    api.refused(status, kind, "POST", "/subnets", body)
    assert len(api.list("subnet")) == 1


def test_a_subnet_needs_a_prefix_or_a_pool(api: Api) -> None:
    message = api.refused(400, "InvalidInput", "POST", "/subnets", asked(api))
    assert "subnetpool must be specified in the absence of a cidr" in message


def test_a_quota_counts_the_addresses_of_one_project(api: Api) -> None:
    pool = api.create(
        "subnetpool", prefixes=["10.0.0.0/16"], default_prefixlen=25, default_quota=256
    )
    take(api, pool)
    held = take(api, pool)
    body = asked(api, subnetpool_id=pool["id"], prefixlen=32, enable_dhcp=False)
    api.refused(409, "SubnetPoolQuotaExceeded", "POST", "/subnets", body)
    body["subnet"]["project_id"] = "project-b"
    assert api.call("POST", "/subnets", body).status_code == 201
    api.delete("subnet", held["id"])
    take(api, pool, prefixlen=26)
    take(api, pool, prefixlen=26)


def test_a_quota_counts_64s_of_ipv6(api: Api) -> None:
    pool = api.create(
        "subnetpool", prefixes=["2001:db8::/48"], default_prefixlen=64, default_quota=2
    )
    take(api, pool)
    take(api, pool, prefixlen=65)
    take(api, pool, prefixlen=65)
    body = asked(api, subnetpool_id=pool["id"], prefixlen=120, ip_version=6)
    api.refused(409, "SubnetPoolQuotaExceeded", "POST", "/subnets", body)


def test_a_pool_in_use_stays(api: Api, pool: dict[str, Any]) -> None:
    subnet = take(api, pool)
    api.refused(409, "SubnetPoolInUse", "DELETE", f"/subnetpools/{pool['id']}")
    api.delete("subnet", subnet["id"])
    api.delete("subnetpool", pool["id"])
    api.refused(404, "SubnetPoolNotFound", "GET", f"/subnetpools/{pool['id']}")


def test_pools_of_one_scope_share_no_address(api: Api, pool: dict[str, Any]) -> None:
    scope = new_scope(api, name="corp")
    api.update("subnetpool", pool["id"], address_scope_id=scope["id"])
    body: dict[str, Any]
    body = {"subnetpool": {"prefixes": ["10.1.128.0/17"], "address_scope_id": scope["id"]}}
    message = api.refused(409, "AddressScopePrefixConflict", "POST", "/subnetpools", body)
    assert pool["id"] in message
    other = api.create("subnetpool", prefixes=["10.2.0.0/16"], address_scope_id=scope["id"])
    path = f"/subnetpools/{other['id']}"
    body = {"prefixes": ["10.0.0.0/20"]}
    api.refused(409, "AddressScopePrefixConflict", "PUT", f"{path}/add_prefixes", body)
    body = {"subnetpool": {"prefixes": ["10.0.0.0/8"]}}
    api.refused(409, "AddressScopePrefixConflict", "PUT", path, body)
    free = api.create("subnetpool", prefixes=["10.0.0.0/8"])
    body = {"subnetpool": {"address_scope_id": scope["id"]}}
    api.refused(409, "AddressScopePrefixConflict", "PUT", f"/subnetpools/{free['id']}", body)
    found = api.list("subnetpool", address_scope_id=scope["id"])
    assert [one["id"] for one in found] == [pool["id"], other["id"]]
    left = api.update("subnetpool", pool["id"], address_scope_id=None)
    assert left["address_scope_id"] is None


def test_a_scope_is_of_one_ip_version_and_in_use_while_it_has_pools(api: Api) -> None:
    scope = new_scope(api, ip_version=6)
    path = f"/address-scopes/{scope['id']}"
    kind = "IllegalSubnetPoolIpVersionAssociationToAddressScope"
    body = {"subnetpool": {"prefixes": ["10.0.0.0/8"], "address_scope_id": scope["id"]}}
    api.refused(400, kind, "POST", "/subnetpools", body)
    pool = api.create("subnetpool", prefixes=["2001:db8::/48"], address_scope_id=scope["id"])
    api.refused(409, "AddressScopeInUse", "DELETE", path)
    changed = api.call("PUT", path, {"address_scope": {"name": "v6", "shared": True}})
    assert changed.json["address_scope"]["name"] == "v6"
    listed = api.call("GET", "/address-scopes", params={"shared": "True"}).json["address_scopes"]
    assert listed == [changed.json["address_scope"]]
    api.delete("subnetpool", pool["id"])
    assert api.call("DELETE", path).status_code == 204
    api.refused(404, "AddressScopeNotFound", "GET", path)


def test_a_network_is_in_the_scope_of_its_subnets_pools(api: Api) -> None:
    scope = new_scope(api)
    pools = [
        api.create(
            "subnetpool", prefixes=[prefix], address_scope_id=scope["id"], default_prefixlen=24
        )
        for prefix in ("10.0.0.0/16", "10.1.0.0/16")
    ]
    network = api.create("network")
    assert network["ipv4_address_scope"] is network["ipv6_address_scope"] is None
    for pool in pools:
        api.create("subnet", network_id=network["id"], ip_version=4, subnetpool_id=pool["id"])
    shown = api.show("network", network["id"])
    assert (shown["ipv4_address_scope"], shown["ipv6_address_scope"]) == (scope["id"], None)
    outside = api.create("subnetpool", prefixes=["10.9.0.0/16"], default_prefixlen=24)
    body = {"network_id": network["id"], "ip_version": 4, "subnetpool_id": outside["id"]}
    api.refused(400, "NetworkAddressScopeAffinityError", "POST", "/subnets", {"subnet": body})
    path, body = f"/subnetpools/{pools[0]['id']}", {"subnetpool": {"address_scope_id": None}}
    api.refused(400, "IllegalSubnetPoolUpdate", "PUT", path, body)


def test_subnets_of_one_network_and_ip_version_share_a_pool(
    api: Api, pool: dict[str, Any]
) -> None:
    subnet = take(api, pool)
    other = api.create("subnetpool", prefixes=["10.9.0.0/16"], default_prefixlen=24)
    body = {"network_id": subnet["network_id"], "ip_version": 4}
    for more in ({"subnetpool_id": other["id"]}, {"cidr": "192.168.0.0/24"}):
        refused = {"subnet": {**body, **more}}
        api.refused(400, "NetworkSubnetPoolAffinityError", "POST", "/subnets", refused)
    api.create("subnet", **body, subnetpool_id=pool["id"])
    api.create("subnet", network_id=body["network_id"], ip_version=6, cidr="2001:db8::/64")


def test_other_projects_use_what_is_shared_and_see_nothing_else(api: Api, bob: Api) -> None:
    mine = api.create("subnetpool", prefixes=["10.0.0.0/16"], default_prefixlen=24)
    shared = api.create("subnetpool", prefixes=["10.1.0.0/16"], default_prefixlen=24, shared=True)
    scope = new_scope(api)
    assert [one["id"] for one in bob.list("subnetpool")] == [shared["id"]]
    assert take(bob, shared)["cidr"] == "10.1.0.0/24"
    body = asked(bob, subnetpool_id=mine["id"])
    bob.refused(404, "SubnetPoolNotFound", "POST", "/subnets", body)
    body = {"subnetpool": {"prefixes": ["10.3.0.0/16"], "address_scope_id": scope["id"]}}
    bob.refused(404, "AddressScopeNotFound", "POST", "/subnetpools", body)
    path = f"/subnetpools/{shared['id']}"
    bob.refused(403, "PolicyNotAuthorized", "PUT", path, {"subnetpool": {"name": "bob's"}})
    body = {"prefixes": ["10.7.0.0/16"]}
    bob.refused(403, "PolicyNotAuthorized", "PUT", f"{path}/add_prefixes", body)
    bob.refused(404, "SubnetPoolNotFound", "DELETE", f"/subnetpools/{mine['id']}")
    body = {"subnetpool": {"prefixes": ["10.3.0.0/16"], "is_default": True}}
    bob.refused(403, "PolicyNotAuthorized", "POST", "/subnetpools", body)


def test_prefixes_in_anothers_scope_are_for_its_owner_to_change(api: Api, bob: Api) -> None:
    scope = new_scope(api, shared=True)
    pool = bob.create(
        "subnetpool", prefixes=["10.0.0.0/16", "10.2.0.0/16"], address_scope_id=scope["id"]
    )
    path, more = f"/subnetpools/{pool['id']}", ["10.0.0.0/16", "10.2.0.0/16", "10.4.0.0/16"]
    growing = {"subnetpool": {"prefixes": more}}
    assert scope["id"] in bob.refused(400, "IllegalSubnetPoolUpdate", "PUT", path, growing)
    growing["subnetpool"]["address_scope_id"] = scope["id"]
    bob.refused(400, "IllegalSubnetPoolUpdate", "PUT", path, growing)
    adding = {"prefixes": ["10.4.0.0/16"]}
    bob.refused(400, "IllegalSubnetPoolUpdate", "PUT", f"{path}/add_prefixes", adding)
    assert bob.update("subnetpool", pool["id"], name="x", prefixes=pool["prefixes"])["name"] == "x"
    assert api.update("subnetpool", pool["id"], prefixes=more)["prefixes"] == more
    own = new_scope(bob)
    free = bob.create("subnetpool", prefixes=["10.0.0.0/16"], address_scope_id=own["id"])
    grown = bob.update("subnetpool", free["id"], prefixes=["10.0.0.0/8"])
    assert grown["prefixes"] == ["10.0.0.0/8"]


def test_what_no_change_may_say_is_refused_before_what_the_caller_may_not_do(
    api: Api, bob: Api
) -> None:
    hidden = api.create("subnetpool", prefixes=["10.0.0.0/16"])
    path = f"/subnetpools/{hidden['id']}"
    message = bob.refused(400, "HTTPBadRequest", "PUT", path, {"subnetpool": {"shared": True}})
    assert "'shared' not allowed in PUT" in message
    bob.refused(404, "SubnetPoolNotFound", "PUT", path, {"subnetpool": {"name": "mine"}})


def test_a_pool_is_shared_with_those_alone_who_see_its_scope(api: Api) -> None:
    scope = new_scope(api)
    pool = api.create("subnetpool", prefixes=["10.0.0.0/16"], address_scope_id=scope["id"])
    asked = {
        "object_type": "subnetpool",
        "object_id": pool["id"],
        "action": "access_as_shared",
        "target_tenant": "project-b",
    }
    body = {"rbac_policy": asked}
    assert scope["id"] in api.refused(400, "InvalidInput", "POST", "/rbac-policies", body)
    of_scope = {**asked, "object_type": "address_scope", "object_id": scope["id"]}
    assert api.call("POST", "/rbac-policies", {"rbac_policy": of_scope}).status_code == 201
    made = api.call("POST", "/rbac-policies", body)
    assert made.status_code == 201
    path = f"/rbac-policies/{made.json['rbac_policy']['id']}"
    moved: dict[str, Any] = {"rbac_policy": {"target_tenant": "project-c"}}
    api.refused(400, "InvalidInput", "PUT", path, moved)
    everybody: dict[str, Any] = {"prefixes": ["10.9.0.0/16"], "address_scope_id": scope["id"]}
    body = {"subnetpool": everybody | {"shared": True}}
    api.refused(400, "InvalidInput", "POST", "/subnetpools", body)


def test_a_shared_scope_stays_shared(api: Api) -> None:
    scope = new_scope(api, shared=True)
    path = f"/address-scopes/{scope['id']}"
    body: dict[str, Any] = {"address_scope": {"name": "x", "shared": False}}
    api.refused(400, "AddressScopeUpdateError", "PUT", path, body)
    body["address_scope"]["shared"] = True
    assert api.call("PUT", path, body).json["address_scope"]["shared"] is True


def test_if_match_guards_a_pool(api: Api, pool: dict[str, Any]) -> None:
    take(api, pool)
    api.refused(
        412,
        "RevisionNumberConstraintFailed",
        "PUT",
        f"/subnetpools/{pool['id']}",
        {"subnetpool": {"name": "late"}},
        headers={"If-Match": f"revision_number={pool['revision_number']}"},
    )


def test_who_may_see_addresses_and_history_sees_what_is_the_projects_own(
    api: Api, bob: Api
) -> None:
    network = api.create("network", shared=True)
    subnet = api.create(
        "subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4, enable_dhcp=False
    )
    hidden = api.create("network")
    private = api.create("subnet", network_id=hidden["id"], cidr="10.0.0.0/24", ip_version=4)
    mine = api.create("port", network_id=network["id"])
    bobs = bob.create("port", network_id=network["id"])
    for caller, ports in ((api, {mine["id"], bobs["id"]}), (bob, {bobs["id"]})):
        listed = caller.call("GET", f"/subnets/{subnet['id']}/addresses").json["addresses"]
        assert {one["port_id"] for one in listed} == ports
        events = caller.call("GET", "/allocation-events", params={"network_id": network["id"]})
        assert {one["port_id"] for one in events.json["allocation_events"]} == ports
    bob.refused(404, "SubnetNotFound", "GET", f"/subnets/{private['id']}/addresses")
    assert bob.call("GET", "/network-ip-availabilities").json == {"network_ip_availabilities": []}
    path = f"/network-ip-availabilities/{network['id']}"
    assert bob.call("GET", path).status_code == 404

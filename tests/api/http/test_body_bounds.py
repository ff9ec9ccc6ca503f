"""What is too much is refused before work begins, and faults are counted, not all listed."""

from typing import Any, TypeAlias

import pytest

from ipam.api.app import create_app
from ipam.errors import FAULTS_LISTED
from ipam.identity.caller import Caller
from ipam.settings import Settings
from ipam.store.engine.database import Database
from ipam.values import TAGS_MAX
from tests.api.caller import Api
from tests.changed_settings import changed
from tests.store.statements import statements

MEMBER = Caller(user_id="mia", project_id="project-m", role="member")
SOME_ID = "00000000-0000-4000-8000-000000000000"
ADDRESS = {"ip_address": "10.0.0.9"}
POOL = {"start": "10.0.0.10", "end": "10.0.0.20"}
ROUTE = {"destination": "10.9.0.0/16", "nexthop": "10.0.0.9"}

ListCase: TypeAlias = tuple[str, str, Any, int]

LISTS: list[ListCase] = [
    ("networks", "tags", "t", TAGS_MAX),
    ("networks", "availability_zone_hints", "z", 12),
    ("subnets", "tags", "t", TAGS_MAX),
    ("subnets", "allocation_pools", POOL, 100),
    ("subnets", "dns_nameservers", "10.0.0.1", 20),
    ("subnets", "host_routes", ROUTE, 200),
    ("subnets", "service_types", "compute:nova", 20),
    ("ports", "tags", "t", TAGS_MAX),
    ("ports", "fixed_ips", ADDRESS, 100),
    ("ports", "extra_dhcp_opts", {"opt_name": "mtu", "opt_value": "1400"}, 50),
    ("ports", "allowed_address_pairs", ADDRESS, 500),
    ("ports", "security_groups", SOME_ID, 50),
    ("subnetpools", "tags", "t", TAGS_MAX),
    ("subnetpools", "prefixes", "10.0.0.0/24", 100),
]
ON_UPDATE = [each for each in LISTS if each[1] not in ("tags", "availability_zone_hints")]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Without the audit log, whose own statement comes after the refusal."""
    return changed(settings, "audit", enabled=False)


@pytest.fixture
def member(settings: Settings, sqlite: Database) -> Api:
    """Calls of somebody for whom rows are looked up before anything is allowed."""
    return Api(create_app(settings, authenticate=lambda _environ: MEMBER, database=sqlite))


@pytest.mark.parametrize("case", LISTS)
def test_a_list_that_is_too_long_is_refused_before_a_statement(
    member: Api, sqlite: Database, case: ListCase
) -> None:
    collection, name, item, most = case
    body = {collection.removesuffix("s"): {"network_id": SOME_ID, name: [item] * 10_000}}
    with statements(sqlite) as seen:
        message = member.refused(400, "HTTPBadRequest", "POST", f"/{collection}", body)
    assert seen == []
    assert message == (
        f"Invalid input for {name}. Reason: It has 10000 items; at most {most} are allowed."
    )


@pytest.mark.parametrize("case", ON_UPDATE)
def test_a_change_to_a_list_that_is_too_long_is_refused_before_a_statement(
    member: Api, sqlite: Database, case: ListCase
) -> None:
    collection, name, item, most = case
    body = {collection.removesuffix("s"): {name: [item] * (most + 1)}}
    with statements(sqlite) as seen:
        message = member.refused(400, "HTTPBadRequest", "PUT", f"/{collection}/{SOME_ID}", body)
    assert seen == []
    assert f"It has {most + 1} items; at most {most} are allowed." in message


def test_a_bulk_that_is_too_long_is_refused_before_a_statement(
    settings: Settings, sqlite: Database
) -> None:
    few = changed(settings, "api", bulk_size_max=3)
    api = Api(create_app(few, authenticate=lambda _environ: MEMBER, database=sqlite))
    with statements(sqlite) as seen:
        message = api.refused(400, "HTTPBadRequest", "POST", "/ports", {"ports": [0] * 4})
    assert seen == []
    assert message == (
        "Invalid input for ports. Reason: It has 4 items; at most 3 are made by one request."
    )


def test_faults_beyond_twenty_are_counted(api: Api) -> None:
    message = api.refused(400, "HTTPBadRequest", "POST", "/networks", {"networks": [0] * 500})
    assert message.count("Expected an object") == FAULTS_LISTED
    assert message.endswith(" And 480 more.")


def test_a_megabyte_of_faults_has_a_short_answer(api: Api) -> None:
    body = {"lease_events": [0] * 300_000}
    assert len(api.refused(400, "HTTPBadRequest", "POST", "/lease-events", body)) < 200
    odd = {"network": {"provider:network_type": "x" * 900_000}}
    assert len(api.refused(400, "HTTPBadRequest", "POST", "/networks", odd)) < 1000


def test_tags_added_one_by_one_have_the_same_bound(api: Api) -> None:
    network = api.create("network", tags=[f"t{n}" for n in range(TAGS_MAX)])
    path = f"/networks/{network['id']}/tags"
    message = api.refused(400, "HTTPBadRequest", "PUT", f"{path}/more")
    assert (
        message
        == "Invalid input for tags. Reason: It would have 51 items; at most 50 are allowed."
    )
    api.refused(400, "HTTPBadRequest", "POST", path, {"tags": ["more"]})
    assert api.call("PUT", f"{path}/t0").status_code == 201


def test_options_added_by_and_by_have_the_same_bound(api: Api) -> None:
    network = api.create("network")
    port = api.create("port", network_id=network["id"])

    def options(numbers: range) -> dict[str, Any]:
        each = [{"opt_name": str(n), "opt_value": "1", "ip_version": 6} for n in numbers]
        return {"port": {"extra_dhcp_opts": each}}

    path = f"/ports/{port['id']}"
    assert api.call("PUT", path, options(range(100, 150))).status_code == 200
    message = api.refused(400, "InvalidInput", "PUT", path, options(range(200, 201)))
    assert message.endswith("It would have 51 items; at most 50 are allowed.")
    assert api.call("PUT", path, options(range(100, 120))).status_code == 200


def test_prefixes_added_by_and_by_have_the_same_bound(api: Api) -> None:
    every = [f"10.{n}.0.0/24" for n in range(100)]
    pool = api.create("subnetpool", prefixes=every)
    more = {"prefixes": ["172.16.0.0/24"]}
    path = f"/subnetpools/{pool['id']}"
    message = api.refused(400, "InvalidInput", "PUT", f"{path}/add_prefixes", more)
    assert message.endswith("The pool would have 101 prefixes; at most 100 are allowed.")
    touching = {"prefixes": ["10.0.1.0/24"]}
    assert api.call("PUT", f"{path}/add_prefixes", touching).status_code == 200


def test_a_port_names_as_many_addresses_as_the_settings_allow(
    settings: Settings, sqlite: Database
) -> None:
    two = changed(settings, "network", max_fixed_ips_per_port=2)
    api = Api(create_app(two, authenticate=lambda _environ: MEMBER, database=sqlite))
    network = api.create("network")
    subnet = api.create("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
    three = [{"subnet_id": subnet["id"]}] * 3
    port = {"network_id": network["id"], "fixed_ips": three}
    expected = "Invalid input for fixed_ips. Reason: It has 3 items; at most 2 are allowed."
    assert api.refused(400, "InvalidInput", "POST", "/ports", {"port": port}) == expected
    made = api.create("port", network_id=network["id"], fixed_ips=three[:2])
    path, change = f"/ports/{made['id']}", {"port": {"fixed_ips": three}}
    assert api.refused(400, "InvalidInput", "PUT", path, change) == expected


def test_a_port_of_the_cloud_itself_may_name_more(settings: Settings, sqlite: Database) -> None:
    two = changed(settings, "network", max_fixed_ips_per_port=2)
    admin = Caller(user_id="ada", project_id="cloud", role="admin")
    api = Api(create_app(two, authenticate=lambda _environ: admin, database=sqlite))
    network = api.create("network")
    subnet = api.create("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
    wishes = [{"subnet_id": subnet["id"], "ip_address": f"10.0.0.{n}"} for n in (30, 31, 32)]
    owner = "network:router_gateway"
    port = api.create("port", network_id=network["id"], fixed_ips=wishes, device_owner=owner)
    assert len(port["fixed_ips"]) == 3


def test_address_pairs_are_as_many_as_the_settings_allow(
    settings: Settings, sqlite: Database
) -> None:
    twelve = changed(settings, "network", max_allowed_address_pair=12)
    api = Api(create_app(twelve, authenticate=lambda _environ: MEMBER, database=sqlite))
    network = api.create("network")
    pairs = [{"ip_address": f"10.0.0.{n}"} for n in range(1, 14)]
    port = api.create("port", network_id=network["id"], allowed_address_pairs=pairs[:12])
    assert len(port["allowed_address_pairs"]) == 12
    more = {"port": {"network_id": network["id"], "allowed_address_pairs": pairs}}
    message = api.refused(400, "AllowedAddressPairExhausted", "POST", "/ports", more)
    assert message == "The number of allowed address pairs exceeds the maximum 12."


def test_a_port_has_no_more_ipv6_addresses_than_dnsmasqs_line(
    settings: Settings, sqlite: Database
) -> None:
    many = changed(settings, "network", max_fixed_ips_per_port=50)
    api = Api(create_app(many, authenticate=lambda _environ: MEMBER, database=sqlite))
    network = api.create("network")
    subnet = api.create("subnet", network_id=network["id"], cidr="2001:db8::/64", ip_version=6)
    wishes = [{"subnet_id": subnet["id"]}] * 45
    port = {"network_id": network["id"], "fixed_ips": wishes}
    message = api.refused(400, "InvalidInput", "POST", "/ports", {"port": port})
    assert message == (
        "Invalid input for fixed_ips. Reason: 45 IPv6 addresses by DHCPv6 take up to 2321 octets"
        " of dnsmasq's line of 1023, which has room for 14."
    )
    made = api.create("port", network_id=network["id"], fixed_ips=wishes[:14])
    held = [{"ip_address": each["ip_address"]} for each in made["fixed_ips"]]
    change = {"port": {"fixed_ips": [*held, wishes[0]]}}
    api.refused(400, "InvalidInput", "PUT", f"/ports/{made['id']}", change)
    api.update("port", made["id"], fixed_ips=[*held[1:], wishes[0]])

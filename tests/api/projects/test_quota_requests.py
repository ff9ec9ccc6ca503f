"""Quotas: what clients read and write, and that nobody gets past a limit."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import event

from ipam import clock
from ipam.api.app import create_app
from ipam.identity.caller import Caller
from ipam.settings import Settings
from ipam.store import quotas
from ipam.store.engine.database import Database
from tests.api.caller import ADMIN, Api
from tests.changed_settings import changed

DEFAULTS = {
    "network": 100,
    "subnet": 100,
    "port": 500,
    "subnetpool": -1,
    "rbac_policy": 10,
    "fixed_ip": 1000,
    "router": -1,
    "floatingip": -1,
    "security_group": -1,
    "security_group_rule": -1,
}
"""Neutron's, where it has such a resource."""


@pytest.fixture
def api_with_default(settings: Settings, database: Database) -> Api:
    """With a limit of one network for every project."""
    limited = changed(settings, "quotas", quota_network=1)
    return Api(create_app(limited, authenticate=lambda _environ: ADMIN, database=database))


def set_quota(api: Api, project: str, **limits: Any) -> dict[str, int]:
    answer = api.call("PUT", f"/quotas/{project}", {"quota": limits})
    assert answer.status_code == 200, answer.text
    changed: dict[str, int] = answer.json["quota"]
    return changed


def test_a_project_without_limits_of_its_own_has_the_defaults(api: Api) -> None:
    for path in ("/quotas/p", "/quotas/p/default"):
        assert api.call("GET", path).json == {"quota": DEFAULTS}
    assert api.call("GET", "/quotas").json == {"quotas": []}


def test_a_projects_limits_are_set_listed_and_taken_away(api_on_each: Api) -> None:
    api = api_on_each
    assert set_quota(api, "p", port=5, router=7) == DEFAULTS | {"port": 5, "router": 7}
    assert set_quota(api, "p", network=0) == DEFAULTS | {"port": 5, "router": 7, "network": 0}
    assert api.call("GET", "/quotas/p/default").json == {"quota": DEFAULTS}
    (listed,) = api.call("GET", "/quotas").json["quotas"]
    assert listed["project_id"] == listed["tenant_id"] == "p"
    assert (listed["port"], listed["subnet"]) == (5, 100)
    assert api.call("DELETE", "/quotas/p").status_code == 204
    assert api.call("GET", "/quotas/p").json == {"quota": DEFAULTS}
    api.refused(404, "TenantQuotaNotFound", "DELETE", "/quotas/p")


def test_details_tell_what_is_used(api: Api, network: dict[str, Any]) -> None:
    set_quota(api, "project-a", network=3)
    for path in ("/quotas/project-a/details", "/quotas/project-a/details.json"):
        details = api.call("GET", path).json["quota"]
        assert details["network"] == {"limit": 3, "used": 1, "reserved": 0}
        assert details["port"] == {"limit": 500, "used": 0, "reserved": 0}
        assert details["security_group"] == {"limit": -1, "used": 0, "reserved": 0}


@pytest.mark.parametrize("word", ["tenant", "project"])
def test_a_client_can_ask_for_its_own_project(api: Api, word: str) -> None:
    assert api.call("GET", f"/quotas/{word}").json == {word: {f"{word}_id": "project-a"}}


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({"port": -2}, "port"),
        ({"port": "many"}, "port"),
        ({"port": 2**31}, "port"),
        ({"car": 1}, "'car'"),
        ({"project_id": "other"}, "not that of the path"),
    ],
)
def test_a_bad_limit_is_refused(api: Api, body: dict[str, Any], part: str) -> None:
    assert part in api.refused(400, "HTTPBadRequest", "PUT", "/quotas/p", {"quota": body})


def test_check_limit_refuses_less_than_what_is_used(api: Api, network: dict[str, Any]) -> None:
    body = {"quota": {"network": 0, "check_limit": True}}
    message = api.refused(400, "HTTPBadRequest", "PUT", "/quotas/project-a", body)
    assert "greater than or equal to already used 1" in message
    assert api.call("GET", "/quotas/project-a").json == {"quota": DEFAULTS}
    assert set_quota(api, "project-a", network=-1, check_limit=True)["network"] == -1
    assert set_quota(api, "project-a", network=0, force=True)["network"] == 0


def test_one_too_many_is_refused_and_leaves_nothing(api_on_each: Api) -> None:
    api = api_on_each
    set_quota(api, "project-a", network=2, subnet=1)
    first = api.create("network")
    two = {"networks": [{"name": "x"}, {"name": "y"}]}
    message = api.refused(409, "OverQuota", "POST", "/networks", two)
    assert message == "Quota exceeded for resources: ['network']."
    api.create("network")
    api.refused(409, "OverQuota", "POST", "/networks", {"network": {}})
    api.create("network", project_id="another")
    subnet = {"network_id": first["id"], "ip_version": 4}
    api.create("subnet", cidr="10.0.0.0/24", **subnet)
    body = {"subnet": {"cidr": "10.1.0.0/24", **subnet}}
    api.refused(409, "OverQuota", "POST", "/subnets", body)


def test_requests_at_once_share_the_last_places(api_on_each: Api) -> None:
    api = api_on_each
    network = api.create("network")
    set_quota(api, "project-a", port=5)

    def create(_number: int) -> int:
        body = {"port": {"network_id": network["id"]}}
        return api.call("POST", "/ports", body).status_code

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(create, range(16)))
    assert sorted(answers) == [201] * 5 + [409] * 11
    assert len(api.list("port")) == 5


def test_addresses_count_apart_from_ports(api_on_each: Api) -> None:
    api = api_on_each
    network = api.create("network")
    subnet = api.create("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
    used = {"used": 1, "reserved": 0}  # the DHCP server's
    assert api.call("GET", "/quotas/project-a/details").json["quota"]["fixed_ip"] == {
        "limit": 1000,
        **used,
    }
    set_quota(api, "project-a", fixed_ip=4)
    any_address = {"subnet_id": subnet["id"]}
    port = api.create("port", network_id=network["id"], fixed_ips=[any_address] * 2)
    three = {"port": {"network_id": network["id"], "fixed_ips": [any_address] * 2}}
    message = api.refused(409, "OverQuota", "POST", "/ports", three)
    assert message == "Quota exceeded for resources: ['fixed_ip']."
    path = f"/ports/{port['id']}"
    held = [{"ip_address": each["ip_address"]} for each in port["fixed_ips"]]
    more = {"port": {"fixed_ips": [*held, any_address, any_address]}}
    assert api.refused(409, "OverQuota", "PUT", path, more) == message
    assert api.show("port", port["id"])["fixed_ips"] == port["fixed_ips"]
    api.update("port", port["id"], fixed_ips=[*held, any_address])
    api.refused(409, "OverQuota", "POST", "/ports", {"port": {"network_id": network["id"]}})
    api.update("port", port["id"], fixed_ips=held[:1])
    api.create("port", network_id=network["id"])


def test_requests_at_once_share_the_last_addresses(api_on_each: Api) -> None:
    api = api_on_each
    network = api.create("network")
    subnet = api.create("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
    set_quota(api, "project-a", fixed_ip=6)
    wish = [{"subnet_id": subnet["id"]}] * 2
    bare = [api.create("port", network_id=network["id"], fixed_ips=[])["id"] for _ in range(3)]

    def take(number: int) -> int:
        if number % 2:
            body = {"port": {"network_id": network["id"], "fixed_ips": wish}}
            return api.call("POST", "/ports", body).status_code
        path = f"/ports/{bare[number // 2]}"
        return api.call("PUT", path, {"port": {"fixed_ips": wish}}).status_code

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(take, range(6)))
    assert sum(status in (200, 201) for status in answers) == 2
    assert answers.count(409) == 4
    assert sum(len(port["fixed_ips"]) for port in api.list("port")) == 5


def test_the_default_limit_counts_for_projects_without_their_own(api_with_default: Api) -> None:
    api = api_with_default

    def create(_number: int) -> int:
        return api.call("POST", "/networks", {"network": {}}).status_code

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(create, range(4))) == [201, 409, 409, 409]
    assert api.call("GET", "/quotas/p/default").json["quota"]["network"] == 1
    assert api.call("GET", "/quotas").json == {"quotas": []}
    set_quota(api, "project-a", network=-1)
    api.create("network")


def test_a_deleted_resource_gives_its_place_to_another(api_on_each: Api) -> None:
    api = api_on_each
    set_quota(api, "project-a", network=3)
    made = [api.create("network") for _ in range(3)]
    for network in made:
        api.refused(409, "OverQuota", "POST", "/networks", {"network": {}})
        api.delete("network", network["id"])
        api.create("network")
    assert len(api.list("network")) == 3


def test_resources_are_not_counted_again_for_each_new_one(api: Api, sqlite: Database) -> None:
    api.create("network")
    statements: list[str] = []

    def note(*arguments: Any) -> None:
        statements.append(arguments[2])

    event.listen(sqlite.engine, "before_cursor_execute", note)
    for _ in range(3):
        api.create("network")
    event.remove(sqlite.engine, "before_cursor_execute", note)
    assert any("UPDATE quota" in text for text in statements)
    assert not any("count(" in text for text in statements)


def test_what_was_made_without_a_limit_counts_once_there_is_one(api_on_each: Api) -> None:
    api = api_on_each
    api.create("network")
    set_quota(api, "project-a", network=-1)
    for _ in range(3):
        api.create("network")
    set_quota(api, "project-a", network=5)
    api.create("network")
    api.refused(409, "OverQuota", "POST", "/networks", {"network": {}})


def test_what_the_service_makes_for_itself_is_counted_within_a_minute(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = api.create("network")
    set_quota(api, "project-a", port=2)
    api.create("port", network_id=network["id"])
    api.create("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
    assert len(api.list("port")) == 2, "the second is the DHCP server's"
    later = clock.now_seconds() + quotas.COUNT_HOLDS_SECONDS
    monkeypatch.setattr(clock, "now_seconds", lambda: later)
    api.refused(409, "OverQuota", "POST", "/ports", {"port": {"network_id": network["id"]}})


def test_without_a_limit_quotas_cost_no_statement(settings: Settings, sqlite: Database) -> None:
    unlimited = changed(settings, "quotas", quota_network=-1, quota_port=-1, quota_fixed_ip=-1)
    api = Api(create_app(unlimited, authenticate=lambda _environ: ADMIN, database=sqlite))
    counted: list[str] = []

    def note(*arguments: Any) -> None:
        counted.append(arguments[2])

    event.listen(sqlite.engine, "before_cursor_execute", note)
    network = api.create("network")
    api.create("port", network_id=network["id"])
    event.remove(sqlite.engine, "before_cursor_execute", note)
    alone = [each for each in counted if "FROM quota" in each and "pk" not in each]
    assert alone == []


def test_a_member_sees_the_limits_of_its_own_project_alone(
    settings: Settings, sqlite: Database
) -> None:
    member = Caller(user_id="bob", project_id="project-b", role="member")
    api = Api(create_app(settings, authenticate=lambda _: member, database=sqlite))
    for below in ("", "/default", "/details"):
        assert api.call("GET", f"/quotas/project-b{below}").status_code == 200
        api.refused(403, "PolicyNotAuthorized", "GET", f"/quotas/project-a{below}")
    api.refused(403, "PolicyNotAuthorized", "GET", "/quotas")
    body = {"quota": {"port": -1}}
    api.refused(403, "PolicyNotAuthorized", "PUT", "/quotas/project-b", body)
    api.refused(403, "PolicyNotAuthorized", "DELETE", "/quotas/project-b")
    assert api.call("GET", "/quotas/project").json == {"project": {"project_id": "project-b"}}

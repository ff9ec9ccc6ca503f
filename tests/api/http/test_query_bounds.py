"""No query string makes a statement long, nor many different ones."""

import itertools
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from ipam.api.http.kind import Kind
from ipam.api.http.list_query import PARAMETERS_MAX, QUERY_LENGTH_MAX, SORT_KEYS_MAX
from ipam.api.networks import wire as network_wire
from ipam.api.ports import wire as port_wire
from ipam.api.subnets import wire as subnet_wire
from ipam.store.engine.database import Database
from ipam.store.ports import FIXED_IPS_ASKED_MAX
from ipam.values import NAME_LENGTH, TAGS_MAX
from tests.api.caller import Api
from tests.store.statements import statements

LONGEST = 8_000
"""Characters of the longest statement: all the columns of ports, and 512 placeholders."""

NETWORK = {"name": "net", "tags": [f"t{n}" for n in range(TAGS_MAX)]}


def test_a_sort_key_counts_once_however_often_it_is_said(
    api_on_each: Api, database: Database
) -> None:
    ids = sorted(api_on_each.create("network", name=f"n{n}")["id"] for n in range(4))
    query = urlencode([("limit", 1), ("marker", ids[0]), *[("sort_key", "id")] * 250])
    with statements(database) as once:
        result = api_on_each.call("GET", f"/networks?limit=1&marker={ids[0]}&sort_key=id")
    assert [item["id"] for item in result.json["networks"]] == [ids[1]]
    few = urlencode([("limit", 1), ("marker", ids[0]), *[("sort_key", "id")] * SORT_KEYS_MAX])
    with statements(database) as seen:
        again = api_on_each.call("GET", f"/networks?{few}")
    assert again.json["networks"] == result.json["networks"]
    assert seen == once
    message = api_on_each.refused(400, "HTTPBadRequest", "GET", f"/networks?{query}")
    assert message == f"250 sort_keys are given; at most {SORT_KEYS_MAX} can be."


@pytest.mark.parametrize("kind", [network_wire.KIND, subnet_wire.KIND, port_wire.KIND])
def test_a_page_after_a_marker_grows_with_its_sort_keys_not_with_their_square(
    api_on_each: Api, database: Database, kind: Kind
) -> None:
    network = api_on_each.create("network", name="n")
    api_on_each.create("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
    marker = api_on_each.list(kind.name)[0]["id"]
    lengths = []
    for count in range(1, SORT_KEYS_MAX + 1):
        keys = sorted(kind.rows.columns)[:count]
        query = urlencode([("marker", marker), *(("sort_key", name) for name in keys)])
        with statements(database) as seen:
            assert api_on_each.call("GET", f"/{kind.collection}?{query}").status_code == 200
        lengths.append(max(len(text) for text, _ in seen))
    steps = [after - before for before, after in itertools.pairwise(lengths)]
    assert max(steps) < 600, lengths  # a nullable key is two keys
    assert max(lengths) < LONGEST


@pytest.mark.parametrize("name", ["tags", "tags-any", "not-tags", "not-tags-any"])
def test_a_filter_by_tags_is_one_condition(
    api_on_each: Api, database: Database, name: str
) -> None:
    api_on_each.create("network", **NETWORK)
    api_on_each.create("network", name="bare")
    every = ",".join(NETWORK["tags"])
    with statements(database) as seen:
        found = api_on_each.call("GET", f"/networks?{name}={every},{every}")
    assert [item["name"] for item in found.json["networks"]] == [
        "bare" if name.startswith("not") else "net"
    ]
    assert sum(text.count("resource_type =") for text, _ in seen) == 1
    message = api_on_each.refused(
        400, "HTTPBadRequest", "GET", f"/networks?{name}=" + ",".join(map(str, range(5000)))
    )
    assert message == (
        f"Invalid input for {name}. Reason: it names 5000 tags; a resource has at most {TAGS_MAX}."
    )


def test_a_filter_of_many_values_has_few_forms(api_on_each: Api, database: Database) -> None:
    texts = set()
    for count in range(1, 130):
        query = urlencode([("name", f"n{n}") for n in range(count)])
        with statements(database) as seen:
            assert api_on_each.call("GET", f"/networks?{query}").status_code == 200
        texts |= {text for text, _ in seen}
    assert len(texts - {"BEGIN"}) == len({1, 2, 4, 8, 16, 32, 64, 128, 256})


def test_a_value_said_again_is_no_further_parameter(api: Api) -> None:
    network = api.create("network", name="net")
    query = "&".join([f"id={network['id']}"] * 700)
    assert [item["id"] for item in api.call("GET", f"/networks?{query}").json["networks"]] == [
        network["id"]
    ]


def test_parts_of_addresses_are_one_parameter_however_many_ports_have_them(
    api_on_each: Api, database: Database, backend: str
) -> None:
    network = api_on_each.create("network", name="n")
    api_on_each.create("subnet", network_id=network["id"], cidr="10.0.0.0/23", ip_version=4)
    bodies = {"ports": [{"network_id": network["id"]} for _ in range(300)]}
    assert api_on_each.call("POST", "/ports", bodies).status_code == 201
    with statements(database) as seen:
        found = api_on_each.list("port", fixed_ips="ip_address_substr=10.0")
    assert len(found) == 301  # and the DHCP port
    if backend != "mariadb":  # its driver keeps no statements
        assert max(length for _, length in seen) < 10
        assert max(len(text) for text, _ in seen) < LONGEST


def test_what_a_list_of_ports_may_ask_for_has_a_bound(api: Api) -> None:
    asked = ",".join(f"ip_address=10.0.{n // 250}.{n % 250}" for n in range(201))
    message = api.refused(400, "HTTPBadRequest", "GET", f"/ports?fixed_ips={asked}")
    assert message == (
        "Invalid input for fixed_ips. Reason: it names 201 addresses, subnets and parts; at most"
        f" {FIXED_IPS_ASKED_MAX} can be asked for."
    )


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "a=" + "x" * QUERY_LENGTH_MAX,
            "The query string has 32770 characters; at most 32768 are read.",
        ),
        (
            "&".join(["a"] * (PARAMETERS_MAX + 1)),
            "The query string has 1001 parameters; at most 1000 are read.",
        ),
        (
            "device_id=" + "x" * (NAME_LENGTH + 1),
            "Invalid input for device_id. Reason: It has 256 characters; no value has over 255.",
        ),
        (
            "marker=" + "x" * (NAME_LENGTH + 1),
            "Invalid input for marker. Reason: It has 256 characters; no value has over 255.",
        ),
    ],
    ids=["long", "many", "value", "marker"],
)
@pytest.mark.parametrize("path", ["/ports", "/networks"])
def test_what_is_too_long_is_refused_before_a_statement(
    api: Api, sqlite: Database, path: str, query: str, message: str
) -> None:
    if path == "/networks" and query.startswith("device_id"):
        query = query.replace("device_id", "name")
        message = message.replace("device_id", "name")
    with statements(sqlite) as seen:
        assert api.refused(400, "HTTPBadRequest", "GET", f"{path}?{query}") == message
    assert seen == []


@pytest.mark.parametrize(
    "path",
    ["/networks/{id}", "/availability_zones", "/ports/{id}/bindings", "/agents/{id}/dhcp-state"],
)
def test_each_route_that_reads_a_query_has_its_bound(api: Api, path: str) -> None:
    some = "00000000-0000-4000-8000-000000000000"
    many: Mapping[str, Any] = {"fields": ["id"] * (PARAMETERS_MAX + 1)}
    message = api.refused(400, "HTTPBadRequest", "GET", path.replace("{id}", some), params=many)
    assert message.startswith("The query string has 1001 parameters")


def test_no_filter_of_any_collection_reaches_the_database_with_nul(api_on_each: Api) -> None:
    paths = api_on_each.call("GET", "/openapi.json").json["paths"]
    asked = [
        f"{path.removeprefix('/v2.0')}?{parameter['name']}=%00"
        for path, item in paths.items()
        if path.startswith("/v2.0/") and "{" not in path and "get" in item
        for parameter in item["get"].get("parameters", ())
        if parameter["in"] == "query"
    ]
    assert "/elected-agents?agent_id=%00" in asked
    wrong = {path: api_on_each.call("GET", path).status_code for path in asked}
    assert {status for status in wrong.values() if status not in (200, 400)} == set(), wrong


@pytest.mark.parametrize("name", ["%00", "11111111-2222-4333-8444-555555555555%00"])
def test_no_path_reaches_the_database_with_nul(api_on_each: Api, name: str) -> None:
    paths = api_on_each.call("GET", "/openapi.json").json["paths"]
    asked = [
        (method.upper(), re.sub(r"{[^}]+}", name, path).removeprefix("/v2.0"))
        for path, item in paths.items()
        if "{" in path
        for method in ("get", "put", "post", "delete")
        if method in item
    ]
    assert ("GET", f"/ports/{name}/probe") in asked
    answers = {
        each: api_on_each.call(*each, {} if each[0] in ("PUT", "POST") else None).status_code
        for each in asked
    }
    assert [each for each, status in answers.items() if status >= 500] == []


def test_nothing_of_what_is_there_is_asked_for_with_nul(api_on_each: Api) -> None:
    """The second name of a path, beside a first one that there is."""
    network = api_on_each.create("network")
    port = api_on_each.create("port", network_id=network["id"])
    heartbeat = {"agent": {"host": "a", "started_at": 1, "configurations": {}}}
    agent = api_on_each.call("POST", "/agents", heartbeat).json["agent"]
    ids = {"networks": network["id"], "ports": port["id"], "agents": agent["id"]}
    asked = [
        (method.upper(), f"/{kind}/{re.sub(r'{[^}]+}', '%00', rest)}")
        for path, item in api_on_each.call("GET", "/openapi.json").json["paths"].items()
        for kind, resource_id in ids.items()
        if path.startswith(f"/v2.0/{kind}/{{resource_id}}/") and path.count("{") == 2
        for rest in [path.removeprefix(f"/v2.0/{kind}/").replace("{resource_id}", resource_id)]
        for method in ("get", "put", "post", "delete")
        if method in item
    ]
    assert ("PUT", f"/ports/{port['id']}/bindings/%00") in asked
    bodies: Mapping[str, Any] = {"PUT": {"binding": {}}, "POST": {}}
    answers = {each: api_on_each.call(*each, bodies.get(each[0])).status_code for each in asked}
    assert {each: status for each, status in answers.items() if status not in (400, 404)} == {}

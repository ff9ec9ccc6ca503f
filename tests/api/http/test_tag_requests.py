"""Tags: on their own paths, on POST, and as filters."""

from typing import Any

import pytest
from sqlalchemy import event, func, select

from ipam.store import tables
from ipam.store.engine.database import Database
from tests.api.caller import Api


def tags_of(api: Api, path: str) -> list[str]:
    found: list[str] = api.call("GET", f"{path}/tags").json["tags"]
    return found


def test_tags_are_replaced_added_and_removed_as_one(api_on_each: Api) -> None:
    api = api_on_each
    made = api.create("network")
    path = f"/networks/{made['id']}"
    assert tags_of(api, path) == []
    answer = api.call("PUT", f"{path}/tags", {"tags": ["red", "blue", "red"]})
    assert (answer.status_code, answer.json) == (200, {"tags": ["blue", "red"]})
    answer = api.call("POST", f"{path}/tags", {"tags": ["green", "red"]})
    assert (answer.status_code, answer.json) == (201, {"tags": ["blue", "green", "red"]})
    assert api.show("network", made["id"])["tags"] == ["blue", "green", "red"]
    assert api.call("DELETE", f"{path}/tags").status_code == 204
    assert tags_of(api, path) == []


def test_one_tag_is_added_looked_for_and_removed(api: Api, network: dict[str, Any]) -> None:
    path = f"/networks/{network['id']}/tags/ä b"
    api.refused(404, "TagNotFound", "GET", path)
    assert api.call("PUT", path).status_code == 201
    assert api.call("PUT", path).status_code == 201
    assert api.call("GET", path).status_code == 204
    assert tags_of(api, f"/networks/{network['id']}") == ["ä b"]
    assert api.call("DELETE", path).status_code == 204
    api.refused(404, "TagNotFound", "DELETE", path)


def test_every_change_of_tags_is_a_revision_and_none_is_not(
    api: Api, network: dict[str, Any]
) -> None:
    path = f"/networks/{network['id']}/tags"
    api.call("PUT", path, {"tags": ["a"]})
    api.call("PUT", path, {"tags": ["a"]})
    assert api.show("network", network["id"])["revision_number"] == 1


def test_tags_come_with_a_post_of_each_resource(
    api: Api, network: dict[str, Any], subnet: dict[str, Any]
) -> None:
    assert api.create("network", tags=["x", "x"])["tags"] == ["x"]
    more = {"network_id": network["id"], "cidr": "10.9.0.0/24", "ip_version": 4, "tags": ["y"]}
    assert api.create("subnet", **more)["tags"] == ["y"]
    ports = [{"network_id": network["id"], "tags": tags} for tags in (["a", "b"], ["b"], [])]
    made = api.call("POST", "/ports", {"ports": ports}).json["ports"]
    assert [port["tags"] for port in made] == [["a", "b"], ["b"], []]
    assert [port["id"] for port in api.list("port", tags="b")] == [p["id"] for p in made[:2]]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"tags": "a"}, {"a", "ab"}),
        ({"tags": "a,b"}, {"ab"}),
        ({"tags": ["a", "b"]}, {"ab"}),
        ({"tags-any": "a,b"}, {"a", "ab", "b"}),
        ({"not-tags": "a,b"}, {"a", "b", "none"}),
        ({"not-tags-any": "a,b"}, {"none"}),
        ({"tags": "a", "not-tags": "b"}, {"a"}),
        ({"tags": "A"}, set()),
    ],
)
def test_lists_are_filtered_by_tags(
    api_on_each: Api, filters: dict[str, Any], found: set[str]
) -> None:
    for name, tags in (("a", ["a"]), ("ab", ["a", "b"]), ("b", ["b"]), ("none", [])):
        api_on_each.create("network", name=name, tags=tags)
    assert {each["name"] for each in api_on_each.list("network", **filters)} == found


@pytest.mark.parametrize("tags", [[""], ["x" * 256], [5], "x", ["a\0"]])
def test_bad_tags_are_refused(api: Api, network: dict[str, Any], tags: object) -> None:
    path = f"/networks/{network['id']}/tags"
    api.refused(400, "HTTPBadRequest", "PUT", path, {"tags": tags})


@pytest.mark.parametrize("name", ["x", "00000000-0000-0000-0000-000000000000"])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_there_are_no_tags_of_nothing(api: Api, name: str, method: str) -> None:
    body = {"tags": ["a"]} if method in ("PUT", "POST") else None
    api.refused(404, "PortNotFound", method, f"/ports/{name}/tags", body)


def test_tags_go_with_their_resource(
    api: Api, sqlite: Database, network: dict[str, Any], subnet: dict[str, Any]
) -> None:
    port = api.create("port", network_id=network["id"], tags=["p"])
    for path in (f"/networks/{network['id']}", f"/subnets/{subnet['id']}"):
        api.call("PUT", f"{path}/tags", {"tags": ["t"]})
    api.delete("port", port["id"])
    api.delete("network", network["id"])
    count = select(func.count()).select_from(tables.tag)
    assert sqlite.read(lambda tx: tx.execute(count).scalar_one()) == 0


def test_tags_cost_a_list_no_statement_more(api: Api, sqlite: Database) -> None:
    for number in range(3):
        api.create("network", tags=[f"t{number}"])
    statements: list[str] = []

    def note(*arguments: Any) -> None:
        statements.append(arguments[2])

    event.listen(sqlite.engine, "before_cursor_execute", note)
    assert [each["tags"] for each in api.list("network")] == [["t0"], ["t1"], ["t2"]]
    event.remove(sqlite.engine, "before_cursor_execute", note)
    assert not any("tag " in statement for statement in statements)
    assert len([s for s in statements if not s.startswith("BEGIN")]) == 2

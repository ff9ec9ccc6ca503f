"""Idempotency-Key: the same answer again, one execution, and refused requests are not kept."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import falcon.testing
import pytest
from sqlalchemy import event, func, select, update

from ipam.api.app import create_app
from ipam.identity.caller import Caller
from ipam.settings import Settings
from ipam.store import idempotency, tables
from ipam.store.engine.database import Database
from ipam.worker import housekeeping
from tests.api.caller import ADMIN, Api


def post(api: Api, path: str, body: Any, key: str = "key-1", **more: Any) -> falcon.testing.Result:
    return api.call("POST", path, body, headers={"Idempotency-Key": key}, **more)


def test_the_same_request_gets_the_same_answer_and_is_done_once(api_on_each: Api) -> None:
    body = {"network": {"name": "once"}}
    first, again = (post(api_on_each, "/networks", body) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(api_on_each.list("network")) == 1


def test_the_answer_stays_the_first_one_whatever_happened_since(api: Api) -> None:
    body = {"networks": [{"name": "a"}, {"name": "b"}]}
    first = post(api, "/networks", body)
    for made in first.json["networks"]:
        api.delete("network", made["id"])
    assert post(api, "/networks", body).json == first.json
    assert api.list("network") == []


def test_the_order_of_members_makes_no_other_request(api: Api) -> None:
    first = post(api, "/networks", {"network": {"name": "a", "mtu": 1400}})
    assert post(api, "/networks", {"network": {"mtu": 1400, "name": "a"}}).json == first.json


@pytest.mark.parametrize(
    ("path", "body"),
    [("/networks", {"network": {"name": "b"}}), ("/ports", {"network": {"name": "a"}})],
)
def test_another_request_under_the_same_key_is_refused(api: Api, path: str, body: Any) -> None:
    post(api, "/networks", {"network": {"name": "a"}})
    headers = {"Idempotency-Key": "key-1"}
    api.refused(422, "IdempotencyKeyReused", "POST", path, body, headers=headers)
    assert len(api.list("network")) == 1


def test_requests_at_once_are_carried_out_once(api_on_each: Api) -> None:
    api = api_on_each
    network = api.create("network")
    body = {"port": {"network_id": network["id"]}}
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda _: post(api, "/ports", body), range(12)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len(api.list("port")) == 1


def test_a_refused_request_is_tried_again(api: Api, network: dict[str, Any]) -> None:
    subnet = {"network_id": network["id"], "cidr": "10.0.0.0/24", "ip_version": 4}
    blocking = api.create("subnet", **subnet)
    assert post(api, "/subnets", {"subnet": subnet}).status_code == 400
    api.delete("subnet", blocking["id"])
    assert post(api, "/subnets", {"subnet": subnet}).status_code == 201


def test_keys_of_different_callers_are_different_keys(
    settings: Settings, sqlite: Database
) -> None:
    other = Caller(user_id="bob", project_id="project-a", role="admin")
    of_one = Api(create_app(settings, authenticate=lambda _: ADMIN, database=sqlite))
    of_other = Api(create_app(settings, authenticate=lambda _: other, database=sqlite))
    for api in (of_one, of_other):
        assert post(api, "/networks", {"network": {}}).status_code == 201
    assert len(of_one.list("network")) == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "ä"])
def test_a_bad_key_is_refused(api: Api, key: str) -> None:
    headers = {"Idempotency-Key": key}
    body: dict[str, Any] = {"network": {}}
    api.refused(400, "HTTPBadRequest", "POST", "/networks", body, headers=headers)


def test_a_key_says_nothing_about_other_methods(api: Api, network: dict[str, Any]) -> None:
    headers = {"Idempotency-Key": "key-1"}
    path = f"/networks/{network['id']}"
    for name in ("x", "y"):
        changed = api.call("PUT", path, {"network": {"name": name}}, headers=headers)
        assert changed.json["network"]["name"] == name


def test_agents_and_tags_are_answered_again_too(api: Api, network: dict[str, Any]) -> None:
    report = {"agent": {"host": "node-1", "started_at": 1}}
    agent = post(api, "/agents", report).json["agent"]
    requests = [
        ("/agents", report, "key-1"),
        (f"/networks/{network['id']}/tags", {"tags": ["a"]}, "key-2"),
        (f"/agents/{agent['id']}/dhcp-networks", {"network_id": network["id"]}, "key-3"),
    ]
    for path, body, key in requests:
        first, again = (post(api, path, body, key) for _ in range(2))
        assert first.status_code in (200, 201)
        assert (first.status_code, first.content) == (again.status_code, again.content)
        assert again.headers["Idempotent-Replayed"] == "true"


def test_a_post_that_keeps_no_answer_itself_is_answered_again_too(api: Api) -> None:
    first, again = (post(api, "/lease-events", {"lease_events": []}) for _ in range(2))
    assert first.status_code == again.status_code == 200
    assert first.content == again.content


def test_a_request_that_was_cut_off_is_not_carried_out_again(api: Api, sqlite: Database) -> None:
    body: dict[str, Any] = {"network": {}}
    post(api, "/networks", body)
    forget = update(tables.idempotency_key).values(status=None, answer=None)
    sqlite.write(lambda tx: tx.execute(forget))
    headers = {"Idempotency-Key": "key-1"}
    api.refused(409, "IdempotencyKeyInUse", "POST", "/networks", body, headers=headers)


def test_after_a_day_a_key_is_free_and_the_worker_forgets_it(api: Api, sqlite: Database) -> None:
    body: dict[str, Any] = {"network": {}}
    first = post(api, "/networks", body)
    post(api, "/networks", body, key="key-2")
    keys = tables.idempotency_key
    a_day_ago = keys.c.created_at - idempotency.KEPT_SECONDS
    sqlite.write(lambda tx: tx.execute(update(keys).values(created_at=a_day_ago)))
    assert post(api, "/networks", body).json != first.json
    assert housekeeping.forget_answers(sqlite) == 1
    count = select(func.count()).select_from(keys)
    assert sqlite.read(lambda tx: tx.execute(count).scalar_one()) == 1


def test_a_change_that_fails_leaves_no_key(api: Api, sqlite: Database) -> None:
    body = {"port": {"network_id": "00000000-0000-0000-0000-000000000000"}}
    assert post(api, "/ports", body).status_code == 404
    count = select(func.count()).select_from(tables.idempotency_key)
    assert sqlite.read(lambda tx: tx.execute(count).scalar_one()) == 0


def test_a_crash_after_the_change_leaves_neither_change_nor_key(
    settings: Settings, database: Database
) -> None:
    api = Api(create_app(settings, authenticate=lambda _: ADMIN, database=database))

    def crash(*arguments: Any) -> None:
        if arguments[2].startswith("UPDATE idempotency_key"):
            event.remove(database.engine, "before_cursor_execute", crash)
            raise RuntimeError("the process dies here")

    event.listen(database.engine, "before_cursor_execute", crash)
    body: dict[str, Any] = {"network": {}}
    assert post(api, "/networks", body).status_code == 500
    assert api.list("network") == []
    assert post(api, "/networks", body).status_code == 201
    assert len(api.list("network")) == 1

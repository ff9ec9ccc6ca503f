"""Who had which address when, on each database."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import falcon.testing
import pytest
import sqlalchemy

from ipam import clock, model
from ipam.store import allocation_history, tables
from ipam.store.engine.database import Database, Transaction
from tests.api.caller import Api

Event = dict[str, Any]


def history(api: Api, **params: Any) -> list[Event]:
    result = api.call("GET", "/allocation-events", params=params)
    assert result.status_code == 200, result.text
    found: list[Event] = result.json["allocation_events"]
    return found


def words(events: list[Event]) -> list[tuple[str, str]]:
    """Action and address, the oldest first."""
    return [(event["action"], event["ip_address"]) for event in reversed(events)]


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """The statements executed meanwhile."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        seen.append(statement)

    sqlalchemy.event.listen(database.engine, "before_cursor_execute", note)
    yield seen
    sqlalchemy.event.remove(database.engine, "before_cursor_execute", note)


@pytest.fixture
def lan(api_on_each: Api) -> dict[str, Any]:
    network = api_on_each.create("network", name="lan")
    return api_on_each.create(
        "subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4, enable_dhcp=False
    )


def test_a_port_leaves_its_whole_life_in_the_history(
    api_on_each: Api, lan: dict[str, Any]
) -> None:
    api = api_on_each
    port = api.create(
        "port",
        network_id=lan["network_id"],
        fixed_ips=[{"ip_address": "10.0.0.7"}],
        device_id="vm-1",
        device_owner="compute:nova",
    )
    api.update("port", port["id"], fixed_ips=[{"ip_address": "10.0.0.8"}], device_id="vm-2")
    api.delete("port", port["id"])
    events = history(api)
    assert words(events) == [
        ("allocated", "10.0.0.7"),
        ("released", "10.0.0.7"),
        ("allocated", "10.0.0.8"),
        ("released", "10.0.0.8"),
    ]
    newest, oldest = events[0], events[-1]
    assert (oldest["device_id"], newest["device_id"]) == ("vm-1", "vm-2")
    for event in events:
        assert event["port_id"] == port["id"]
        assert event["network_id"] == lan["network_id"]
        assert event["subnet_id"] == lan["id"]
        assert event["mac_address"] == port["mac_address"]
        assert event["project_id"] == event["tenant_id"] == port["project_id"]
        assert event["device_owner"] == "compute:nova"
    assert api.call("GET", f"/allocation-events/{newest['id']}").json == {
        "allocation_event": newest
    }


def test_the_holder_at_an_instant_is_the_one_of_that_instant(
    api_on_each: Api, lan: dict[str, Any]
) -> None:
    api = api_on_each
    instants = [time.time_ns() // 1000]
    owners: list[str | None] = [None]
    for _ in range(3):
        port = api.create(
            "port", network_id=lan["network_id"], fixed_ips=[{"ip_address": "10.0.0.7"}]
        )
        instants.append(time.time_ns() // 1000)
        owners.append(port["id"])
        api.delete("port", port["id"])
        instants.append(time.time_ns() // 1000)
        owners.append(None)
    for instant, owner in zip(instants, owners, strict=True):
        at = model.iso_time_microseconds(instant)
        found = history(api, ip_address="10.0.0.7", at=at)
        assert [event["port_id"] for event in found] == ([owner] if owner else []), at


def test_a_port_that_gets_a_machine_later_is_that_machines_from_then_on(
    api_on_each: Api, lan: dict[str, Any]
) -> None:
    api = api_on_each
    wish = [{"ip_address": "10.0.0.7"}]
    port = api.create("port", network_id=lan["network_id"], fixed_ips=wish)
    devices, instants = [""], [time.time_ns() // 1000]
    for device in ("vm-1", "vm-2", ""):
        api.update("port", port["id"], device_id=device)
        devices.append(device)
        instants.append(time.time_ns() // 1000)
    api.update("port", port["id"], device_id="", name="same", device_owner="compute:nova")
    for instant, device in zip(instants, devices, strict=True):
        at = model.iso_time_microseconds(instant)
        (found,) = history(api, ip_address="10.0.0.7", at=at)
        assert found["device_id"] == device
    changed = [("changed", "10.0.0.7")] * 3
    assert words(history(api)) == [("allocated", "10.0.0.7"), *changed]
    (after_its_time,) = history(api, device_id="vm-1")
    assert after_its_time["port_id"] == port["id"]


def test_events_are_found_by_time_and_by_what_they_are_about(
    api_on_each: Api, lan: dict[str, Any]
) -> None:
    api = api_on_each
    first = api.create("port", network_id=lan["network_id"], device_id="a")
    between = model.iso_time_microseconds(time.time_ns() // 1000)
    second = api.create("port", network_id=lan["network_id"], device_id="b")
    assert [e["port_id"] for e in history(api, until=between)] == [first["id"]]
    assert [e["port_id"] for e in history(api, since=between)] == [second["id"]]
    assert [e["port_id"] for e in history(api, device_id="a")] == [first["id"]]
    assert [e["port_id"] for e in history(api, port_id=second["id"])] == [second["id"]]
    assert len(history(api, network_id=lan["network_id"], action="allocated")) == 2
    assert history(api, action="released") == []
    refused: falcon.testing.Result = api.call("GET", "/allocation-events", params={"at": "then"})
    assert refused.status_code == 400


def test_the_dhcp_port_and_the_end_of_a_subnet_are_history_too(api_on_each: Api) -> None:
    api = api_on_each
    network = api.create("network")
    subnet = api.create("subnet", network_id=network["id"], cidr="10.1.0.0/24", ip_version=4)
    api.delete("subnet", subnet["id"])
    second = api.create("subnet", network_id=network["id"], cidr="10.2.0.0/24", ip_version=4)
    api.delete("network", network["id"])
    events = history(api, network_id=network["id"])
    assert words(events) == [
        ("allocated", "10.1.0.2"),
        ("released", "10.1.0.2"),
        ("allocated", "10.2.0.2"),
        ("released", "10.2.0.2"),
    ]
    assert {event["device_owner"] for event in events} == {"network:dhcp"}
    assert [event["subnet_id"] for event in events[:2]] == [second["id"]] * 2


def test_what_was_refused_leaves_no_event(api_on_each: Api, lan: dict[str, Any]) -> None:
    api = api_on_each
    bodies = [
        {"network_id": lan["network_id"]},
        {"network_id": lan["network_id"], "fixed_ips": [{"ip_address": "10.9.9.9"}]},
    ]
    assert api.call("POST", "/ports", {"ports": bodies}).status_code == 400
    assert history(api) == []


def test_the_history_replayed_is_who_owns_what(
    api_on_each: Api, lan: dict[str, Any], database: Database
) -> None:
    api = api_on_each
    choose = random.Random(7)
    ports: list[str] = []
    for _ in range(25):
        match choose.choice(("create", "bulk", "move", "delete")):
            case "create":
                ports.append(api.create("port", network_id=lan["network_id"])["id"])
            case "bulk":
                bodies = [{"network_id": lan["network_id"]}] * 3
                made = api.call("POST", "/ports", {"ports": bodies}).json["ports"]
                ports += [port["id"] for port in made]
            case "move" if ports:
                wishes = [{"subnet_id": lan["id"]}] * choose.randrange(3)
                api.update("port", choose.choice(ports), fixed_ips=wishes)
            case "delete" if ports:
                api.delete("port", ports.pop(choose.randrange(len(ports))))
    held: dict[str, str] = {}
    for event in reversed(history(api)):
        if event["action"] == "allocated":
            assert event["ip_address"] not in held
            held[event["ip_address"]] = event["port_id"]
        else:
            assert held.pop(event["ip_address"]) == event["port_id"]
    owned = {ip["ip_address"]: port["id"] for port in api.list("port") for ip in port["fixed_ips"]}
    assert held == owned


def test_a_create_pays_one_statement_for_its_history_and_a_bulk_no_more(
    api_on_each: Api, lan: dict[str, Any], database: Database
) -> None:
    api = api_on_each
    api.create("port", network_id=lan["network_id"])
    bulk = {"ports": [{"network_id": lan["network_id"]}] * 20}
    for body, ports in (({"port": {"network_id": lan["network_id"]}}, 1), (bulk, 20)):
        before = _rows_of_history(database)
        with statements(database) as seen:
            assert api.call("POST", "/ports", body).status_code == 201
        about_history = [one for one in seen if "allocation_event" in one]
        is_copied = ports > 1 and database.engine.name == "postgresql"  # which is not among them
        assert len(about_history) == (0 if is_copied else 1), seen
        assert all("INSERT INTO allocation_event" in one for one in about_history)
        assert _rows_of_history(database) == before + ports
        assert not any("JOIN network ON network.pk = subnet" in one for one in seen), seen


def _rows_of_history(database: Database) -> int:
    query = sqlalchemy.select(sqlalchemy.func.count()).select_from(tables.allocation_event)
    return int(database.read(lambda tx: tx.execute(query).scalar_one()))


@pytest.fixture
def aged(database: Database) -> Callable[[str], None]:
    """Moves the events of an address a year back."""

    def age(address: str) -> None:
        event = tables.allocation_event
        database.write(
            lambda tx: tx.execute(
                sqlalchemy.update(event)
                .where(event.c.ip_address == model.pack(address))
                .values(occurred_at_us=event.c.occurred_at_us - 400 * 86_400_000_000)
            )
        )

    return age


def test_retention_keeps_what_tells_of_an_address_that_is_still_held(
    api_on_each: Api, lan: dict[str, Any], database: Database, aged: Callable[[str], None]
) -> None:
    api = api_on_each
    kept = api.create("port", network_id=lan["network_id"])
    gone = api.create("port", network_id=lan["network_id"])
    api.update("port", gone["id"], device_id="vm")
    fresh = api.create("port", network_id=lan["network_id"])
    for port in (gone, fresh):
        api.delete("port", port["id"])
    for port in (kept, gone):
        aged(port["fixed_ips"][0]["ip_address"])

    def forget(tx: Transaction) -> int:
        before_us = clock.now_microseconds() - 365 * 86_400_000_000
        return allocation_history.forget(tx, before_us=before_us, limit=1)

    rounds = 0
    while database.write(forget):
        rounds += 1
    assert rounds == 3
    assert {event["port_id"] for event in history(api)} == {kept["id"], fresh["id"]}

"""Ports that end by themselves: asked for by the API, ended by the worker's task."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from ipam import clock, model
from ipam.allocator.allocator import Allocator
from ipam.settings import Settings
from ipam.store import ports
from ipam.store.allocation_ledger import AllocationLedger
from ipam.store.engine.database import Database
from ipam.store.tables import allocation_event, ip_address
from ipam.worker import housekeeping
from ipam.zones.outbox import zone_outbox
from tests.api.caller import Api

COOLDOWN_SECONDS = 600
HOUR = 3600


class Hours:
    """The clock of the service, some hours ahead."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = 0
        real = clock.now_seconds
        monkeypatch.setattr(clock, "now_seconds", lambda: real() + self.ahead * HOUR)

    def iso(self, hours: float) -> str:
        return model.iso_time(clock.now_seconds() + int(hours * HOUR))


@pytest.fixture
def hours(monkeypatch: pytest.MonkeyPatch) -> Hours:
    return Hours(monkeypatch)


def end_ports(database: Database, settings: Settings) -> int:
    """A round of a worker."""
    allocator = Allocator(
        database,
        cooldown_seconds=COOLDOWN_SECONDS,
        worker="test",
        now=clock.now_seconds,
        journal=AllocationLedger(),
    )
    return housekeeping.end_ports(database, allocator, zone_outbox(settings))


def lan(api: Api) -> dict[str, Any]:
    network = api.create("network")
    api.create("subnet", network_id=network["id"], cidr="10.0.0.0/28", ip_version=4)
    return network


def test_a_reservation_ends_in_time_and_its_address_cools_down(
    api_on_each: Api, database: Database, settings: Settings, hours: Hours
) -> None:
    api = api_on_each
    network_id, in_1_hour = lan(api)["id"], hours.iso(1)
    asked = {"network_id": network_id, "fixed_ips": [{"ip_address": "10.0.0.5"}]}
    made = api.create("port", **asked, expires_at=in_1_hour, tags=["guest"])
    lasting = api.create("port", network_id=network_id)
    assert (made["expires_at"], lasting["expires_at"]) == (in_1_hour, None)
    assert end_ports(database, settings) == 0
    hours.ahead = 1
    assert end_ports(database, settings) == 1
    assert end_ports(database, settings) == 0
    api.refused(404, "PortNotFound", "GET", f"/ports/{made['id']}")
    of_port = api.call("GET", "/audit-events", params={"object_id": made["id"]})
    ended, created = of_port.json["audit_events"]
    assert (ended["operation"], created["operation"]) == ("delete_port", "create_port")
    assert (ended["user_name"], ended["authentication"]) == ("worker", "worker")
    assert (ended["outcome"], ended["project_id"]) == ("succeeded", made["project_id"])
    assert ended["changes"]["fixed_ips"] == [["10.0.0.5"], None]
    api.show("port", lasting["id"])
    query = select(ip_address.c.free_at).where(ip_address.c.ip == model.pack("10.0.0.5"))
    (free_at,) = database.read(lambda tx: tx.execute(query).scalars().all())
    assert 0 < free_at - clock.now_seconds() <= COOLDOWN_SECONDS
    api.create("port", **asked)  # by name it is had at once


def test_a_reservation_is_extended_and_kept_for_good_by_one_change(
    api_on_each: Api, database: Database, settings: Settings, hours: Hours
) -> None:
    api = api_on_each
    made = api.create("port", network_id=lan(api)["id"], expires_at=hours.iso(1))
    later = hours.iso(3)
    assert api.update("port", made["id"], expires_at=later)["expires_at"] == later
    hours.ahead = 2
    assert end_ports(database, settings) == 0
    assert api.update("port", made["id"], expires_at=None)["expires_at"] is None
    hours.ahead = 4
    assert end_ports(database, settings) == 0


def test_a_port_that_a_device_has_stays_until_the_device_gives_it_up(
    api_on_each: Api, database: Database, settings: Settings, hours: Hours
) -> None:
    api = api_on_each
    made = api.create("port", network_id=lan(api)["id"], expires_at=hours.iso(1))
    api.update("port", made["id"], device_id="server-1", device_owner="compute:nova")
    hours.ahead = 2
    assert end_ports(database, settings) == 0
    api.update("port", made["id"], device_id="", device_owner="")
    assert end_ports(database, settings) == 1


@pytest.mark.parametrize(
    ("end", "kind", "message"),
    [
        ("0242-05-21T03:23:18Z", "InvalidInput", "0242-05-21T03:23:18Z is past."),
        ("0001-01-01T00:00:00+14:00", "HTTPBadRequest", "is no instant"),
        ("9999-12-31T23:59:59-12:00", "HTTPBadRequest", "is no instant"),
    ],
)
def test_an_end_that_cannot_come_is_refused(api: Api, end: str, kind: str, message: str) -> None:
    port = {"network_id": lan(api)["id"], "expires_at": end}
    assert message in api.refused(400, kind, "POST", "/ports", {"port": port})


def test_an_end_may_be_as_late_as_an_instant_can_be(api_on_each: Api) -> None:
    last = "9999-12-31T23:59:59Z"
    made = api_on_each.create("port", network_id=lan(api_on_each)["id"], expires_at=last)
    assert made["expires_at"] == last


def test_a_worker_that_dies_on_the_way_has_ended_nothing_and_the_next_ends_all_once(
    api_on_each: Api,
    database: Database,
    settings: Settings,
    hours: Hours,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api = api_on_each
    network_id, ends = lan(api)["id"], hours.iso(1)
    for _ in range(6):
        api.create("port", network_id=network_id, expires_at=ends)
    hours.ahead = 2
    with monkeypatch.context() as patched:
        left = iter(range(3))

        def dies(*_: object, **__: object) -> None:
            if next(left, None) is None:
                raise KeyboardInterrupt

        patched.setattr(ports, "remove", dies)
        with pytest.raises(KeyboardInterrupt):
            end_ports(database, settings)
    assert len(api.list("port")) == 7  # with that of the DHCP server
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: end_ports(database, settings), range(3)))
    assert sum(done) == 6
    assert len(api.list("port")) == 1
    released = select(allocation_event.c.port_id).where(allocation_event.c.action == "released")
    assert len(set(database.read(lambda tx: tx.execute(released).all()))) == 6


def test_lists_find_what_ends_soon(api_on_each: Api, hours: Hours) -> None:
    api = api_on_each
    network_id = lan(api)["id"]
    for name, when in {"soon": hours.iso(1), "late": hours.iso(99), "never": None}.items():
        api.create("port", network_id=network_id, name=name, expires_at=when)

    def names(**params: str) -> list[str]:
        return [one["name"] for one in api.list("port", sort_key="expires_at", **params)]

    (soon,) = [one["expires_at"] for one in api.list("port", name="soon")]
    assert names(expires_before=hours.iso(2)) == ["soon"]
    assert names(expires_before=soon) == []
    assert names(expires_before=soon.replace("Z", ".000001Z")) == ["soon"]
    assert names(expires_before="9999-12-31T23:59:59Z") == ["soon", "late"]
    assert names(expires_at=api.list("port", name="late")[0]["expires_at"]) == ["late"]


@pytest.mark.parametrize(
    ("attributes", "part"),
    [
        ({"expires_at": "2020-01-01T00:00:00Z"}, "2020-01-01T00:00:00Z is past."),
        ({"expires_at": "tomorrow"}, "'tomorrow' is no instant such as"),
        ({"expires_at": 5}, "expires_at"),
        (
            {"expires_at": "2099-01-01", "device_owner": "network:router_gateway"},
            "a port with the device_owner network:router_gateway has no end of its own.",
        ),
    ],
)
def test_an_end_that_cannot_be_is_refused(
    api: Api, network: dict[str, Any], attributes: dict[str, Any], part: str
) -> None:
    body = {"port": {"network_id": network["id"], **attributes}}
    refused = api.call("POST", "/ports", body)
    assert refused.status_code == 400
    assert part in refused.json["NeutronError"]["message"]


def test_an_end_without_a_zone_is_in_utc(api: Api, network: dict[str, Any]) -> None:
    made = api.create("port", network_id=network["id"], expires_at="2099-01-31 18:00")
    assert made["expires_at"] == "2099-01-31T18:00:00Z"
    moved = api.update("port", made["id"], expires_at="2099-01-31T18:00:00+02:00")
    assert moved["expires_at"] == "2099-01-31T16:00:00Z"

"""Everything in the inbox reaches the API, or is set aside where an administrator finds it."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ipam.agent.leases import shipper as shipping
from ipam.agent.leases.inbox_file import InboxFile
from ipam.agent.leases.shipper import LeaseShipper
from ipam.agent.leases.table import LeaseTable
from ipam.backoff import Backoff
from ipam.errors import HTTPBadRequest, HTTPRequestEntityTooLarge, IpamError, ServiceUnavailable
from tests.agent.fake_api import FakeApi
from tests.agent.leases.events import NETWORK, numbered

EVENTS = "lease-events"
POISON = HTTPBadRequest("[0] Invalid input for action.")


class Desk:
    """A shipper between an inbox and an API."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.api = FakeApi()
        self.file = InboxFile(directory)
        self.table = LeaseTable(directory / "leases")
        self.shipper = LeaseShipper(self.api.client, self.file, self.table)
        self.started = False

    def start(self) -> None:
        self.started = True
        self.shipper.start()

    def stop(self) -> None:
        if self.started:
            self.shipper.stop()
        self.started = False

    def append(self, *numbers: int) -> None:
        self.file.append(numbered(*numbers))
        self.shipper.wake()

    def batches(self) -> list[list[int]]:
        return [numbers(body) for body in self.api.bodies(EVENTS)]

    def set_aside(self) -> list[Any]:
        path = self.directory / "inbox.rejected"
        return [json.loads(line) for line in path.read_text().splitlines()]


def _answered(error: IpamError) -> IpamError:
    """As the service itself says it."""
    error.answered = True
    return error


def numbers(body: Any) -> list[int]:
    return [int(event["id"]) for event in body["lease_events"]]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(shipping, "BACKOFF", Backoff(0.001, 0.001))
    one = Desk(tmp_path)
    yield one
    one.stop()
    one.file.close()


def refuse_some(api: FakeApi, error: IpamError, *wrong: int) -> None:
    """The API takes no batch that has one of these events."""
    error = _answered(error)
    api.refuse = lambda _path, body: error if {*numbers(body)} & {*wrong} else None


def test_the_inbox_is_shipped_in_order_and_in_batches(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipping, "BATCH", 3)
    desk.append(*range(7))
    desk.shipper.ship()
    assert desk.batches() == [[0, 1, 2], [3, 4, 5], [6]]
    assert desk.file.is_empty()


def test_an_event_is_shipped_with_all_its_fields(desk: Desk) -> None:
    desk.append(1)
    desk.shipper.ship()
    assert desk.api.bodies(EVENTS)[0]["lease_events"] == [
        {
            "id": "1",
            "network_id": NETWORK,
            "host": "h",
            "action": "add",
            "ip_address": "10.0.0.5",
            "occurred_at_us": 1,
            "source": "hook",
            "mac_address": None,
            "client_id": None,
            "duid": None,
            "iaid": None,
            "hostname": None,
            "expires_at": None,
            "details": {},
            "epoch": None,
            "sequence": None,
        }
    ]


def test_the_table_is_on_disk_before_the_inbox_forgets(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (event,) = numbered(1)
    desk.append(1)
    desk.table.apply(event)

    def die() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(desk.file, "settle", die)
    desk.shipper.ship()
    with pytest.raises(KeyboardInterrupt):
        desk.shipper.stop()
    after = LeaseTable(desk.directory / "leases")
    assert [lease.ip_address for lease in after.leases(NETWORK)] == ["10.0.0.5"]


@pytest.mark.parametrize("error", [POISON, HTTPRequestEntityTooLarge("long")])
def test_a_refused_batch_is_halved_down_to_what_is_wrong(desk: Desk, error: IpamError) -> None:
    refuse_some(desk.api, error, 5)
    desk.append(*range(8))
    desk.shipper.ship()
    assert desk.batches() == [[*range(8)], [0, 1, 2, 3], [4, 5, 6, 7], [4, 5], [4], [5], [6, 7]]
    (rejected,) = desk.set_aside()
    assert (rejected["reason"], rejected["event"]["id"]) == (str(error), "5")
    assert desk.file.is_empty()


def test_several_wrong_events_are_each_set_aside(desk: Desk) -> None:
    refuse_some(desk.api, POISON, 0, 3, 7)
    desk.append(*range(8))
    desk.shipper.ship()
    assert [each["event"]["id"] for each in desk.set_aside()] == ["0", "3", "7"]


def test_what_the_api_cannot_take_now_stays_in_the_inbox(desk: Desk) -> None:
    desk.api.refuse = lambda _path, _body: ServiceUnavailable("away")
    desk.append(1, 2)
    with pytest.raises(ServiceUnavailable):
        desk.shipper.ship()
    desk.api.refuse = lambda _path, _body: None
    desk.shipper.ship()
    assert desk.batches() == [[1, 2], [1, 2]]
    assert desk.file.is_empty()
    assert not (desk.directory / "inbox.rejected").exists()


def test_the_api_may_go_away_between_the_halves(desk: Desk) -> None:
    answers: list[IpamError | None] = [_answered(POISON), None, ServiceUnavailable("")]
    desk.api.refuse = lambda _path, _body: answers.pop(0) if answers else None
    desk.append(1, 2)
    with pytest.raises(ServiceUnavailable):
        desk.shipper.ship()
    desk.shipper.ship()
    assert desk.batches() == [[1, 2], [1], [2], [1, 2]], "twice, which the ids tell; never not"


def test_the_thread_ships_what_an_earlier_life_left_and_what_comes(desk: Desk) -> None:
    desk.file.append(numbered(1))
    desk.start()
    desk.api.await_bodies(EVENTS, 1)
    desk.append(2)
    desk.api.await_bodies(EVENTS, 2)
    desk.stop()
    assert desk.batches() == [[1], [2]]


def test_the_thread_tries_on_and_says_a_trouble_once(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    away: list[Any] = [ServiceUnavailable("away")] * 3
    unforeseen: list[Any] = [ZeroDivisionError("ours")] * 2
    desk.api.refuse = lambda _path, _body: (away or unforeseen or [None]).pop()
    desk.append(1)
    desk.start()
    desk.api.await_bodies(EVENTS, 6)
    desk.stop()
    assert desk.file.is_empty()
    assert [record.getMessage() for record in caplog.records] == [
        "lease events wait for the API: away",
        "lease shipper",
        "lease events reach the API again",
    ]


def test_to_stop_does_not_wait_for_an_api_that_is_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipping, "BACKOFF", Backoff(3600.0, 3600.0))
    desk.api.refuse = lambda _path, _body: ServiceUnavailable("away")
    desk.append(1)
    desk.start()
    desk.api.await_bodies(EVENTS, 1)
    desk.stop()
    assert desk.file.peek(9)[0] == numbered(1)


def test_to_stop_ends_after_the_batch_at_hand(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipping, "BATCH", 1)
    desk.append(1, 2, 3)
    desk.api.refuse = lambda _path, _body: desk.shipper._stopping.set()
    desk.shipper.ship()
    assert desk.batches() == [[1]]
    assert desk.file.peek(9)[0] == numbered(2, 3)

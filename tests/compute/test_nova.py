"""One request to Nova: what is sent, and the error of each failure."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ipam import settings
from ipam.compute import nova
from ipam.compute.delivery import RequestRefused
from ipam.compute.nova import NovaEvents
from ipam.errors import ServiceUnavailable
from ipam.rules.nova_events import CHANGED, PLUGGED, ComputeEvent
from tests.compute.nova_endpoint import NovaEndpoint, by_code

SERVER = "11111111-2222-4333-8444-555555555555"
EVENTS = [ComputeEvent(PLUGGED, SERVER, "port-1"), ComputeEvent(CHANGED, SERVER, "port-2")]

Connect = Callable[[str], NovaEvents]


@pytest.fixture
def endpoint() -> Iterator[NovaEndpoint]:
    opened = NovaEndpoint()
    yield opened
    opened.close()


@pytest.fixture
def connect(tmp_path: Path) -> Connect:
    def make(text: str) -> NovaEvents:
        file = tmp_path / "ipam.conf"
        file.write_text(text)
        return NovaEvents(settings.load([str(file)]))

    return make


@pytest.fixture
def events(endpoint: NovaEndpoint, connect: Connect) -> NovaEvents:
    return connect(endpoint.settings())


def test_events_are_sent_as_nova_has_them(endpoint: NovaEndpoint, events: NovaEvents) -> None:
    assert events.send(EVENTS) == [200, 200]
    assert endpoint.batches == [
        [
            {"name": "network-vif-plugged", "server_uuid": SERVER, "tag": "port-1"},
            {"name": "network-changed", "server_uuid": SERVER, "tag": "port-2"},
        ]
    ]
    assert endpoint.headers[0]["openstack-api-version"] == "compute 2.1"


def test_each_event_has_its_own_code(endpoint: NovaEndpoint, events: NovaEvents) -> None:
    endpoint.answer = by_code(lambda event: 422 if event["tag"] == "port-1" else 200)
    assert events.send(EVENTS) == [422, 200]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 503])
def test_a_refused_request_is_one_error(
    endpoint: NovaEndpoint, events: NovaEvents, status: int
) -> None:
    endpoint.answer = lambda _events: (status, {"message": "no"})
    with pytest.raises(ServiceUnavailable, match=f"HTTP {status}") as caught:
        events.send(EVENTS)
    assert isinstance(caught.value, RequestRefused) == (status in (400, 500))
    endpoint.answer = by_code(lambda _event: 200)
    assert events.send(EVENTS) == [200, 200]


@pytest.mark.parametrize(
    "body",
    [
        b"<html>It works!</html>",
        {"events": []},
        {"events": [{"code": 200}]},
        {"events": [{"code": 200}, {}]},
        {"events": None},
        [],
        {},
    ],
)
def test_what_answers_but_is_not_nova_is_told_apart(
    endpoint: NovaEndpoint, events: NovaEvents, body: Any
) -> None:
    endpoint.answer = lambda _events: (200, body)
    with pytest.raises(ServiceUnavailable, match="is not Nova"):
        events.send(EVENTS)


def test_a_nova_that_hangs_is_left_after_a_time(
    endpoint: NovaEndpoint, events: NovaEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nova, "TIMEOUT_SECONDS", 0.2)
    answered = threading.Event()

    def hang(_events: Any) -> tuple[int, Any]:
        answered.wait()
        return 200, {}

    endpoint.answer = hang
    with pytest.raises(ServiceUnavailable, match="timed out"):
        events.send(EVENTS)
    answered.set()


def test_a_nova_that_is_away_and_comes_back_is_found(
    endpoint: NovaEndpoint, events: NovaEvents
) -> None:
    assert events.send(EVENTS) == [200, 200]
    endpoint.close()
    with pytest.raises(ServiceUnavailable, match="does not answer"):
        events.send(EVENTS)
    back = NovaEndpoint(endpoint.port)
    assert events.send(EVENTS) == [200, 200]
    back.close()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "auth_type"),
        ("[nova]\nauth_type = gibberish\n", "gibberish"),
        ("[nova]\nauth_type = password\n", "auth_url"),
        ("[nova]\nauth_type = none\n", "endpoint"),
        ("[nova]\nauth_type = none\ntimeout = soon\n", "timeout"),
        (
            "[nova]\nauth_type = none\nendpoint_override = https://127.0.0.1:1\ncafile = /none\n",
            "/none",
        ),
    ],
)
def test_settings_that_lead_nowhere_are_named(connect: Connect, text: str, word: str) -> None:
    with pytest.raises(ServiceUnavailable, match=word):
        connect(text).send(EVENTS)


def test_a_keystone_that_hangs_is_left_after_a_time(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nova, "TIMEOUT_SECONDS", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v3"
        names = "username = u\npassword = p\nproject_name = s\nuser_domain_name = Default\n"
        names += "project_domain_name = Default\n"
        client = connect(f"[nova]\nauth_type = password\nauth_url = {url}\n{names}")
        with pytest.raises(ServiceUnavailable, match="does not answer"):
            client.send(EVENTS)

"""What is between the agent and the API may answer anything: nothing counts as delivered by it."""

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ipam.agent.leases.inbox_file import InboxFile
from ipam.agent.leases.shipper import LeaseShipper
from ipam.agent.leases.table import LeaseTable
from ipam.client import Client
from ipam.errors import IpamError
from tests.agent.leases.events import numbered
from tests.servers.quiet_server import QuietHttpServer


class Answer(NamedTuple):
    status: int
    body: str = ""
    media: str = "application/json"
    location: str = ""


class Proxy(QuietHttpServer):
    """Answers what it is told to answer, and notes which events it was sent."""

    def __init__(self) -> None:
        self.answer = Answer(200)
        self.sent: list[list[str]] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Proxy

    def do_POST(self) -> None:
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.sent.append([event["id"] for event in given["lease_events"]])
        said = self.server.answer
        self.send_response(said.status)
        self.send_header("Content-Type", said.media)
        self.send_header("Content-Length", str(len(said.body)))
        if said.location:
            self.send_header("Location", said.location)
        self.end_headers()
        self.wfile.write(said.body.encode())

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


class Desk(NamedTuple):
    """A shipper with two events before a proxy."""

    proxy: Proxy
    file: InboxFile
    shipper: LeaseShipper
    directory: Path


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    proxy = Proxy()
    threading.Thread(target=proxy.serve_forever, args=(0.01,), daemon=True).start()
    with proxy, Client(url=f"http://127.0.0.1:{proxy.server_address[1]}") as client:
        file = InboxFile(tmp_path)
        file.append(numbered(1, 2))
        yield Desk(
            proxy, file, LeaseShipper(client, file, LeaseTable(tmp_path / "leases")), tmp_path
        )
        file.close()
        proxy.shutdown()


HTML = "<html><body>no</body></html>"
NEUTRON = json.dumps({"NeutronError": {"type": "HTTPBadRequest", "message": "%s", "detail": ""}})


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200),
        Answer(200, "{}"),
        Answer(200, "null"),
        Answer(200, "[]"),
        Answer(200, HTML, "text/html"),
        Answer(200, '{"applied": 1, "duplicates": 0}'),
        Answer(200, '{"applied": 2, "duplicates": 0, "epoch": "another", "sequence": 2}'),
        Answer(204),
        Answer(302, location="https://login.example.com/"),
        Answer(304),
        Answer(400, HTML, "text/html"),
        Answer(400, '{"error": "bad"}'),
        Answer(400, NEUTRON % "Malformed request body."),
        Answer(403, HTML, "text/html"),
        Answer(404, HTML, "text/html"),
        Answer(413, HTML, "text/html"),
        Answer(429, HTML, "text/html"),
        Answer(502, HTML, "text/html"),
    ],
    ids=lambda answer: f"{answer.status}-{answer.body[:20]}",
)
def test_what_does_not_name_the_batch_delivers_nothing(desk: Desk, answer: Answer) -> None:
    desk.proxy.answer = answer
    with pytest.raises(IpamError):
        desk.shipper.ship()
    assert desk.file.peek(9)[0] == numbered(1, 2)
    assert desk.proxy.sent == [["1", "2"]], "it is not asked again for parts"
    assert not (desk.directory / "inbox.rejected").exists()
    desk.proxy.answer = Answer(200, '{"applied": 1, "duplicates": 1}')
    desk.shipper.ship()
    assert desk.file.is_empty()


def test_what_the_api_itself_refuses_of_an_event_is_set_aside(desk: Desk) -> None:
    desk.proxy.answer = Answer(400, NEUTRON % "[0] Invalid input for action.")
    desk.shipper.ship()
    assert desk.file.is_empty()
    lines = (desk.directory / "inbox.rejected").read_text().splitlines()
    assert [json.loads(line)["event"]["id"] for line in lines] == ["1", "2"]


def test_a_clock_that_differs_is_said_once_and_is_a_trouble_until_it_is_right(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    said = {"applied": 2, "duplicates": 0, "clock_difference_us": 3_600_000_000}
    desk.proxy.answer = Answer(200, json.dumps(said))
    desk.shipper.ship()
    desk.file.append(numbered(3, 4))
    desk.shipper.ship()
    assert desk.shipper.troubles == {
        "clock": "this host's clock is 3600 s behind the API's: set it by NTP"
    }
    desk.file.append(numbered(5, 6))
    desk.proxy.answer = Answer(200, json.dumps(said | {"clock_difference_us": 0}))
    desk.shipper.ship()
    assert desk.shipper.troubles == {}
    told = [
        record.getMessage() for record in caplog.records if record.name.startswith("ipam.agent")
    ]
    begins, ends = told
    assert begins.startswith("this host's clock is 3600 s behind the API's: set it by NTP; ")
    assert ends == "this host's clock is the API's again"

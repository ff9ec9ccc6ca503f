"""What becomes of connections and requests when the server is told to stop."""

import contextlib
import json
import signal
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from http.client import HTTPResponse
from pathlib import Path
from types import SimpleNamespace

import pytest

from ipam.api.serving import draining
from ipam.store import schema
from ipam.store.engine.database import Database
from tests.api.serving.api_process import ApiProcess, api_process
from tests.waiting import PATIENCE_SECONDS, eventually

HEAD = b"HTTP/1.1\r\nHost: x\r\n"
ASK = b"GET / " + HEAD + b"\r\n"
Connect = Callable[[], socket.socket]


@pytest.fixture
def database_file(tmp_path: Path) -> Path:
    database = Database(f"sqlite:///{tmp_path}/ipam.sqlite")
    schema.upgrade(database)
    database.dispose()
    return tmp_path / "ipam.sqlite"


@pytest.fixture
def running(tmp_path: Path, database_file: Path) -> Iterator[ApiProcess]:
    with api_process(tmp_path, f"sqlite:///{database_file}") as process:
        yield process


@pytest.fixture(params=["tcp", "unix"])
def connect(
    running: ApiProcess, request: pytest.FixtureRequest
) -> Iterator[Callable[[], socket.socket]]:
    """A function that connects to one of the listeners."""
    with contextlib.ExitStack() as opened:

        def make() -> socket.socket:
            family = socket.AF_INET if request.param == "tcp" else socket.AF_UNIX
            channel = opened.enter_context(socket.socket(family))
            channel.settimeout(PATIENCE_SECONDS)
            channel.connect(
                ("127.0.0.1", running.port) if request.param == "tcp" else str(running.socket_path)
            )
            return channel

        yield make


@contextlib.contextmanager
def stopped_meanwhile(running: ApiProcess) -> Iterator[None]:
    """The process does nothing within the block, and finds at its end that it shall stop."""
    running.process.send_signal(signal.SIGSTOP)
    yield
    running.process.send_signal(signal.SIGTERM)
    running.process.send_signal(signal.SIGCONT)


def await_closed_listeners(running: ApiProcess) -> None:
    eventually(lambda: not running.socket_path.exists(), "the server stops")


def answer(channel: socket.socket) -> tuple[int, bool]:
    """The status, and whether the server closed the connection after one whole answer."""
    head, _, body = channel.makefile("rb").read().partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    assert int(headers["content-length"]) == len(body)
    return int(lines[0].split()[1]), headers.get("connection") == "close"


def test_requests_that_were_sent_and_not_yet_read_are_answered(
    running: ApiProcess, connect: Connect
) -> None:
    known = connect()
    known.sendall(ASK)
    with HTTPResponse(known) as response:
        response.begin()
        response.read()
    with stopped_meanwhile(running):
        channels = [connect() for _ in range(8)]
        for channel in [known, *channels]:
            channel.sendall(ASK)
    assert [answer(channel)[0] for channel in [known, *channels]] == [200] * 9
    assert running.process.wait(PATIENCE_SECONDS) == 0


def test_a_body_that_is_still_being_sent_is_read_and_answered(
    running: ApiProcess, connect: Connect
) -> None:
    body = json.dumps({"network": {"name": "n" * 200}}).encode()
    channel = connect()
    with stopped_meanwhile(running):
        channel.sendall(b"POST /v2.0/networks %bContent-Length: %d\r\n\r\n" % (HEAD, len(body)))
    await_closed_listeners(running)
    channel.sendall(body[:100])
    channel.sendall(body[100:])
    # Over TCP nobody has said who asks.
    assert answer(channel) == (201 if channel.family == socket.AF_UNIX else 401, True)
    assert running.process.wait(PATIENCE_SECONDS) == 0


def test_an_answer_that_takes_long_is_waited_for(running: ApiProcess, database_file: Path) -> None:
    with sqlite3.connect(database_file, isolation_level=None) as held:
        held.execute("BEGIN IMMEDIATE")
        body = b'{"network": {}}'
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(PATIENCE_SECONDS)
            channel.connect(str(running.socket_path))
            channel.sendall(
                b"POST /v2.0/networks %bContent-Length: %d\r\n\r\n%b" % (HEAD, len(body), body)
            )
            running.process.send_signal(signal.SIGTERM)
            await_closed_listeners(running)
            assert running.process.poll() is None
            held.execute("ROLLBACK")
            assert answer(channel) == (201, True)
    held.close()
    assert running.process.wait(PATIENCE_SECONDS) == 0


def test_a_client_that_sends_half_a_request_holds_no_stop_up_for_long(
    running: ApiProcess, connect: Connect
) -> None:
    channel = connect()
    with stopped_meanwhile(running):
        channel.sendall(HEAD)
    assert running.process.wait(PATIENCE_SECONDS) == 0
    assert "Traceback" not in running.log.read_text()


@pytest.mark.parametrize(
    ("requests", "request_", "unsent_bytes", "silent_seconds", "under_way"),
    [
        ([], None, 0, 0, False),
        (["whole"], None, 0, 1000, True),
        ([], "half", 0, 0, True),
        ([], "half", 0, 1000, False),
        ([], None, 5, 0, True),
        ([], None, 5, 1000, False),
    ],
)
def test_what_is_waited_for(
    requests: list[str],
    request_: str | None,
    unsent_bytes: int,
    silent_seconds: int,
    under_way: bool,  # a column of the table
) -> None:
    channel = SimpleNamespace(
        requests=requests,
        is_held=False,
        request=request_,
        total_outbufs_len=unsent_bytes,
        last_activity=time.time() - silent_seconds,
    )
    assert draining.is_under_way(channel) is under_way

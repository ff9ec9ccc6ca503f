"""Clients that never finish: `python -m tests.hostile.slow_clients ORDER`, until its input ends.

Each sends half a request, or a byte now and then, or reads no answer. When the service ends one,
another comes. At the end it prints how many came, and how long the most patient was kept.
"""

import contextlib
import selectors
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from tests.hostile.place import Place

TICK_SECONDS: Final = 1.0
NEW_EACH_TICK: Final = 50
DRIP_TICKS: Final = 5
"""In each tick a fifth of the clients send a byte."""
SOURCE: Final = "127.0.0.3"


class Order(msgspec.Struct):
    place: Place
    clients: int


class SlowReport(msgspec.Struct):
    """What became of the slow clients."""

    came: int = 0
    were_ended: int = 0
    refused: int = 0
    most_open: int = 0
    longest_seconds: float = 0.0


def _silent(_signed: bytes) -> tuple[bytes, bytes]:
    return b"", b""


def _half_head(_signed: bytes) -> tuple[bytes, bytes]:
    return b"GET /v2.0/ports HTTP/1.1\r\nHost: loc", b""


def _drips_head(_signed: bytes) -> tuple[bytes, bytes]:
    return b"GET /v2.0/ports HTTP/1.1\r\nX-Slow: ", b"a"


def _half_body(signed: bytes) -> tuple[bytes, bytes]:
    head = b"POST /v2.0/ports HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n"
    return head + b"Authorization: " + signed + b"\r\n\r\n{", b""


def _drips_body(signed: bytes) -> tuple[bytes, bytes]:
    start, _ = _half_body(signed)
    return start, b" "


def _drips_chunks(_signed: bytes) -> tuple[bytes, bytes]:
    return b"POST /v2.0/ports HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"


def _reads_nothing(_signed: bytes) -> tuple[bytes, bytes]:
    return b"GET /v2.0/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 5, b""


HABITS: Final[tuple[Callable[[bytes], tuple[bytes, bytes]], ...]] = (
    *(_silent, _half_head, _drips_head, _half_body, _drips_body, _drips_chunks, _reads_nothing),
)
"""Each gives what a client sends first, and what it sends then, again and again."""


@dataclass(slots=True)
class _Client:
    channel: socket.socket
    since: float
    drip: bytes
    reads: bool


def run(order: Order) -> SlowReport:
    """Be slow until standard input ends."""
    clients: dict[socket.socket, _Client] = {}
    report = SlowReport()
    turn = 0
    with selectors.DefaultSelector() as waiting:
        waiting.register(sys.stdin, selectors.EVENT_READ)
        while True:
            _fill(order, clients, report, waiting)
            report.most_open = max(report.most_open, len(clients))
            deadline = time.monotonic() + TICK_SECONDS
            while (left := deadline - time.monotonic()) > 0:
                for key, _ in waiting.select(left):
                    if key.fileobj is sys.stdin:
                        return _ended(clients, report)
                    _read(clients[key.fileobj], clients, report, waiting)  # type: ignore[index]  # a socket
            turn += 1
            for one in list(clients.values())[turn % DRIP_TICKS :: DRIP_TICKS]:
                _drip(one, clients, report, waiting)


def _fill(
    order: Order,
    clients: dict[socket.socket, _Client],
    report: SlowReport,
    waiting: selectors.BaseSelector,
) -> None:
    for _ in range(min(NEW_EACH_TICK, order.clients - len(clients))):
        habit = HABITS[report.came % len(HABITS)]
        start, drip = habit(order.place.authorizations["member"].encode())
        channel = socket.socket()
        report.came += 1
        try:
            if habit is _reads_nothing:
                channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            channel.bind((SOURCE, 0))
            channel.settimeout(1)
            channel.connect(("127.0.0.1", order.place.port))
            channel.sendall(start)
        except OSError:
            report.refused += 1
            channel.close()
            continue
        channel.setblocking(False)
        clients[channel] = _Client(channel, time.monotonic(), drip, habit is not _reads_nothing)
        if habit is not _reads_nothing:
            waiting.register(channel, selectors.EVENT_READ)


def _read(
    one: _Client,
    clients: dict[socket.socket, _Client],
    report: SlowReport,
    waiting: selectors.BaseSelector,
) -> None:
    try:
        said = one.channel.recv(65_536)
    except BlockingIOError:
        return
    except OSError:
        said = b""
    if not said:
        _lose(one, clients, report, waiting)


def _drip(
    one: _Client,
    clients: dict[socket.socket, _Client],
    report: SlowReport,
    waiting: selectors.BaseSelector,
) -> None:
    try:
        if one.drip:
            one.channel.send(one.drip)
        elif not one.reads and one.channel.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            _lose(one, clients, report, waiting)
    except BlockingIOError:
        pass
    except OSError:
        _lose(one, clients, report, waiting)


def _lose(
    one: _Client,
    clients: dict[socket.socket, _Client],
    report: SlowReport,
    waiting: selectors.BaseSelector,
) -> None:
    report.were_ended += 1
    report.longest_seconds = max(report.longest_seconds, time.monotonic() - one.since)
    clients.pop(one.channel, None)
    with contextlib.suppress(KeyError):
        waiting.unregister(one.channel)
    one.channel.close()


def _ended(clients: dict[socket.socket, _Client], report: SlowReport) -> SlowReport:
    now = time.monotonic()
    for one in clients.values():
        if one.reads:  # the other sees no end while it has not read
            report.longest_seconds = max(report.longest_seconds, now - one.since)
        one.channel.close()
    return report


if __name__ == "__main__":
    told = run(msgspec.json.decode(sys.argv[1], type=Order))
    sys.stdout.write(msgspec.json.encode(told).decode() + "\n")

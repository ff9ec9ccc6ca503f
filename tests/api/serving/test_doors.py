"""Clients that are slow, many or greedy, at both doors, with real sockets."""

import contextlib
import os
import random
import select
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from ipam.api.serving import channels, doors, patience
from ipam.store import schema
from ipam.store.engine.database import Database
from tests.api.serving.api_process import api_process
from tests.api.serving.open_doors import CONNECTIONS, LONG_BYTES, MIDDLING_BYTES, Place
from tests.waiting import PATIENCE_SECONDS, eventually

ASK = b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n"
ASK_SLOW = b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"
ASK_LAST = b"GET /quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
ASK_LONG = b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n"
ASK_MIDDLING = b"GET /middling HTTP/1.1\r\nHost: x\r\n\r\n"
HALF = b"POST / HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    opened = Place(tmp_path)
    yield opened
    opened.close()


@pytest.fixture(params=["by_tcp", "by_unix"])
def connect(place: Place, request: pytest.FixtureRequest) -> Callable[..., socket.socket]:
    found: Callable[..., socket.socket] = getattr(place, request.param)
    return found


def status(channel: socket.socket) -> int:
    """The status of the next answer; the bytes after its head stay in the socket."""
    line = b""
    while not line.endswith(b"\r\n"):
        byte = channel.recv(1)
        assert byte, "closed without an answer"
        line += byte
    return int(line.split()[1])


def is_closed(channel: socket.socket) -> bool:
    """Whether nothing but the end is left to read, or not even that."""
    with contextlib.suppress(ConnectionError):
        while channel.recv(1_000_000):
            pass
    return True


def has_something(channel: socket.socket) -> bool:
    """Whether there is an answer or the end to read. Does not wait."""
    return bool(select.select([channel], [], [], 0)[0])


def slow_reader(place: Place, sent: bytes) -> socket.socket:
    """A client of TCP for which the kernel keeps little that it has not read."""
    client = place.opened.enter_context(socket.socket())
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    client.settimeout(PATIENCE_SECONDS)
    client.connect(("127.0.0.1", place.port))
    client.sendall(sent)
    return client


def number_open(place: Place) -> int:
    return len(place.tcp.server.active_channels)


def number_at_work(place: Place) -> int:
    return sum(bool(each.requests) for each in list(place.tcp.server.active_channels.values()))


def test_half_sent_requests_fill_tcp_and_neither_root_nor_another_address_notices(
    place: Place,
) -> None:
    half_sent = [place.by_tcp(HALF) for _ in range(3 * CONNECTIONS)]
    assert status(place.by_unix(ASK)) == 200
    assert status(place.by_tcp(ASK, source="127.0.0.2")) == 200
    assert status(place.by_tcp(ASK)) == 200
    assert number_open(place) <= CONNECTIONS
    assert all(map(is_closed, half_sent[:CONNECTIONS]))


def test_the_connection_of_another_address_outlives_a_flood(place: Place) -> None:
    kept = place.by_tcp(ASK, source="127.0.0.2")
    assert status(kept) == 200
    flood = [place.by_tcp() for _ in range(3 * CONNECTIONS)]
    eventually(lambda: sum(map(has_something, flood)) >= 2 * CONNECTIONS, "the flood gives way")
    kept.sendall(ASK_LAST)
    assert kept.makefile("rb").read().count(b"HTTP/1.1 200 ") == 1


def test_requests_of_one_address_in_all_threads_do_not_keep_root_waiting(place: Place) -> None:
    place.application.go_on.clear()
    slow = [place.by_tcp(ASK_SLOW) for _ in range(CONNECTIONS)]
    eventually(lambda: number_at_work(place) == CONNECTIONS, "every connection has work")
    eventually(lambda: len(place.application.paths) == 2, "every thread of TCP is busy")
    assert status(place.by_unix(ASK)) == 200
    other = place.by_tcp(b"GET /other HTTP/1.1\r\nHost: x\r\n\r\n", source="127.0.0.2")
    eventually(lambda: number_open(place) == CONNECTIONS, "one connection was given up")
    eventually(lambda: len(place.threads.queue) == CONNECTIONS - 1, "the other's request waits")
    place.application.go_on.set()
    assert status(other) == 200
    assert place.application.paths.index("/other") <= 5  # after two at work, one, and root's
    assert {status(each) for each in slow[: CONNECTIONS - 1]} == {200}


def test_a_full_door_refuses_whoever_has_the_most_and_is_served_already(place: Place) -> None:
    place.application.go_on.clear()
    for _ in range(CONNECTIONS):
        place.by_tcp(ASK_SLOW)
    eventually(lambda: number_at_work(place) == CONNECTIONS, "every connection has work")
    refused = place.by_tcp()
    answer = refused.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: 1\r\n" in answer
    body = answer.partition(b"\r\n\r\n")[2]
    assert f"Content-Length: {len(body)}\r\n".encode() in answer


@pytest.mark.parametrize("sent", [HALF, HALF + b"Content-Length: 10\r\n\r\n", b"G"])
def test_half_a_request_is_answered_when_its_time_is_over(
    connect: Callable[..., socket.socket], monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(patience, "REQUEST_SECONDS", 0.5)
    channel = connect(sent)
    answer = channel.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.")
    assert b" 408 Request Timeout\r\n" in answer
    assert b'{"NeutronError":{"type":' in answer


def test_a_request_that_trickles_has_no_longer_time(
    connect: Callable[..., socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "REQUEST_SECONDS", 0.5)
    channel = connect(HALF + b"Content-Length: 999\r\n\r\n")

    def is_over() -> bool:
        with contextlib.suppress(ConnectionError):
            channel.send(b"x")
        return has_something(channel)

    eventually(is_over, "the server gives the request up")


def test_an_idle_connection_ends_in_time(
    connect: Callable[..., socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "IDLE_SECONDS", 0.5)
    assert is_closed(connect())


def test_a_client_that_does_not_read_its_answer_loses_its_connection(
    place: Place, connect: Callable[..., socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "ANSWER_SECONDS", 0.5)
    channel = connect(ASK_LONG)
    servers = (place.tcp.server, place.unix.server)
    eventually(lambda: "/long" in place.application.paths, "the request is worked on")
    eventually(lambda: not any(each.active_channels for each in servers), "it is closed")
    assert is_closed(channel)


def test_a_client_that_reads_its_long_answer_gets_all_of_it(
    connect: Callable[..., socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(patience, "ANSWER_BYTES", 1)
    response = connect(ASK_LONG).makefile("rb")
    while response.readline() != b"\r\n":
        pass
    assert len(response.read(LONG_BYTES)) == LONG_BYTES


def test_whoever_asks_again_without_reading_keeps_no_thread(place: Place) -> None:
    greedy = [place.by_tcp(ASK_LONG * 3) for _ in range(2 * 2)]
    eventually(lambda: "/long" in place.application.paths, "the requests are worked on")
    assert status(place.by_tcp(ASK, source="127.0.0.2")) == 200
    eventually(lambda: number_open(place) <= 1, "the greedy ones are gone")
    assert all(map(is_closed, greedy))


def test_the_next_answer_is_made_when_the_last_is_read(place: Place) -> None:
    client = slow_reader(place, ASK_MIDDLING * 3)
    channel = eventually(lambda: list(place.tcp.server.active_channels.values()))[0]
    eventually(lambda: channel.is_held, "the first answer waits to be read")
    assert place.application.paths == ["/middling"]
    answers = client.makefile("rb")
    for _ in range(3):
        while answers.readline() != b"\r\n":
            pass
        assert len(answers.read(MIDDLING_BYTES)) == MIDDLING_BYTES
    assert place.application.paths == ["/middling"] * 3


def test_who_does_not_read_the_last_answer_gives_way(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "ANSWER_SECONDS", 0.5)
    client = slow_reader(place, ASK_MIDDLING * 3)
    eventually(lambda: bool(place.application.paths), "the first request is worked on")
    eventually(lambda: not number_open(place), "it is closed")
    assert is_closed(client)
    assert place.application.paths == ["/middling"]


def test_too_many_requests_in_one_go_end_the_connection(
    place: Place, connect: Callable[..., socket.socket]
) -> None:
    channel = connect(ASK * (channels.REQUESTS_AT_ONCE * 5))
    assert is_closed(channel)
    assert len(place.application.paths) <= channels.REQUESTS_AT_ONCE * 3


def test_some_requests_in_one_go_are_all_answered(connect: Callable[..., socket.socket]) -> None:
    channel = connect(ASK * (channels.REQUESTS_AT_ONCE - 1) + ASK_LAST)
    answers = channel.makefile("rb").read()
    assert answers.count(b"HTTP/1.1 200 ") == channels.REQUESTS_AT_ONCE


def test_local_strangers_fill_their_part_of_the_socket_and_use_the_threads_of_tcp(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.application.go_on.clear()
    trusted = place.by_unix(ASK)
    assert status(trusted) == 200
    monkeypatch.setattr(channels, "caller_of_peer", lambda _uid: None)
    strangers = [place.by_unix(ASK_SLOW) for _ in range(4)]
    eventually(lambda: place.application.paths.count("/slow") == 2, "both threads are busy")
    strangers += [place.by_unix() for _ in range(2 * doors.OTHER_LOCAL_CONNECTIONS)]
    at_most = doors.OTHER_LOCAL_CONNECTIONS + 1  # and the trusted one
    eventually(lambda: len(place.unix.server.active_channels) == at_most, "strangers give way")
    monkeypatch.undo()
    assert status(place.by_unix(ASK)) == 200
    assert len(strangers) == 4 + 2 * doors.OTHER_LOCAL_CONNECTIONS


def test_the_socket_tells_the_application_who_calls(place: Place) -> None:
    by_unix, by_tcp = (
        each(ASK_LAST).makefile("rb").read() for each in (place.by_unix, place.by_tcp)
    )
    assert by_unix.endswith(f"\r\n\r\n{os.geteuid()}".encode())
    assert by_tcp.endswith(b"\r\n\r\nNone")


def test_a_full_table_of_files_costs_a_waiting_connection_and_not_the_door(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = place.by_tcp()
    eventually(lambda: number_open(place) == 1, "it is accepted")
    accept = place.tcp.server.accept
    faults: Iterator[OSError] = iter([OSError(24, "Too many open files")])

    def accept_or_fail() -> Any:
        for fault in faults:
            raise fault
        return accept()

    monkeypatch.setattr(place.tcp.server, "accept", accept_or_fail)
    assert status(place.by_tcp(ASK)) == 200
    assert is_closed(waiting)


def test_root_works_while_900_requests_arrive_by_half(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ipam.sqlite"
    database = Database(url)
    schema.upgrade(database)
    database.dispose()
    with api_process(tmp_path, url) as running, contextlib.ExitStack() as opened:
        for _ in range(900):
            channel = opened.enter_context(
                socket.create_connection(("127.0.0.1", running.port), PATIENCE_SECONDS)
            )
            channel.sendall(HALF)
        assert running.unix("GET", "/v2.0/agents").status == 200
        assert running.tcp("GET", "/").status in (200, 300)
        assert "TCP is full with 800 connections" in running.log.read_text()


def test_a_door_that_is_closed_may_be_told_to_stop_again(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.close()
    place.tcp.stop()
    place.unix.stop()


def counted_turns(place: Place, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Grows with each turn of the TCP door's loop."""
    turns: list[float] = []
    turn = place.tcp._turn

    def counted(seconds: float) -> None:
        turns.append(seconds)
        turn(seconds)

    monkeypatch.setattr(place.tcp, "_turn", counted)
    return turns


def test_the_loop_does_not_turn_in_vain_while_a_thread_sends(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = counted_turns(place, monkeypatch)
    connection = HTTPConnection("127.0.0.1", place.port, timeout=PATIENCE_SECONDS)
    with contextlib.closing(connection):
        for _ in range(200):
            connection.request("GET", "/")
            assert connection.getresponse().read() == b"None"
    assert len(turns) < 200 * 12


def test_an_urgent_byte_neither_turns_the_loop_nor_fills_the_log(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It stays in the socket, for nobody reads it."""
    turns = counted_turns(place, monkeypatch)
    urgent = place.by_tcp()
    urgent.send(b"!", socket.MSG_OOB)
    for _ in range(20):
        assert status(place.by_tcp(ASK_LAST)) == 200
    assert len(turns) < 20 * 12
    assert not caplog.records
    urgent.sendall(ASK_LAST)
    assert status(urgent) == 200


@pytest.mark.parametrize("seed", [1, 2])
def test_no_answer_is_lost_whatever_is_asked_at_once_and_however_it_is_read(
    place: Place, connect: Callable[..., socket.socket], seed: int
) -> None:
    """Each client sends its requests in bursts, cut anywhere, and reads in pieces."""
    chances = random.Random(seed)

    def live(client: socket.socket) -> int:
        answers = b""
        for turn in range(12):
            burst = chances.randrange(1, channels.REQUESTS_AT_ONCE)
            sent = (ASK_LAST if turn == 11 else ASK) * burst
            cut = chances.randrange(len(sent))
            client.sendall(sent[:cut])
            client.sendall(sent[cut:])
            wanted = answers.count(b"HTTP/1.1 200 ") + (1 if turn == 11 else burst)
            while answers.count(b"HTTP/1.1 200 ") < wanted:
                piece = client.recv(chances.randrange(1, 4_000))
                assert piece, "closed without an answer"
                answers += piece
        return answers.count(b"HTTP/1.1 200 ")

    with ThreadPoolExecutor(4) as pool:
        assert all(count > 11 for count in pool.map(live, [connect() for _ in range(4)]))

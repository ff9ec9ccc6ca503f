import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipam.api.serving.sockets import TO_READ, TO_WRITE, Sockets

MANY = 6


class End:
    """One end of a connection. It notes what it is told, and may do more."""

    def __init__(self, end: socket.socket, then: Any = lambda: None) -> None:
        self.end = end
        self.then = then
        self.wants = TO_READ
        self.asked = 0
        self.reads = 0
        self.writes = 0

    def readable(self) -> bool:
        self.asked += 1
        return bool(self.wants & TO_READ)

    def writable(self) -> bool:
        return bool(self.wants & TO_WRITE)

    def handle_read_event(self) -> None:
        self.reads += 1
        self.end.recv(100)
        self.then()

    def handle_write_event(self) -> None:
        self.writes += 1
        self.wants &= ~TO_WRITE


class Pairs:
    """Connections whose one end is in `sockets`, and what the kernel knows of them."""

    def __init__(self, number: int) -> None:
        self.sockets = Sockets()
        self.ends: list[End] = []
        self.others: list[socket.socket] = []
        for _ in range(number):
            ours, theirs = socket.socketpair()
            self.ends.append(End(ours))
            self.others.append(theirs)
            self.sockets[ours.fileno()] = self.ends[-1]

    def watch(self, one: End) -> None:
        self.sockets.watch(one.end.fileno(), one)

    def watched(self) -> dict[int, int]:
        """What the kernel waits for, by number of the socket."""
        lines = Path(f"/proc/self/fdinfo/{self.sockets._epoll.fileno()}").read_text().splitlines()
        words = [line.split() for line in lines if line.startswith("tfd:")]
        return {int(each[1]): int(each[3], 16) & (TO_READ | TO_WRITE) for each in words}

    def close(self) -> None:
        self.sockets.clear()
        self.sockets.close()
        for one in (*(each.end for each in self.ends), *self.others):
            one.close()


@pytest.fixture
def pairs() -> Iterator[Pairs]:
    with contextlib.closing(Pairs(3)) as made:
        yield made


def test_each_event_is_told_to_its_connection(pairs: Pairs) -> None:
    pairs.others[1].send(b"x")
    pairs.sockets.turn(10)
    assert [one.reads for one in pairs.ends] == [0, 1, 0]


def test_nobody_is_asked_to_whom_nothing_happened(pairs: Pairs) -> None:
    pairs.others[1].send(b"x")
    pairs.sockets.turn(10)
    assert [one.asked for one in pairs.ends] == [0, 1, 0]


def test_a_change_counts_when_it_is_told(pairs: Pairs) -> None:
    one = pairs.ends[0]
    one.wants = TO_WRITE
    pairs.watch(one)
    pairs.others[0].send(b"x")
    pairs.sockets.turn(10)
    assert (one.reads, one.writes) == (0, 1)
    pairs.sockets.turn(0)
    assert (one.reads, one.writes) == (0, 1), "it waits for nothing any more"
    one.wants = TO_READ
    pairs.watch(one)
    pairs.sockets.turn(10)
    assert (one.reads, one.writes) == (1, 1)


def test_a_closed_connection_waits_for_nothing(pairs: Pairs) -> None:
    one = pairs.ends[0]
    del pairs.sockets[one.end.fileno()]
    pairs.watch(one)
    pairs.others[0].send(b"x")
    pairs.sockets.turn(0)
    assert one.reads == 0
    assert one.end.fileno() not in pairs.watched()


def test_a_new_connection_does_not_get_the_event_of_the_one_whose_number_it_has(
    pairs: Pairs,
) -> None:
    accepting, old = pairs.ends[:2]
    number = old.end.fileno()
    mine, theirs = socket.socketpair()
    new = End(old.end)

    def replace() -> None:
        """As a full door does: close one connection, accept another."""
        accepting.then = lambda: None
        del pairs.sockets[number]
        os.dup2(mine.fileno(), number)
        pairs.sockets[number] = new
        theirs.send(b"y")

    accepting.then = replace
    pairs.others[0].send(b"x")
    pairs.others[1].send(b"x")
    with mine, theirs:
        pairs.sockets.turn(10)
        assert (accepting.reads, old.reads, new.reads) == (1, 0, 0)
        pairs.watch(old)
        pairs.sockets.turn(10)
        assert new.reads == 1, "the next turn is its own"


def test_urgent_data_of_a_client_does_not_end_the_wait() -> None:
    sockets = Sockets()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
    with client, accepted:
        one = End(accepted)
        sockets[accepted.fileno()] = one
        client.send(b"!", socket.MSG_OOB)
        client.send(b"x")
        sockets.turn(10)
        for _ in range(3):
            sockets.turn(0)
        assert one.reads == one.asked == 1
        del sockets[accepted.fileno()]
    sockets.close()


STEP = st.tuples(
    st.integers(0, MANY - 1),
    st.sampled_from(["send", "turn", "close"])
    | st.sampled_from([0, TO_READ, TO_WRITE, TO_READ | TO_WRITE]),
)


@given(st.lists(STEP, max_size=30))
def test_the_kernel_waits_for_what_each_one_waits_for(steps: list[tuple[int, str | int]]) -> None:
    with contextlib.closing(Pairs(MANY)) as pairs:
        for number, step in steps:
            one = pairs.ends[number]
            if step == "turn":
                pairs.sockets.turn(0)
            elif step == "send":
                pairs.others[number].send(b"x")
            elif step == "close":
                pairs.sockets.pop(one.end.fileno(), None)
            elif isinstance(step, int):
                one.wants = step
                pairs.watch(one)
            wanted = {each: one.wants for each, one in pairs.sockets.items()}
            assert pairs.watched() == wanted

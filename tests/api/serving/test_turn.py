import contextlib
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from ipam.api.serving.turn import turn


class Reader:
    """One end of a connection. It notes what it is told, and may do more."""

    accepting = False

    def __init__(self, end: socket.socket, then: Any = lambda: None) -> None:
        self.end = end
        self.then = then
        self.reads = 0

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def handle_read_event(self) -> None:
        self.reads += 1
        self.then()


@pytest.fixture
def pairs() -> Iterator[list[tuple[socket.socket, socket.socket]]]:
    with contextlib.ExitStack() as stack:
        made = [socket.socketpair() for _ in range(2)]
        for one in (each for pair in made for each in pair):
            stack.enter_context(one)
        yield made


def test_each_event_is_told_to_its_connection(
    pairs: list[tuple[socket.socket, socket.socket]],
) -> None:
    readers = [Reader(ours) for ours, _ in pairs]
    sockets: dict[int, Any] = {one.end.fileno(): one for one in readers}
    pairs[1][1].send(b"x")
    turn(sockets, 10)
    assert [one.reads for one in readers] == [0, 1]


def test_a_new_connection_does_not_get_the_event_of_the_one_whose_number_it_has(
    pairs: list[tuple[socket.socket, socket.socket]],
) -> None:
    (first, sender), (old, other_sender) = pairs
    number = old.fileno()
    new = Reader(old)
    others: list[socket.socket] = []

    def replace() -> None:
        """As a full door does: close one connection, accept another."""
        mine, theirs = socket.socketpair()
        os.dup2(mine.fileno(), number)
        mine.close()
        theirs.send(b"y")
        others.append(theirs)
        sockets[number] = new

    accepting = Reader(first, replace)
    sockets: dict[int, Any] = {first.fileno(): accepting, number: Reader(old)}
    sender.send(b"x")
    other_sender.send(b"x")
    turn(sockets, 10)
    assert (accepting.reads, new.reads) == (1, 0)
    sockets.pop(first.fileno())
    turn(sockets, 10)
    assert new.reads == 1, "the next turn is its own"
    others.pop().close()

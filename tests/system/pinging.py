"""Pings every 10 ms from several machines at once, of which none may be lost."""

import contextlib
import queue
import select
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from pathlib import Path
from typing import Self

from ipam import model
from tests.system.reach import Machine
from tests.system.wire import inside
from tests.waiting import eventually

INTERVAL_SECONDS = 0.01
AT_LEAST = 300
ECHO_REQUESTS = {4: 8, 6: 128}


class Way:
    """From a machine to an address."""

    def __init__(self, machine: Machine, address: str) -> None:
        self.name = f"{machine.host.name} to {address}"
        self._kind = ECHO_REQUESTS[model.ip_version(address)]
        self.socket = inside(machine.namespace, lambda: _echo_socket(address))
        self.answers: Counter[int] = Counter()

    def ask(self, number: int) -> None:
        with contextlib.suppress(OSError):  # then it has no answer
            self.socket.send(struct.pack("!BxHHHI", self._kind, 0, 0, number & 0xFFFF, number))

    def hear(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                (number,) = struct.unpack("!8xI", self.socket.recv(2048))
                self.answers[number] += 1


class Pinging:
    """One round after the other, in a thread."""

    def __init__(self, ways: Iterable[tuple[Machine, str]]) -> None:
        self.rounds = 0
        self._ways = [Way(*each) for each in ways]
        self._ended = threading.Event()
        self._pauses: queue.SimpleQueue[tuple[Callable[[], object], Future[object]]]
        self._pauses = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run)

    def in_a_pause(self, work: Callable[[], object]) -> None:
        """Have it done between two rounds, when all pings are answered."""
        done: Future[object] = Future()
        self._pauses.put((work, done))
        done.result()

    def await_rounds(self, number: int) -> None:
        """So many from now on."""
        wanted = self.rounds + number
        eventually(lambda: self.rounds >= wanted, f"{wanted} rounds")

    def not_answered_once(self) -> dict[str, dict[int, int]]:
        """By way, how often each ping was answered for which that is not once; at the end."""
        found = {
            way.name: {one: way.answers[one] for one in self._counted if way.answers[one] != 1}
            for way in self._ways
        }
        return {name: numbers for name, numbers in found.items() if numbers}

    def _run(self) -> None:
        while not self._ended.is_set():
            self._round()
            with contextlib.suppress(queue.Empty):
                work, done = self._pauses.get_nowait()
                self._carry_out(work, done)

    def _carry_out(self, work: Callable[[], object], done: "Future[object]") -> None:
        try:
            eventually(self._are_answered, "all pings until now are answered")
            done.set_result(work())
        except Exception as error:  # noqa: BLE001  # it is for the one who waits
            done.set_exception(error)

    def _round(self) -> None:
        self.rounds += 1
        for way in self._ways:
            way.ask(self.rounds)
        due = time.monotonic() + INTERVAL_SECONDS
        while (left := due - time.monotonic()) > 0:
            self._hear(left)

    def _hear(self, seconds: float) -> None:
        sockets = {way.socket: way for way in self._ways}
        for ready in select.select(list(sockets), [], [], seconds)[0]:
            sockets[ready].hear()

    def _are_answered(self) -> bool:
        self._hear(0)
        return all(len(way.answers) == self.rounds for way in self._ways)

    def _end(self) -> None:
        """With rounds until each way answers one: what was asked before is answered, or lost."""
        self._ended.set()
        self._thread.join()
        last = self.rounds
        self._counted = range(1, last + 1)

        def answer() -> bool:
            self._round()
            return all(max(way.answers, default=0) > last for way in self._ways)

        eventually(answer, "an answer on each way")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        try:
            if not any(error):
                self.await_rounds(AT_LEAST - self.rounds)
        finally:
            self._end()
            for way in self._ways:
                way.socket.close()


def _echo_socket(address: str) -> socket.socket:
    """The kernel sees to checksums and ids. Every group may open it."""
    Path("/proc/sys/net/ipv4/ping_group_range").write_text("0 0")
    if model.ip_version(address) == 4:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
    else:
        made = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM, socket.IPPROTO_ICMPV6)
    made.connect((address, 0))
    made.setblocking(False)
    return made

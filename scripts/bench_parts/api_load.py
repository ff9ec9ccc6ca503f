"""Clients that send requests in parallel, and the CPU time of the servers meanwhile."""

import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import psutil

from scripts.bench_parts.processes import quantile

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")

IDLE_SECONDS = 5
"""A server may close a connection that idles for longer."""


class Wire:
    """One kept connection. As little Python as can be: it shares the machine with the server."""

    def __init__(self, port: int, headers: Sequence[str] = ()) -> None:
        self._port = port
        self._socket = self._connected()
        self._used_at = time.monotonic()
        self._headers = "".join(f"{line}\r\n" for line in ("Host: localhost", *headers))

    def call(self, method: str, path: str, body: Any = None) -> bytes:
        """The body of the answer, whose status is checked to be a good one."""
        return self.exchange(method, path, body)[1]

    def exchange(
        self, method: str, path: str, body: Any = None, *, etag: str = ""
    ) -> tuple[str, bytes]:
        """The ETag and the body of the answer, which is empty if that is the ETag given."""
        raw = b"" if body is None else msgspec.json.encode(body)
        length = f"Content-Length: {len(raw)}\r\n" if raw else ""
        known = f"If-None-Match: {etag}\r\n" if etag else ""
        head = f"{method} {path} HTTP/1.1\r\n{self._headers}{known}{length}\r\n"
        if time.monotonic() > self._used_at + IDLE_SECONDS:
            self.close()
            self._socket = self._connected()
        self._socket.sendall(head.encode() + raw)
        answer = self._answer(method, path)
        self._used_at = time.monotonic()
        return answer

    def close(self) -> None:
        self._socket.close()

    def _connected(self) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self._port), timeout=60)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def _answer(self, method: str, path: str) -> tuple[str, bytes]:
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._some()
        head, _, rest = data.partition(b"\r\n\r\n")
        status = head.split(b" ", 2)[1]
        if _header(head, b"transfer-encoding").lower() == b"chunked":
            answer = self._chunks(rest)
        else:
            answer = self._rest(rest, int(_header(head, b"content-length") or 0))
        if not (status.startswith(b"2") or status == b"304"):
            raise RuntimeError(f"{method} {path}: {status!r} {answer[:300]!r}")
        return _header(head, b"etag").decode(), answer

    def _rest(self, begun: bytes, length: int) -> bytes:
        parts, missing = [begun], length - len(begun)
        while missing > 0:
            parts.append(self._some())
            missing -= len(parts[-1])
        return b"".join(parts)

    def _chunks(self, begun: bytes) -> bytes:
        """The parts of an answer of unknown length (RFC 9112), up to the empty one."""
        parts: list[bytes] = []
        while True:
            while b"\r\n" not in begun:
                begun += self._some()
            line, _, begun = begun.partition(b"\r\n")
            length = int(line.partition(b";")[0], 16)
            begun = self._rest(begun, length + 2)
            if not length:
                return b"".join(parts)
            parts.append(begun[:length])
            begun = begun[length + 2 :]

    def _some(self) -> bytes:
        got = self._socket.recv(1 << 20)
        if not got:
            raise RuntimeError("the server closed the connection")
        return got


@dataclass(frozen=True)
class Load:
    """One operation: `prepare` makes what a call of `work` uses up, unmeasured."""

    work: Callable[[Any, Any], object]
    """Takes a client, a Wire mostly, and an argument."""
    prepare: Callable[[int], Sequence[Any]]
    """Arguments of as many calls as asked for; fewer where there cannot be more."""
    cleanup: Callable[[], None] = lambda: None


def measure(
    load: Load, wires: Sequence[Any], pids: dict[str, int], calls: int
) -> dict[str, float]:
    """Make so many calls, shared by the clients: rate, latency and CPU of the process trees."""
    arguments = list(load.prepare(calls))
    shares = [arguments[n :: len(wires)] for n in range(len(wires))]
    latencies: list[float] = []
    start_line = threading.Barrier(len(wires) + 1)
    threads = [
        threading.Thread(target=_client, args=(load, wire, share, start_line, latencies))
        for wire, share in zip(wires, shares, strict=True)
    ]
    for thread in threads:
        thread.start()
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    own_before = time.process_time()
    try:
        start_line.wait()
        started = time.perf_counter()
        for thread in threads:
            while thread.is_alive():
                thread.join(1)  # one without end can miss a signal that comes just before it
    finally:
        start_line.abort()  # ends the clients that an interrupted measurement leaves behind
    seconds = time.perf_counter() - started
    own = time.process_time() - own_before
    spent = {name: cpu_seconds(pid) - before[name] for name, pid in pids.items()}
    load.cleanup()
    count = len(latencies)
    if count != len(arguments):
        raise RuntimeError(f"{len(arguments) - count} of {len(arguments)} calls failed")
    return {
        "calls": count,
        "per_second": round(count / seconds, 1),
        "p50_ms": round(quantile(latencies, 0.5) * 1000, 2),
        "p99_ms": round(quantile(latencies, 0.99) * 1000, 2),
        "cpu_ms": round(sum(spent.values()) / count * 1000, 3),
        **{f"cpu_ms_{name}": round(used / count * 1000, 3) for name, used in spent.items()},
        "clients_share_of_cpu": round(own / seconds / (os.cpu_count() or 1), 3),
    }


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its descendants, with those that have ended."""
    root = psutil.Process(pid)
    return sum(_own_seconds(each.pid) for each in (root, *root.children(recursive=True)))


def _own_seconds(pid: int) -> float:
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123  # read often, and short
            fields = file.read().rpartition(") ")[2].split()
    except FileNotFoundError:
        return 0.0
    # proc(5): utime, stime, and cutime, cstime of children that were waited for
    return sum(map(int, fields[11:15])) / TICKS_PER_SECOND


def _client(
    load: Load,
    wire: Any,
    arguments: Sequence[Any],
    start_line: threading.Barrier,
    latencies: list[float],
) -> None:
    mine = []
    try:
        start_line.wait()
    except threading.BrokenBarrierError:  # interrupted before it began
        return
    for argument in arguments:
        started = time.perf_counter()
        load.work(wire, argument)
        mine.append(time.perf_counter() - started)
        if start_line.broken:
            return
    latencies += mine


def _header(head: bytes, wanted: bytes) -> bytes:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == wanted:
            return value.strip()
    return b""

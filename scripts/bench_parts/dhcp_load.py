"""Machines that ask for an address at once: DISCOVER, OFFER, REQUEST, ACK, in real broadcasts.

Run as a program in the machines' namespace, so that it has a process of its own. It reads a JSON
object on standard input: for each interface the MAC addresses behind it, and how many may be
between DISCOVER and ACK at a time. It prints when it began, and when each machine had its ACK.
"""

import contextlib
import json
import selectors
import socket
import struct
import sys
import time
from collections.abc import Iterator
from typing import Any, Final

COOKIE: Final = b"\x63\x82\x53\x63"
ASK: Final = bytes([55, 7, 1, 3, 6, 12, 15, 26, 121, 57, 2, 5, 0xDC])
BOOTP: Final = 42
"""Where the message begins in a frame: Ethernet 14, IPv4 20, UDP 8."""
AGAIN_SECONDS: Final = 1.0
PATIENCE_SECONDS: Final = 120.0
BUFFER: Final = 8 << 20
SO_RCVBUFFORCE: Final = 33
"""socket(7); Python does not name it."""


class Segment:
    """The machines behind one interface."""

    def __init__(self, interface: str, macs: list[str], window: int) -> None:
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        self.socket.bind((interface, 0x0800))
        self.socket.setblocking(False)
        self.waiting = [bytes.fromhex(mac.replace(":", "")) for mac in reversed(macs)]
        self.window = window
        self.asked: dict[bytes, float] = {}
        """When each machine sent its last frame."""
        self.acknowledged: dict[bytes, float] = {}

    def fill(self) -> None:
        """Let more machines begin, as many as may."""
        while self.waiting and len(self.asked) < self.window:
            mac = self.waiting.pop()
            self.send(mac, frame(mac, 1))

    def send(self, mac: bytes, data: bytes) -> None:
        self.asked[mac] = time.monotonic()
        with contextlib.suppress(OSError):  # the queue of the link is full: it is sent again
            self.socket.send(data)

    def send_again(self, now: float) -> int:
        """Begin again with those that have no answer; how many."""
        late = [mac for mac, at in self.asked.items() if now - at > AGAIN_SECONDS]
        for mac in late:
            self.send(mac, frame(mac, 1))
        return len(late)

    def is_offered(self, mac: bytes) -> bool:
        """Whether an offer to this machine is among the frames that have come."""
        answers = [(to, options.get(53)) for to, options, _got in self._answers()]
        return (mac, b"\x02") in answers

    def hear(self) -> None:
        """Take every frame that has come."""
        for mac, options, got in self._answers():
            if mac not in self.asked:
                continue
            match options.get(53):
                case b"\x02":
                    more = bytes([50, 4]) + got[BOOTP + 16 : BOOTP + 20]
                    self.send(mac, frame(mac, 3, more + bytes([54, 4]) + options[54]))
                case b"\x06":  # another machine was faster: offers reserve nothing
                    self.send(mac, frame(mac, 1))
                case b"\x05":
                    del self.asked[mac]
                    self.acknowledged[mac] = time.time()

    def _answers(self) -> Iterator[tuple[bytes, dict[int, bytes], bytes]]:
        """Of each answer that has come the machine, its options and the frame."""
        while True:
            try:
                got = self.socket.recv(2048)
            except BlockingIOError:
                return
            if got[36:38] == b"\x00\x44" and got[BOOTP] == 2:
                yield got[BOOTP + 28 : BOOTP + 34], read_options(got[BOOTP + 240 :]), got


def read_options(data: bytes) -> dict[int, bytes]:
    """The options up to the server's identifier, which are the first."""
    found: dict[int, bytes] = {}
    at = 0
    while at + 1 < len(data) and data[at] != 255 and 54 not in found:
        size = data[at + 1]
        found[data[at]] = data[at + 2 : at + 2 + size]
        at += 2 + size
    return found


def frame(mac: bytes, kind: int, more: bytes = b"") -> bytes:
    """A broadcast of a message of this kind."""
    bootp = struct.pack("!BBBB4sHH", 1, 1, 6, 0, mac[2:], 0, 0x8000) + bytes(16) + mac + bytes(202)
    payload = bootp + COOKIE + bytes([53, 1, kind]) + more + ASK + b"\xff"
    udp = struct.pack("!HHHH", 68, 67, 8 + len(payload), 0) + payload
    head = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes(4), b"\xff" * 4
    )
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    head = head[:10] + struct.pack("!H", 0xFFFF - total) + head[12:]
    return b"\xff" * 6 + mac + b"\x08\x00" + head + udp


def run(segments: list[Segment]) -> dict[str, Any]:
    """Let all machines get their address, or as many as do in time."""
    selector = selectors.DefaultSelector()
    for one in segments:
        selector.register(one.socket, selectors.EVENT_READ, one)
    began, repeated = time.time(), 0
    look_at, end_at = time.monotonic() + 0.1, time.monotonic() + PATIENCE_SECONDS
    while any(one.waiting or one.asked for one in segments) and time.monotonic() < end_at:
        for one in segments:
            one.fill()
        for key, _events in selector.select(0.1):
            key.data.hear()
        if time.monotonic() > look_at:
            look_at = time.monotonic() + 0.1
            repeated += sum(one.send_again(time.monotonic()) for one in segments)
    at = sorted(when for one in segments for when in one.acknowledged.values())
    return {
        "began": began,
        "first": at[0] if at else began,
        "last": at[-1] if at else began,
        "acknowledged": len(at),
        "unanswered": sum(len(one.waiting) + len(one.asked) for one in segments),
        "repeated": repeated,
        "cpu": time.process_time(),
    }


def main() -> None:
    """Read what to do, and do it."""
    orders = json.load(sys.stdin)
    segments = [
        Segment(interface, macs, orders["window"])
        for interface, macs in orders["machines"].items()
    ]
    json.dump(run(segments), sys.stdout)


if __name__ == "__main__":
    main()

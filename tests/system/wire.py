"""A dnsmasq with the files that the agent would write, and raw clients that read its packets.

`IPAM_TEST_DNSMASQ` names another dnsmasq than the host's.
"""

import contextlib
import os
import select
import signal
import socket
import struct
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from pyroute2 import netns

from ipam.agent.desired import served_network
from ipam.agent.dnsmasq.config import PYTHON_HOOK, Site, mac_tags_file
from ipam.protocol.dhcp_state import FullNetwork
from ipam.templating import Word
from tests.system.ipam_host import Json, run
from tests.waiting import PATIENCE_SECONDS, eventually

T = TypeVar("T")
Options = dict[int, bytes]

PROGRAM = os.environ.get("IPAM_TEST_DNSMASQ", "/usr/sbin/dnsmasq")
BROADCAST = b"\xff" * 6
COOKIE = b"\x63\x82\x53\x63"
DISCOVER, OFFER, REQUEST, ACK, RELEASE = 1, 2, 3, 5, 7
SOLICIT, ADVERTISE = 1, 2
ALL = tuple(code for code in range(1, 255) if code not in (50, 51, 53, 54, 55, 57, 61, 82))


@dataclass(frozen=True)
class Answer:
    """What a DHCPv4 server said."""

    address: str
    next_server: str
    options: Options


class Wire:
    """The server of one network, and the far end of its only cable."""

    def __init__(
        self,
        directory: Path,
        row: Json,
        *,
        hook: Word | None = None,
        hook_option: Word = PYTHON_HOOK,
        program: str = PROGRAM,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory
        self.row = row
        name = uuid.uuid4().hex[:8]
        self.server_space, self.client_space = f"wire-s-{name}", f"wire-c-{name}"
        mac_tags = directory / "mac_tags.conf"
        mac_tags.write_text(mac_tags_file())
        self.site = Site(
            run_path=Word(directory),
            mac_tags=Word(mac_tags),
            hook=hook or Word("/bin/true"),
            hook_user=Word("dnsmasq"),
            hook_option=hook_option,
        )
        self.home: Path = directory / row["id"]
        for sub in ("hosts", "names", "options"):
            (self.home / sub).mkdir(parents=True)
        self.faults: tuple[str, ...] = ()
        state = self._write_files()
        assert state.server is not None
        assert state.interface is not None
        self._plug(state.interface.inside, state.interface.mac, state.addresses)
        (self.home / "dnsmasq.conf").write_text(state.server)
        server = (program, "--keep-in-foreground", f"--conf-file={self.home / 'dnsmasq.conf'}")
        with (self.home / "log").open("wb") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", self.server_space, *server],
                stderr=log,
                env={**os.environ, "IPAM_NETWORK": row["id"], **(environment or {})},
            )
        pid = self.home / "pid"
        eventually(lambda: pid.exists() and pid.read_text(), "dnsmasq has begun")
        self._client = inside(self.client_space, packet_socket)

    def _plug(self, inside: str, mac: str, addresses: frozenset[str]) -> None:
        for space in (self.server_space, self.client_space):
            run("ip", "netns", "add", space)
        run("ip", "-n", self.client_space, "link", "add", "eth0", "type", "veth", "peer")
        run("ip", "-n", self.client_space, "link", "set", "veth0", "netns", self.server_space)
        within = ("ip", "-n", self.server_space)
        run(*within, "link", "set", "veth0", "name", inside, "address", mac)
        for address in addresses:
            nodad = ("nodad",) if ":" in address else ()
            run(*within, "addr", "add", address, "dev", inside, *nodad)
        run(*within, "link", "set", inside, "up")
        first = self.row["ports"][0]["mac_address"]  # a DHCPv6 server looks for the sender's
        run("ip", "-n", self.client_space, "link", "set", "eth0", "address", first, "up")

    def _write_files(self) -> Any:
        served = served_network(msgspec.convert(self.row, FullNetwork), self.site, "host")
        self.faults = served.faults
        for sub in ("hosts", "names", "options"):
            for file in (self.home / sub).iterdir():
                if f"{sub}/{file.name}" not in served.state.files:
                    file.unlink()
        for name, text in served.state.files.items():
            (self.home / name).write_text(text)
        return served.state

    def reload(self) -> None:
        """Write what the row says now, tell the server, and see it read everything."""
        self._write_files()
        before = self._reloads()
        self.process.send_signal(signal.SIGHUP)
        eventually(lambda: self._reloads() > before or self.process.poll(), "a reload")

    def _reloads(self) -> int:
        """How often it has read its files without having seen a change in them."""
        file, log = f"{self.home}/options/network", self.log()
        return log.count(f"read {file}\n") - log.count(f"inotify: {file} ")

    def log(self) -> str:
        """What dnsmasq has said."""
        return (self.home / "log").read_text()

    def ask(
        self,
        mac: str,
        kind: int = DISCOVER,
        more: Options | None = None,
        codes: Sequence[int] = ALL,
    ) -> Answer:
        """The first answer to this machine; asked again each second until there is one."""
        xid = os.urandom(4)
        options = {53: bytes([kind]), 55: bytes(codes), 57: b"\x05\xc0"} | (more or {})
        asked = frame(bytes.fromhex(mac.replace(":", "")), xid, options)
        for _again in range(30):
            assert self.process.poll() is None, f"dnsmasq ended: {self.process.returncode}"
            self._client.send(asked)
            if found := self._answer(xid):
                return found
        raise AssertionError(f"no answer\n{self.log()[-3000:]}")

    def lease(self, mac: str, more: Options | None = None) -> Answer:
        """All four messages; the answer is the last one."""
        offer = self.ask(mac, DISCOVER, more)
        wanted = {50: ip_address(offer.address).packed, 54: offer.options[54]}
        return self.ask(mac, REQUEST, wanted | (more or {}))

    def release(self, mac: str, lease: Answer, more: Options) -> None:
        """Give the lease back, as its machine does. No answer comes."""
        options = {53: bytes([RELEASE]), 54: lease.options[54]} | more
        address = ip_address(lease.address).packed
        self._client.send(frame(bytes.fromhex(mac.replace(":", "")), bytes(4), options, address))

    def _answer(self, xid: bytes) -> Answer | None:
        deadline = time.monotonic() + 1
        while select.select([self._client], [], [], max(0, deadline - time.monotonic()))[0]:
            frame = self._client.recv(4096)
            if frame[12:14] == b"\x08\x00" and frame[36:38] == b"\x00\x44" and frame[46:50] == xid:
                return _parsed(frame[42:])
        return None

    def solicit(self, codes: Sequence[int], more: Options | None = None) -> Options:
        """What ADVERTISE says to the far end of the cable, an IA_NA among it."""
        client = inside(self.client_space, dhcp6_socket)
        xid = os.urandom(3)
        options = {1: b"\0\3\0\1" + os.urandom(6), 3: b"\0\0\0\1" + b"\0" * 8, 8: b"\0\0"}
        options |= {6: struct.pack(f"!{len(codes)}H", *codes)} | (more or {})
        body = b"".join(struct.pack("!HH", c, len(v)) + v for c, v in options.items())
        with client:
            for _again in range(30):
                with contextlib.suppress(OSError):  # until the link-local address is there
                    client.sendto(bytes([SOLICIT]) + xid + body, ("ff02::1:2", 547))
                if select.select([client], [], [], 1)[0]:
                    message = client.recv(4096)
                    if message[0] == ADVERTISE and message[1:4] == xid:
                        return _options6(message[4:])
        raise AssertionError(f"no answer\n{self.log()[-3000:]}")

    def close(self) -> None:
        self._client.close()
        self.process.terminate()
        self.process.wait(PATIENCE_SECONDS)
        for space in (self.server_space, self.client_space):
            run("ip", "netns", "del", space, check=False)


def option(name: str, value: str, version: int = 4) -> Json:
    """One of a port's extra_dhcp_opts."""
    return {"opt_name": name, "opt_value": value, "ip_version": version}


@contextlib.contextmanager
def wire(directory: Path, row: Json, **more: Any) -> Iterator[Wire]:
    """The server of this network, as `dhcp-state` describes it."""
    one = Wire(directory, row, **more)
    try:
        yield one
    finally:
        one.close()


def inside(space: str, make: Callable[[], T]) -> T:
    """What `make` gives when it runs in the namespace; a thread changes it for itself alone."""
    found: list[T] = []

    def work() -> None:
        netns.setns(space)
        found.append(make())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return found[0]


def packet_socket() -> socket.socket:
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    made.bind(("eth0", 0x0800))
    return made


def dhcp4_socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
    made.bind(("", 68))
    return made


def dhcp6_socket() -> socket.socket:
    made = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex("eth0"))
    made.bind(("::", 546))
    return made


def frame(mac: bytes, xid: bytes, options: Options, held: bytes = bytes(4)) -> bytes:
    """A broadcast; `held` is the address that the machine has (ciaddr)."""
    bootp = struct.pack("!BBBB4sHH", 1, 1, 6, 0, xid, 0, 0x8000)
    bootp += held + bytes(12) + mac + bytes(202)
    body = b"".join(bytes([code, len(value)]) + value for code, value in options.items())
    payload = bootp + COOKIE + body + b"\xff"
    udp = struct.pack("!HHHH", 68, 67, 8 + len(payload), 0) + payload
    head = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, b"\0" * 4, b"\xff" * 4
    )
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    head = head[:10] + struct.pack("!H", 0xFFFF - total) + head[12:]
    return BROADCAST + mac + b"\x08\x00" + head + udp


def _parsed(packet: bytes) -> Answer:
    options = options4(packet[240:])
    overload = options.get(52, b"\0")[0]
    if overload & 1:
        options |= options4(packet[108:236])
    if overload & 2:
        options |= options4(packet[44:108])
    return Answer(str(ip_address(packet[16:20])), str(ip_address(packet[20:24])), options)


def options4(data: bytes) -> Options:
    found: Options = {}
    while data and data[0] != 255:
        if data[0] == 0:
            data = data[1:]
            continue
        found[data[0]] = found.get(data[0], b"") + data[2 : 2 + data[1]]
        data = data[2 + data[1] :]
    return found


def _options6(data: bytes) -> Options:
    found: Options = {}
    while data:
        code, length = struct.unpack("!HH", data[:4])
        found[code] = data[4 : 4 + length]
        data = data[4 + length :]
    return found

"""Many DHCP clients on one wire, and what each of them holds: the truth of a round."""

import os
import select
import socket
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

from tests.system.ipam_host import run
from tests.system.wire import ACK, DISCOVER, OFFER, REQUEST, Options, frame, inside, options4
from tests.system.wire import packet_socket as open_packet_socket

DECLINE, NAK, RELEASE = 4, 6, 7
ETHERTYPE_ARP, ARP_REQUEST, ARP_REPLY = 0x0806, b"\0\1", b"\0\2"
ANSWER_SECONDS: Final = 0.1
AGAIN_SECONDS: Final = 1.0
"""After so long without an answer a client asks again."""
Holding = tuple[str, str]
"""An address and the MAC address of its machine."""


@dataclass(eq=False)
class Machine:
    """One client. It holds its address from an ACK until it gives it back."""

    mac: str
    address: str
    options: Options = field(default_factory=dict)
    """What it says besides."""
    server: bytes = b""
    holds: bool = False
    since: float = 0.0
    """When it got its address, by time.monotonic."""
    xid: bytes = b""
    """Of what it asked last; empty when it wants no answer any more."""

    @property
    def holding(self) -> Holding:
        return self.address, self.mac


class Fleet:
    """The clients, in a namespace whose cable is on the network's bridge."""

    def __init__(self, bridge: str) -> None:
        name = uuid.uuid4().hex[:8]
        self._space, self._link = f"fleet-{name}", f"fl-{name}"
        self.begun: set[Holding] = set()
        """What some machine has held."""
        self.ended: set[Holding] = set()
        """What its machine has given back, or was told to."""
        self._machines: list[Machine] = []
        self._lock = threading.Lock()
        """A fault takes an address from a machine while another thread hears its answer."""
        self._is_closed = False
        run("ip", "netns", "add", self._space)
        peer = ("peer", "name", "eth0", "netns", self._space)
        run("ip", "link", "add", self._link, "type", "veth", *peer)
        run("ip", "-n", self._space, "link", "set", "eth0", "up")
        run("ip", "link", "set", self._link, "master", bridge, "up")
        self._socket: socket.socket = inside(self._space, open_packet_socket)
        self._asked: socket.socket = inside(self._space, _open_arp_socket)
        self._answering = threading.Thread(target=self._answer, daemon=True)
        self._answering.start()

    def machine(self, mac: str, address: str) -> Machine:
        made = Machine(mac, address)
        self._machines.append(made)
        return made

    def held(self) -> set[Holding]:
        return {one.holding for one in self._machines if one.holds}

    def lease(self, machines: Sequence[Machine], seconds: float) -> bool:
        """All four messages for each; whether all of them have what they asked for."""
        return self._ask(dict.fromkeys(machines, self._discover), seconds)

    def lease_and_renew(
        self, coming: Sequence[Machine], renewing: Sequence[Machine], seconds: float
    ) -> None:
        """Both at once, so that they wait together for a server that does not answer."""
        asks = dict.fromkeys(coming, self._discover) | dict.fromkeys(renewing, self._renew)
        self._ask(asks, seconds)

    def release(self, machine: Machine, *, as_mac: str = "") -> None:
        """Give it back; or, as another's, take it from a machine that goes on to hold it."""
        self._send(machine, {53: bytes([RELEASE]), 54: machine.server}, holds=True)
        if not as_mac:
            self.forget(machine)

    def decline(self, machine: Machine) -> None:
        wanted = {50: ip_address(machine.address).packed, 54: machine.server}
        self._send(machine, {53: bytes([DECLINE])} | wanted)
        self.forget(machine)

    def forget(self, machine: Machine) -> None:
        """It has lost its address, whatever answer is on its way, and does not ask again."""
        with self._lock:
            if machine.holds:
                self.ended.add(machine.holding)
            machine.holds, machine.xid = False, b""

    def close(self) -> None:
        self._is_closed = True
        self._answering.join()
        self._asked.close()
        self._socket.close()
        run("ip", "link", "del", self._link, check=False)
        run("ip", "netns", "del", self._space, check=False)

    def _answer(self) -> None:
        """Answer by ARP for what machines hold, as their kernels do."""
        while not self._is_closed:
            if select.select([self._asked], [], [], ANSWER_SECONDS)[0]:
                asked = self._asked.recv(4096)
                owners = {
                    ip_address(one.address).packed: one for one in self._machines if one.holds
                }
                if asked[20:22] == ARP_REQUEST and (owner := owners.get(asked[38:42])):
                    mac = bytes.fromhex(owner.mac.replace(":", ""))
                    head = asked[6:12] + mac + asked[12:20] + ARP_REPLY
                    self._asked.send(head + mac + asked[38:42] + asked[22:32])

    def _ask(self, asks: Mapping[Machine, Callable[[Machine], None]], seconds: float) -> bool:
        waiting: dict[bytes, Machine] = {}
        until, again = time.monotonic() + seconds, 0.0
        with self._lock:
            for one in asks:
                if one.holding not in self.ended:
                    one.xid = os.urandom(4)
                    waiting[one.xid] = one
        while waiting and (now := time.monotonic()) < until:
            for xid in [xid for xid, one in waiting.items() if one.xid != xid]:
                del waiting[xid]
            if now >= again:
                again = now + AGAIN_SECONDS
                for one in waiting.values():
                    asks[one](one)
            if select.select([self._socket], [], [], min(until, again) - now)[0]:
                self._hear(self._socket.recv(4096), waiting)
        return not waiting

    def _hear(self, packet: bytes, waiting: dict[bytes, Machine]) -> None:
        one = waiting.get(packet[46:50])
        if packet[12:14] != b"\x08\x00" or packet[36:38] != b"\x00\x44" or one is None:
            return
        options, address = options4(packet[282:]), str(ip_address(packet[58:62]))
        match options.get(53, b"\0")[0]:
            case kind if kind == OFFER and address == one.address:
                one.server = options[54]
                wanted = {50: ip_address(address).packed, 54: one.server}
                self._send(one, {53: bytes([REQUEST])} | wanted)
            case kind if kind == ACK:
                self._acknowledged(one, options[54], packet[46:50])
                del waiting[packet[46:50]]
            case kind if kind == NAK:
                self.forget(one)

    def _acknowledged(self, machine: Machine, server: bytes, xid: bytes) -> None:
        with self._lock:
            if machine.xid != xid:
                return
            if not machine.holds:
                machine.holds, machine.since = True, time.monotonic()
            machine.server = server
            self.begun.add(machine.holding)

    def _discover(self, machine: Machine) -> None:
        self._send(machine, {53: bytes([DISCOVER])})

    def _renew(self, machine: Machine) -> None:
        """As after a start of the machine: the answer to a renewal goes to an address by ARP."""
        self._send(machine, {53: bytes([REQUEST]), 50: ip_address(machine.address).packed})

    def _send(self, machine: Machine, options: Options, *, holds: bool = False) -> None:
        address = ip_address(machine.address).packed if holds else bytes(4)
        mac = bytes.fromhex(machine.mac.replace(":", ""))
        said = options | {55: bytes([1, 3, 51])} | machine.options
        self._socket.send(frame(mac, machine.xid, said, address))


def _open_arp_socket() -> socket.socket:
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE_ARP))
    made.bind(("eth0", ETHERTYPE_ARP))
    return made

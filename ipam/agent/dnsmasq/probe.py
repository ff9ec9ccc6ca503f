"""Asks a network's dnsmasq what a machine would get. No machine sees it.

A request is sent on the outer end of the DHCP port's veth pair. It leaves the bridge's port there,
so the bridge learns nothing from it. The answer is read from the namespace's loopback. A probe
makes no lease and runs no hook. It takes dnsmasq 0.1 ms.
"""

import contextlib
import logging
import random
import select
import socket
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from ipam import model
from ipam.agent.dnsmasq import probe_dhcp4, probe_dhcp6, probe_frames, probe_router
from ipam.agent.dnsmasq.probe_answers import Advertisement, Offer, Question, Refusal
from ipam.agent.host.namespaces import call_in_namespace, namespace_path, pin_own_addresses
from ipam.agent.state import Interface

LOG = logging.getLogger(__name__)

PATIENCE_SECONDS = 0.1
"""dnsmasq answers in 0.2 ms, or 30 ms while it reads the hosts of 1,000 ports."""
AT_ONCE = 32
"""How many requests wait in dnsmasq's socket. With the least rmem_default it holds about 128."""
LARGEST_PACKET_OCTETS = 1500
"""The largest packet that probes say they accept, whatever the interface's MTU is."""
ETH_P_ALL = 3
FRAME_BYTES = 65536


@dataclass(slots=True)
class _Room:
    """The loopback of a namespace, while the namespace exists."""

    inode: int
    loopback: socket.socket
    is_pinned: bool = False
    """Whether the entries that IPv6 needs were looked for."""


def _nobody_hears(_network_id: str, _mac: str) -> None:
    pass


class PacketProber:
    """See outside.Prober. Not thread-safe."""

    def __init__(self, announce: Callable[[str, str], None] = _nobody_hears) -> None:
        """`announce` is told network and MAC address of each DHCPDISCOVER before it goes."""
        self._announce = announce
        self._sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._rooms: dict[str, _Room] = {}

    def ask(
        self,
        network_id: str,
        interface: Interface,
        questions: Sequence[Question],
        *,
        attempts: int = 1,
    ) -> Mapping[Question, Offer | Refusal]:
        """The answers. A question without an answer in PATIENCE_SECONDS is left out.

        Raises OSError if the namespace or the interface is gone.
        """
        answers: dict[Question, Offer | Refusal] = {}
        for _ in range(attempts):
            open_questions = [one for one in questions if one not in answers]
            if open_questions:
                answers |= self._ask_once(network_id, interface, open_questions)
        if any(model.ip_version(one.server) == 6 for one in questions if one not in answers):
            self._put_pins_back(network_id, interface)
        return answers

    def advertisement(self, network_id: str, interface: Interface) -> Advertisement | None:
        """The router advertisement of dnsmasq; None if it sends none.

        Raises OSError like `ask`.
        """
        found = self.advertisement_message(network_id, interface)
        return probe_router.read_advertisement(found.payload) if found else None

    def advertisement_message(
        self, network_id: str, interface: Interface
    ) -> probe_frames.FrameContent | None:
        """The same as it came, with its sender. Raises OSError like `ask`."""
        to = probe_frames.octets(interface.mac)
        answers = self._as_a_machine(
            network_id,
            interface,
            lambda source: probe_frames.router_solicitation_frame(to, source),
        )
        for found in answers:
            if found.kind == probe_frames.ROUTER_ADVERTISEMENT:
                return found
        self._put_pins_back(network_id, interface)
        return None

    def information(
        self, network_id: str, interface: Interface, options: Collection[int]
    ) -> Mapping[int, bytes] | None:
        """See outside.Prober."""
        to, port = probe_frames.octets(interface.mac), probe_frames.DHCPV6_CLIENT_PORT
        xid = random.getrandbits(24)
        message = probe_dhcp6.information_request(xid, options)
        answers = self._as_a_machine(
            network_id,
            interface,
            lambda source: probe_frames.dhcp6_frame(to, source, message, port),
        )
        for found in answers:
            answer = probe_dhcp6.read_information(found.payload) if found.kind == port else None
            if answer and answer[0] == xid:
                return answer[1]
        self._put_pins_back(network_id, interface)
        return None

    def _as_a_machine(
        self, network_id: str, interface: Interface, frame: Callable[[IPv6Address], bytes]
    ) -> Iterator[probe_frames.FrameContent]:
        """Send from the server's own link-local address. What then comes in PATIENCE_SECONDS."""
        loopback = self._loopback(network_id, interface, pinned=True)
        namespace = model.dhcp_namespace(network_id)
        source = call_in_namespace(namespace, lambda: _link_local(interface.inside))
        if source is None:
            return
        self._sender.sendto(frame(source), (interface.outside, 0))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while found := _next(loopback, deadline):
            yield found

    def keep(self, network_ids: Collection[str]) -> None:
        """Close the sockets of all networks except these."""
        for network_id in self._rooms.keys() - set(network_ids):
            self._rooms.pop(network_id).loopback.close()

    def close(self) -> None:
        """Close every socket."""
        self.keep(())
        self._sender.close()

    def _ask_once(
        self, network_id: str, interface: Interface, questions: Sequence[Question]
    ) -> Mapping[Question, Offer | Refusal]:
        pinned = any(model.ip_version(one.server) == 6 for one in questions)
        loopback = self._loopback(network_id, interface, pinned=pinned)
        answers: dict[Question, Offer | Refusal] = {}
        waiting: dict[tuple[int, int], Question] = {}
        unsent = list(reversed(questions))
        deadline = 0.0
        while unsent or waiting:
            while unsent and len(waiting) < AT_ONCE:
                question = unsent.pop()
                if model.ip_version(question.server) == 4:
                    self._announce(network_id, question.mac)
                waiting[self._send(interface, question)] = question
                deadline = time.monotonic() + PATIENCE_SECONDS
            found = _next(loopback, deadline)
            if found is None:
                waiting.clear()  # the question asked last has waited long enough
            elif (answer := _read(found)) and (answered := waiting.pop(answer[0], None)):
                answers[answered] = answer[1]
        return answers

    def _send(self, interface: Interface, question: Question) -> tuple[int, int]:
        """Send a request. Gives the port that the answer goes to, and the transaction."""
        server, mac = ip_address(question.server), probe_frames.octets(question.mac)
        to = probe_frames.octets(interface.mac)
        if isinstance(server, IPv4Address):
            xid = random.getrandbits(32)
            message = probe_dhcp4.discover(
                xid,
                mac,
                server,
                question.options,
                client_id=question.client_id,
                most_octets=min(interface.mtu, LARGEST_PACKET_OCTETS),
            )
            frame = probe_frames.dhcp4_frame(to, message)
            kind = probe_frames.DHCP_SERVER_PORT
        else:
            xid = random.getrandbits(24)
            message = probe_dhcp6.solicit(
                xid, mac, server, question.options, duid=question.duid, iaid=question.iaid
            )
            frame = probe_frames.dhcp6_frame(to, server, message)
            kind = probe_frames.DHCPV6_SERVER_PORT
        self._sender.sendto(frame, (interface.outside, 0))
        return kind, xid

    def _put_pins_back(self, network_id: str, interface: Interface) -> None:
        """Have what answers over IPv6 need, and say if it was gone; the next probe has it.

        That is looked at when an answer is missing. The kernel's announcements would tell it, too,
        but among those of each machine that dnsmasq speaks with.
        """
        if missing := pin_own_addresses(network_id, interface.inside):
            what = f"neighbour entries of {interface.inside} for {', '.join(sorted(missing))}"
            LOG.warning("network %s: %s were removed and are put back", network_id, what)

    def _loopback(self, network_id: str, interface: Interface, *, pinned: bool) -> socket.socket:
        """A socket on the namespace's loopback, emptied of answers to earlier probes.

        With `pinned` what answers over IPv6 need was there once.
        """
        inode = Path(namespace_path(network_id)).stat().st_ino
        room = self._rooms.get(network_id)
        if room is None or room.inode != inode:
            if room is not None:
                room.loopback.close()
            opened = call_in_namespace(model.dhcp_namespace(network_id), _open_loopback)
            room = self._rooms[network_id] = _Room(inode, opened)
        if pinned and not room.is_pinned:
            pin_own_addresses(network_id, interface.inside)
            room.is_pinned = True
        with contextlib.suppress(BlockingIOError):
            while room.loopback.recv(FRAME_BYTES):
                pass
        return room.loopback


def _open_loopback() -> socket.socket:
    """The protocol is 0 until it is bound, so that it gets no frames of other interfaces."""
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
    opened.bind(("lo", ETH_P_ALL))
    return opened


def _link_local(interface: str) -> IPv6Address | None:
    """The interface's link-local address, in this thread's namespace."""
    for line in Path("/proc/thread-self/net/if_inet6").read_text().splitlines():
        address, *_numbers, name = line.split()
        if name == interface and address.startswith("fe80"):
            return IPv6Address(bytes.fromhex(address))
    return None


def _next(loopback: socket.socket, deadline: float) -> probe_frames.FrameContent | None:
    """The next frame of a server or a router; None if none comes until the deadline."""
    poll = select.poll()
    poll.register(loopback, select.POLLIN)
    while True:
        with contextlib.suppress(BlockingIOError):
            if found := probe_frames.frame_content(loopback.recv(FRAME_BYTES)):
                return found
            continue
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        poll.poll(left * 1000)


def _read(found: probe_frames.FrameContent) -> tuple[tuple[int, int], Offer | Refusal] | None:
    """Which question is answered, and how."""
    if found.kind == probe_frames.DHCP_SERVER_PORT:
        answer: tuple[int, Offer | Refusal] | None = probe_dhcp4.read_offer(found.payload)
    elif found.kind == probe_frames.DHCPV6_SERVER_PORT:
        answer = probe_dhcp6.read_advertise(found.payload)
    else:
        return None
    return ((found.kind, answer[0]), answer[1]) if answer else None

"""Asks a network who uses addresses, without leaving a trace in the tables of its machines.

It asks for IPv4 as a machine that has no address yet (RFC 5227 §2.1.1). For IPv6 it asks from a
link-local address: a question from none would make a machine that is just about to take the
address give it up (RFC 4862 §5.4.3).
"""

import contextlib
import secrets
import select
import socket
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from ipam import model
from ipam.agent.dnsmasq import arp_frames, nd_frames
from ipam.agent.dnsmasq.packet_filter import HALF_WORD, all_equal
from ipam.agent.dnsmasq.probe_frames import octets
from ipam.agent.dnsmasq.wire import open_filtered
from ipam.agent.host.namespaces import call_in_namespace
from ipam.agent.outside import IpAddress
from ipam.agent.state import Interface
from ipam.rules.ipv6 import eui64

ATTEMPTS: Final = 3
PATIENCE_SECONDS: Final = 0.3
"""After each attempt. Wireless machines that sleep answer late."""
FRAME_BYTES: Final = 2048
NO_ADDRESS: Final = IPv4Address(0)


@dataclass(frozen=True, slots=True)
class _Place:
    """A link on which questions go out, and the MAC address to which their answers come."""

    link: socket.socket
    mac: str

    def ask(self, addresses: Collection[IpAddress]) -> None:
        mac = octets(self.mac)
        own = IPv6Address(eui64("fe80::", self.mac))
        for address in addresses:
            if isinstance(address, IPv4Address):
                self.link.send(arp_frames.who_has(address, mac, NO_ADDRESS))
            else:
                self.link.send(nd_frames.who_has(address, mac, own))

    def heard(self) -> Iterator[tuple[IpAddress, str]]:
        """What has come by now: an address, and the MAC address that answers for it."""
        with contextlib.suppress(BlockingIOError):
            while frame := self.link.recv(FRAME_BYTES):
                if found := arp_frames.read_answer(frame) or nd_frames.read_answer(frame):
                    yield found


def who_use(
    network_id: str, interface: Interface, wire: str, addresses: Collection[IpAddress]
) -> Mapping[IpAddress, frozenset[str]]:
    """The MAC addresses that answer for the addresses; those for which nobody does are left out.

    The DHCP port reaches the machines of this host alone, so the link `wire` to others is asked on
    its own, from a MAC address that nobody has; "" without one. It takes a second. Raises OSError
    if a link is gone.
    """
    found: dict[IpAddress, set[str]] = {}
    with contextlib.ExitStack() as closing:
        places = [_at_dhcp_port(network_id, interface)]
        closing.callback(places[0].link.close)
        if wire:
            places.append(_at_wire(wire))
            closing.callback(places[1].link.close)
        for _ in range(ATTEMPTS):
            for place in places:
                place.ask(addresses)
            for address, mac in _answers(places, time.monotonic() + PATIENCE_SECONDS):
                if address in addresses:
                    found.setdefault(address, set()).add(mac)
    return {address: frozenset(macs) for address, macs in found.items()}


def _answers(places: Sequence[_Place], deadline: float) -> Iterator[tuple[IpAddress, str]]:
    poll = select.poll()
    for place in places:
        poll.register(place.link, select.POLLIN)
    while (left := deadline - time.monotonic()) > 0:
        poll.poll(left * 1000)
        for place in places:
            yield from place.heard()


def _at_dhcp_port(network_id: str, interface: Interface) -> _Place:
    def opened() -> _Place:
        return _Place(_open(interface.inside, interface.mac), interface.mac)

    return call_in_namespace(model.dhcp_namespace(network_id), opened)


def _at_wire(wire: str) -> _Place:
    mac = (b"\x02" + secrets.token_bytes(5)).hex(":")  # a local one: the bit 2, and no group
    return _Place(_open(wire, mac), mac)


def _open(link: str, mac: str) -> socket.socket:
    """A socket that hears what is sent to this MAC address, also on a link of a bridge."""
    destination = octets(mac)
    parts = [int.from_bytes(destination[at : at + 2]) for at in (0, 2, 4)]
    tests = [(HALF_WORD, 2 * number, part) for number, part in enumerate(parts)]
    return open_filtered(link, all_equal(*tests))

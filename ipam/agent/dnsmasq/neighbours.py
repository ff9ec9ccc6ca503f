"""Asking a network, from its DHCP port, who has which addresses, by ARP and, for IPv6, by ND.

It also tells who has the port's own.
"""

import contextlib
import select
import socket
import time
from collections.abc import Callable, Collection, Mapping
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, ip_address, ip_interface
from typing import TypeAlias

from ipam.agent.dnsmasq import arp_frames, nd_frames
from ipam.agent.dnsmasq.probe_frames import ETHERTYPE_IPV6, octets
from ipam.agent.dnsmasq.wire import open_wire
from ipam.agent.host.namespaces import learned_neighbours
from ipam.agent.outside import IpAddress
from ipam.agent.state import Interface

ATTEMPTS = 2
PATIENCE_SECONDS = 0.1
FRAME_BYTES = 2048

_Read: TypeAlias = Callable[[bytes], tuple[IpAddress, str] | None]


class PacketNeighbours:
    """See outside.Neighbours."""

    def who_have(
        self,
        network_id: str,
        interface: Interface,
        asked: Mapping[IpAddress, IpAddress],
        *,
        but: str = "",
    ) -> Mapping[IpAddress, str]:
        """The MAC addresses that answer for the addresses, which come with the asker's own.

        Answers of the machine `but` do not count. It takes 0.2 s for each IP version if one of
        them is silent, and else no longer than the answers. Raises OSError if the namespace or
        the interface is gone.
        """
        mac = octets(interface.mac)
        found: dict[IpAddress, str] = {}
        for kind, ethertype, read in (
            (IPv4Address, arp_frames.ETHERTYPE_ARP, arp_frames.read_answer),
            (IPv6Address, ETHERTYPE_IPV6, nd_frames.read_answer),
        ):
            questions = {
                address: _question(address, mac, own)
                for address, own in asked.items()
                if isinstance(address, kind)
            }
            if questions:
                with open_wire(network_id, interface.inside, ethertype) as wire:
                    found |= _answers(wire, questions, read, but)
        return found

    def known(self, network_id: str, interface: Interface) -> Mapping[IpAddress, str]:
        """See outside.Neighbours."""
        learned = learned_neighbours(network_id, interface.inside)
        return {ip_address(address): mac for address, mac in learned.items()}

    def announce(self, network_id: str, interface: Interface, addresses: Collection[str]) -> None:
        """Tell all where these addresses are, in both forms (RFC 5227). Raises OSError."""
        mac, own = octets(interface.mac), map(ip_interface, sorted(addresses))
        with open_wire(network_id, interface.inside, arp_frames.ETHERTYPE_ARP) as wire:
            for one in own:
                if isinstance(one, IPv4Interface):
                    for frame in arp_frames.announcements(one.ip, mac):
                        wire.send(frame)


def _question(address: IpAddress, mac: bytes, own: IpAddress) -> bytes:
    if isinstance(address, IPv4Address):
        assert isinstance(own, IPv4Address), own
        return arp_frames.who_has(address, mac, own)
    assert isinstance(own, IPv6Address), own
    return nd_frames.who_has(address, mac, own)


def _answers(
    wire: socket.socket, questions: Mapping[IpAddress, bytes], read: _Read, but: str
) -> Mapping[IpAddress, str]:
    """The first answer to each that comes in time, and from another machine than `but`."""
    found: dict[IpAddress, str] = {}
    poll = select.poll()
    poll.register(wire, select.POLLIN)
    for _ in range(ATTEMPTS):
        for address in questions.keys() - found.keys():
            wire.send(questions[address])
        deadline = time.monotonic() + PATIENCE_SECONDS
        while questions.keys() - found.keys() and (left := deadline - time.monotonic()) > 0:
            poll.poll(left * 1000)
            with contextlib.suppress(BlockingIOError):
                answer = read(wire.recv(FRAME_BYTES))
                if answer and answer[0] in questions and answer[1] != but:
                    found.setdefault(*answer)
    return found

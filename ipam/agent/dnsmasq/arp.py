"""Asking a network by ARP, from its DHCP port, who has an address."""

import contextlib
import select
import socket
import time
from ipaddress import IPv4Address

from ipam import model
from ipam.agent.dnsmasq import arp_frames
from ipam.agent.host.namespaces import call_in_namespace
from ipam.agent.state import Interface

ATTEMPTS = 2
PATIENCE_SECONDS = 0.1
FRAME_BYTES = 2048


class ArpNeighbours:
    """See outside.Neighbours."""

    def who_has(
        self, network_id: str, interface: Interface, own: IPv4Address, address: IPv4Address
    ) -> str | None:
        """The MAC address that answers for the address; None if nobody does.

        Raises OSError if the namespace or the interface is gone.
        """
        mac = bytes.fromhex(interface.mac.replace(":", ""))
        question = arp_frames.who_has(address, mac, own)
        name = model.dhcp_namespace(network_id)
        with call_in_namespace(name, lambda: _open(interface.inside)) as asking:
            for _ in range(ATTEMPTS):
                asking.send(question)
                if found := _answer(asking, address):
                    return found
        return None


def _open(interface: str) -> socket.socket:
    asking = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
    try:
        asking.bind((interface, arp_frames.ETHERTYPE_ARP))
    except OSError:
        asking.close()
        raise
    return asking


def _answer(asking: socket.socket, address: IPv4Address) -> str | None:
    """The first answer in time."""
    poll = select.poll()
    poll.register(asking, select.POLLIN)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        poll.poll(left * 1000)
        with contextlib.suppress(BlockingIOError):
            if found := arp_frames.answered_by(asking.recv(FRAME_BYTES), address):
                return found
    return None

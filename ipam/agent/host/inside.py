"""The interface and addresses in a network namespace, kept current by a socket in it."""

import contextlib
from collections.abc import Collection
from dataclasses import dataclass

from ipam.agent.host.raw_netlink import (
    RTM_GETADDR,
    RTM_GETLINK,
    RTMGRP_IPV4_IFADDR,
    RTMGRP_IPV6_IFADDR,
    RTMGRP_LINK,
    Address,
    Link,
    QueueOverrun,
    RouteSocket,
    read_address,
    read_link,
)

LOOPBACK = 1
"""The index of every namespace's loopback."""


@dataclass(frozen=True, slots=True)
class Inside:
    """The DHCP port's interface, if it is up, and its addresses."""

    links: frozenset[str]
    interface: str | None
    mac: str
    mtu: int
    addresses: frozenset[str]


def open_socket() -> RouteSocket:
    """A socket for a `Room`, in the namespace of this thread."""
    return RouteSocket(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR)


class Room:
    """A namespace with a socket in it. The namespace lives as long as the socket is open."""

    def __init__(self, inode: int, opened: RouteSocket) -> None:
        self.inode = inode
        self.socket = opened
        self.is_current = False
        """Whether nothing has changed since it was read."""
        self._inside: Inside | None = None

    def take_announcements(self) -> None:
        """Take in the kernel's announcements. After any of them all is read again."""
        self.is_current = False
        with contextlib.suppress(QueueOverrun):
            for _message in self.socket.announced():
                pass

    def look(self) -> Inside:
        """The content of the namespace."""
        while True:
            if self._inside is not None and self.is_current:
                return self._inside
            with contextlib.suppress(QueueOverrun):
                self._inside = self._read()
                return self._inside

    def _read(self) -> Inside:
        links, addresses = [], []
        is_current = True
        for kind in (RTM_GETLINK, RTM_GETADDR):
            for message in self.socket.dump(kind):
                if message.sequence == 0:
                    is_current = False
                elif link := read_link(message):
                    links.append(link)
                elif address := read_address(message):
                    addresses.append(address)
        self.is_current = is_current  # not before: a dump that lost a part leaves it as it was
        return inside_of(links, addresses)


def inside_of(links: Collection[Link], addresses: Collection[Address]) -> Inside:
    """The content of a namespace with these links and addresses.

    The interface counts only while loopback is up, too, because probes are answered there. Its
    IPv6 addresses count only with a link-local one, without which dnsmasq does not use them.
    """
    names = frozenset(link.name for link in links)
    up = [link for link in links if link.up]
    found = next((link for link in up if link.name.startswith("ns-")), None)
    if found is None or all(link.index != LOOPBACK for link in up):
        return Inside(names, None, "", 0, frozenset())
    own = {one.address for one in addresses if one.index == found.index}
    local = {address for address in own if address.startswith("fe80:")}
    counted = own - local if local else {address for address in own if ":" not in address}
    return Inside(names, found.name, found.mac, found.mtu, frozenset(counted))

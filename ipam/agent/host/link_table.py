"""Every link of this host, kept current by the kernel's own announcements.

Reading only, and the one place that reads raw netlink: pyroute2 needs 0.6 ms to decode one link,
so a host with 200 of them would cost 120 ms per look. Here a look costs what has changed.

The kernel queues the announcement of a change before it answers the request that made it, so
`refresh()` after a change always shows that change.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

NLMSG_ERROR = 2
NLMSG_DONE = 3
NLM_F_REQUEST_DUMP = 0x301
RTM_NEWLINK = 16
RTM_DELLINK = 17
RTM_GETLINK = 18
RTMGRP_LINK = 1
IFLA_ADDRESS = 1
IFLA_IFNAME = 3
IFLA_MTU = 4
IFLA_MASTER = 10
IFF_UP = 1
NLA_TYPE_MASK = 0x3FFF

RECEIVE_BYTES = 1 << 16
QUEUE_BYTES = 4 << 20
"""Room for some thousands of announcements; when it runs over, all is read anew."""

_HEADER = struct.Struct("=IHHII")
_IFINFO = struct.Struct("=BxHiII")
_ATTRIBUTE = struct.Struct("=HH")
_U32 = struct.Struct("=I")


@dataclass(frozen=True, slots=True)
class Link:
    """A network interface of this host."""

    index: int
    name: str
    mtu: int
    up: bool
    master: int
    """The index of the bridge it is enslaved to; 0 for none."""
    mac: str


class LinkTable:
    """The links by name. Not for several threads."""

    def __init__(self) -> None:
        self._by_index: dict[int, Link] = {}
        self._by_master: dict[int, dict[int, Link]] = {}
        self.by_name: dict[str, Link] = {}
        self._socket = socket.socket(
            socket.AF_NETLINK,
            socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK,
            socket.NETLINK_ROUTE,
        )
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, QUEUE_BYTES)
        self._socket.bind((0, RTMGRP_LINK))
        self._ask_for_all()

    def fileno(self) -> int:
        """Readable when something may have changed."""
        return self._socket.fileno()

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()

    def refresh(self) -> bool:
        """Take in what the kernel announced; True if the table differs from before."""
        changed = False
        while True:
            try:
                data = self._socket.recv(RECEIVE_BYTES)
            except BlockingIOError:
                return changed
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self._ask_for_all()
                changed = True
                continue
            for kind, body in _messages(data):
                changed |= self._take(kind, body)

    def members(self, bridge: str) -> list[Link]:
        """What is enslaved to the bridge."""
        found = self.by_name.get(bridge)
        if found is None:
            return []
        return list(self._by_master.get(found.index, {}).values())

    def _ask_for_all(self) -> None:
        """Start from nothing and wait for the whole list."""
        self._by_index.clear()
        self._by_master.clear()
        self.by_name.clear()
        request = _IFINFO.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
        header = _HEADER.pack(_HEADER.size + len(request), RTM_GETLINK, NLM_F_REQUEST_DUMP, 1, 0)
        self._socket.setblocking(True)
        try:
            self._socket.send(header + request)
            done = False
            while not done:
                for kind, body in _messages(self._socket.recv(RECEIVE_BYTES)):
                    done |= kind in (NLMSG_DONE, NLMSG_ERROR)
                    self._take(kind, body)
        finally:
            self._socket.setblocking(False)

    def _take(self, kind: int, body: memoryview) -> bool:
        if kind not in (RTM_NEWLINK, RTM_DELLINK):
            return False
        family, _type, index, flags, _change = _IFINFO.unpack_from(body)
        if family != socket.AF_UNSPEC:
            return False  # a bridge's view of its port, sent beside the link's own
        old = self._by_index.pop(index, None)
        if old is not None:
            self._drop(old)
        if kind == RTM_DELLINK:
            return old is not None
        link = _link(index, flags, dict(_attributes(body[_IFINFO.size :])))
        self._by_index[index] = link
        self.by_name[link.name] = link
        if link.master:
            self._by_master.setdefault(link.master, {})[index] = link
        return link != old

    def _drop(self, old: Link) -> None:
        if self.by_name.get(old.name) is old:
            del self.by_name[old.name]
        siblings = self._by_master.get(old.master, {})
        siblings.pop(old.index, None)
        if not siblings:
            self._by_master.pop(old.master, None)


def _messages(data: bytes) -> Iterator[tuple[int, memoryview]]:
    view = memoryview(data)
    while len(view) >= _HEADER.size:
        length, kind, _flags, _sequence, _port = _HEADER.unpack_from(view)
        if length < _HEADER.size:
            raise OSError(errno.EBADMSG, os.strerror(errno.EBADMSG))
        yield kind, view[_HEADER.size : length]
        view = view[_aligned(length) :]


def _attributes(view: memoryview) -> Iterator[tuple[int, bytes]]:
    while len(view) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(view)
        if length < _ATTRIBUTE.size:
            return
        yield kind & NLA_TYPE_MASK, bytes(view[_ATTRIBUTE.size : length])
        view = view[_aligned(length) :]


def _link(index: int, flags: int, attributes: dict[int, bytes]) -> Link:
    def number(kind: int) -> int:
        return int(_U32.unpack(attributes[kind])[0]) if kind in attributes else 0

    return Link(
        index=index,
        name=attributes[IFLA_IFNAME].rstrip(b"\0").decode(errors="surrogateescape"),
        mtu=number(IFLA_MTU),
        up=bool(flags & IFF_UP),
        master=number(IFLA_MASTER),
        mac=attributes.get(IFLA_ADDRESS, b"").hex(":"),
    )


def _aligned(length: int) -> int:
    return (length + 3) & ~3

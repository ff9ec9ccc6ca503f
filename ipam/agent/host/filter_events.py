"""Tells whether somebody else has changed the guard's nftables table.

The kernel announces each change of nftables, and at the end of each transaction who made it. So
changes of other tables, and the agent's own, cost no listing.
"""

import errno
import socket
import struct
from collections.abc import Iterator
from typing import Final

NETLINK_NETFILTER: Final = 12
NFTABLES_GROUP: Final = 1 << 6
NFNL_SUBSYS_NFTABLES: Final = 10
NFT_MSG_NEWGEN: Final = 15
NFPROTO_BRIDGE: Final = 7
TABLE_NAME: Final = 1
"""The attribute of every message but that of a generation."""
GENERATION_PID: Final = 2
NLA_TYPE_MASK: Final = 0x3FFF
RECEIVE_BYTES: Final = 1 << 16
QUEUE_BYTES: Final = 4 << 20

_HEADER = struct.Struct("=IHHII")
_FAMILY = struct.Struct("=BBH")
_ATTRIBUTE = struct.Struct("=HH")
_U32 = struct.Struct(">I")


class FilterEvents:
    """The announcements about one table of the bridge family. Not thread-safe."""

    def __init__(self, table: str) -> None:
        self._table = table.encode()
        self._is_touched = False
        self._socket = socket.socket(
            socket.AF_NETLINK,
            socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK,
            NETLINK_NETFILTER,
        )
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, QUEUE_BYTES)
        self._socket.bind((0, NFTABLES_GROUP))

    def fileno(self) -> int:
        """A descriptor that is readable when something was announced."""
        return self._socket.fileno()

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()

    def changed_by_others(self, own_pid: int = 0) -> bool:
        """Whether the table may have changed since the last call, but by this process."""
        changed = False
        while True:
            try:
                data = self._socket.recv(RECEIVE_BYTES)
            except BlockingIOError:
                return changed
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                changed = True  # some announcements were lost
                continue
            for kind, body in _messages(data):
                changed |= self._take(kind, body, own_pid)

    def _take(self, kind: int, body: bytes, own_pid: int) -> bool:
        attributes = dict(_attributes(body[_FAMILY.size :]))
        if kind != NFT_MSG_NEWGEN:
            is_ours = body[0] == NFPROTO_BRIDGE
            self._is_touched |= is_ours and attributes.get(TABLE_NAME, b"")[:-1] == self._table
            return False
        touched, self._is_touched = self._is_touched, False
        pid = attributes.get(GENERATION_PID)
        return touched and not (own_pid and pid and _U32.unpack(pid)[0] == own_pid)


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The kind and the body of each message of nftables."""
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, at)
        if length < _HEADER.size:
            return
        if kind >> 8 == NFNL_SUBSYS_NFTABLES and length >= _HEADER.size + _FAMILY.size:
            yield kind & 0xFF, data[at + _HEADER.size : at + length]
        at += _aligned(length)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size:
            return
        yield kind & NLA_TYPE_MASK, data[at + _ATTRIBUTE.size : at + length]
        at += _aligned(length)


def _aligned(length: int) -> int:
    return (length + 3) & ~3

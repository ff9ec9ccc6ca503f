"""Tells whether somebody else has changed the guard's nftables table.

The kernel announces each change of nftables, and at the end of each transaction who made it. So
changes of other tables, and the agent's own, cost no listing.
"""

import contextlib
import errno
import socket
import struct
from typing import Final

from ipam.agent.host.raw_netlink import Message, attributes, messages

NETLINK_NETFILTER: Final = 12
NFTABLES_GROUP: Final = 1 << 6
NFNL_SUBSYS_NFTABLES: Final = 10
NFT_MSG_NEWGEN: Final = 15
NFPROTO_BRIDGE: Final = 7
TABLE_NAME: Final = 1
"""The attribute of every message but that of a generation."""
GENERATION_PID: Final = 2
SO_RCVBUFFORCE: Final = 33
"""Of <asm-generic/socket.h>: beyond what net.core.rmem_max lets others have."""
RECEIVE_BYTES: Final = 1 << 16
QUEUE_BYTES: Final = 64 << 20
"""A load of 50,000 ports announces 400,000 elements. What is lost costs a listing of them all."""

_FAMILY = struct.Struct("=BBH")
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
        with contextlib.suppress(PermissionError):  # in a container without CAP_NET_ADMIN
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, QUEUE_BYTES)
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
            for message in messages(data):
                is_of_nftables = message.kind >> 8 == NFNL_SUBSYS_NFTABLES
                if is_of_nftables and len(message.body) >= _FAMILY.size:
                    changed |= self._take(message, own_pid)

    def _is_of_table(self, message: Message) -> bool:
        if message.body[0] != NFPROTO_BRIDGE:
            return False
        for number, value in attributes(message.body[_FAMILY.size :]):
            if number == TABLE_NAME:
                return value[:-1] == self._table
        return False

    def _take(self, message: Message, own_pid: int) -> bool:
        if message.kind & 0xFF != NFT_MSG_NEWGEN:
            self._is_touched = self._is_touched or self._is_of_table(message)
            return False
        found = dict(attributes(message.body[_FAMILY.size :]))
        touched, self._is_touched = self._is_touched, False
        pid = found.get(GENERATION_PID)
        return touched and not (own_pid and pid and _U32.unpack(pid)[0] == own_pid)

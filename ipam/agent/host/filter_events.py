"""Tells whether somebody else has changed the guard's nftables table.

The kernel announces each change of nftables, and at the end of each transaction who made it. So
changes of other tables, and the agent's own, cost no listing.

It names a process by its number on the host, which a container with processes of its own does not
know. There the agent's transaction is one of those that nft made: others are there if there are
more.
"""

import contextlib
import errno
import os
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
GENERATION_PROGRAM: Final = 3
OWN_PROGRAM: Final = b"nft"
PIDS_OF_HOST: Final = 0xEFFFFFFC
"""The inode of the host's PID namespace, PROC_PID_INIT_INO of Linux."""
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
        self._own_pid = 0
        self._knows_pids = os.stat("/proc/self/ns/pid").st_ino == PIDS_OF_HOST  # noqa: PTH116  # as namespaces are told apart
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
        changed, self._own_pid = False, own_pid
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
                    changed |= self._take(message)

    def _is_of_table(self, message: Message) -> bool:
        if message.body[0] != NFPROTO_BRIDGE:
            return False
        for number, value in attributes(message.body[_FAMILY.size :]):
            if number == TABLE_NAME:
                return value[:-1] == self._table
        return False

    def _take(self, message: Message) -> bool:
        if message.kind & 0xFF != NFT_MSG_NEWGEN:
            self._is_touched = self._is_touched or self._is_of_table(message)
            return False
        touched, self._is_touched = self._is_touched, False
        return touched and not self._is_own(message)

    def _is_own(self, generation: Message) -> bool:
        """Whether the own process made it. Where only programs are known, it makes no other."""
        if not self._own_pid:
            return False
        found = dict(attributes(generation.body[_FAMILY.size :]))
        if self._knows_pids:
            pid = found.get(GENERATION_PID)
            return pid is not None and _U32.unpack(pid)[0] == self._own_pid
        is_own = found.get(GENERATION_PROGRAM, b"").rstrip(b"\0") == OWN_PROGRAM
        if is_own:
            self._own_pid = 0
        return is_own

"""Wakes a process on this host when there is something new for it: both ends of the socket.

A wake may name the networks that changed, see `wake_words`; the woken process looks for itself. A
lost wake only delays the next look.
"""

import contextlib
import enum
import fcntl
import os
import select
import socket
import time
from collections.abc import Collection
from pathlib import Path
from typing import Final

from ipam import files
from ipam.protocol import wake_words
from ipam.protocol.wake_port import WakeEnd, WakePort

AGENT_SOCKET: Final = "agent-wake.sock"
"""In run_path: the API wakes the agent here after a change."""
WORKER_SOCKET: Final = "worker-wake.sock"
"""In run_path: the API wakes the worker here when there is an event to send."""
DNS_WORKER_SOCKET: Final = "worker-dns-wake.sock"
"""In run_path: the API wakes the worker here when a name elsewhere is to be changed."""
LEASE_INBOX: Final = "lease-inbox.sock"
"""In run_path: dnsmasq's hook sends lease events to the agent here."""

LOCK_SUFFIX: Final = ".lock"


class Waker:
    """Sends a datagram to a process's socket."""

    def __init__(self, path: str) -> None:
        self._path = path

    def wake(self, network_numbers: Collection[int] = ()) -> None:
        """Wake the process, if one listens. Never blocks, never raises.

        Without numbers it is to look at everything.
        """
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender,
        ):
            sender.setblocking(False)
            sender.sendto(wake_words.octets_of(network_numbers), self._path)


class Woken(enum.Enum):
    """What ended a wait. A wake from another process counts before an interrupt."""

    BY_TIME = enum.auto()
    FROM_INSIDE = enum.auto()
    FROM_OUTSIDE = enum.auto()


class WakeSocket:
    """The socket that the first process of a host binds. The other processes only wait for time.

    When that process ends, another one binds the socket the next time it waits. With a port, other
    hosts may wake the process, too.
    """

    def __init__(self, path: Path, port: WakePort | None = None) -> None:
        self._path = path
        self._port = port
        self._lock: int | None = None
        self._socket: socket.socket | None = None
        self._inode = 0
        self.changed_networks: frozenset[int] = frozenset()
        """The numbers that the last wakes from other processes named; none for everything."""
        self._inside = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def is_bound(self) -> bool:
        """Whether this process is the one that is woken."""
        return self._socket is not None

    def wait(self, seconds: float) -> Woken:
        """Return when the process is woken, or after this time."""
        self.bind()
        until = time.monotonic() + seconds
        while True:
            left = until - time.monotonic()
            woken = self._heard(max(0.0, left))
            if woken is not None or left <= 0:
                return woken or Woken.BY_TIME

    def interrupt(self) -> None:
        """End the current wait of another thread, or its next one."""
        os.eventfd_write(self._inside, 1)

    def bind(self) -> None:
        """Bind the socket, unless another process of this host has it. Never raises.

        It is bound again if somebody has removed its file.
        """
        if self._socket is not None and _is_at(self._inode, self._path):
            return
        self._release()
        try:
            self._lock = _lock(self._path.with_name(self._path.name + LOCK_SUFFIX))
            self._socket = _bind(self._path)
            self._inode = self._path.lstat().st_ino
        except OSError:  # another process has it, or the directory is missing: only wait for time
            self._release()

    def close(self) -> None:
        """Give up the socket, so that another process can bind it."""
        if self._socket is not None:
            self._path.unlink(missing_ok=True)
        self._release()
        if self._port is not None:
            self._port.close()
        os.close(self._inside)

    def distant_end(self, ip: str) -> WakeEnd | None:
        """Where other hosts wake the process, from now on; None if they cannot."""
        return self._port.end_at(ip) if self._port is not None and ip else None

    def _heard(self, seconds: float) -> Woken | None:
        """What has come in this time or before it; None if nothing that counts."""
        deaf = self._port.deaf_seconds() if self._port else 0.0
        distant = self._port.socket if self._port and not deaf else None
        poll = select.poll()
        for one in (self._inside, self._socket, distant):
            if one is not None:
                poll.register(one, select.POLLIN)
        ready = {number for number, _event in poll.poll(min(seconds, deaf or seconds) * 1000)}
        wakes = self._read() if ready else []
        if self._port and distant and distant.fileno() in ready:
            wakes += self._port.wakes()
        if wakes:
            self.changed_networks = wake_words.numbers_of(wakes)
            return Woken.FROM_OUTSIDE
        return Woken.FROM_INSIDE if self._inside in ready else None

    def _release(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _read(self) -> list[bytes]:
        """All wakes that wait in this host's socket: one look finds what they are about."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._inside)
        found: list[bytes] = []
        with contextlib.suppress(BlockingIOError):
            while self._socket is not None:
                found.append(self._socket.recv(wake_words.LONGEST + 1))
        return found


def _is_at(inode: int, path: Path) -> bool:
    try:
        return path.lstat().st_ino == inode
    except OSError:
        return False


def _lock(path: Path) -> int:
    """A descriptor that holds the lock until it is closed. Raises OSError if another has it.

    The lock is needed because the socket of a killed process looks like one in use.
    """
    descriptor = files.opened(path, os.O_RDWR, like=path.parent)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _bind(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    made = socket.socket(
        socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    )
    try:
        made.bind(str(path))
        # The API may run as the service's user, whose the directory is.
        files.open_socket_file(path, 0o660, like=path.parent)
    except OSError:
        made.close()
        raise
    return made

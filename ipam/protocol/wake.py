"""Telling a process on this host that there is something new for it: both ends, and where.

A wake carries nothing: whoever is woken looks. Losing one costs only the wait for the next look.
"""

import contextlib
import enum
import fcntl
import os
import select
import socket
from pathlib import Path
from typing import Final

AGENT_SOCKET: Final = "agent-wake.sock"
"""In run_path: the agent hears that the API has changed something."""
WORKER_SOCKET: Final = "worker-wake.sock"
"""In run_path: the worker hears that there is an event to send."""
LEASE_INBOX: Final = "lease-inbox.sock"
"""In run_path: the agent hears what dnsmasq's hook has to tell of a lease."""

LOCK_SUFFIX: Final = ".lock"


class Waker:
    """Sends an empty datagram to a process's socket."""

    def __init__(self, path: str) -> None:
        self._path = path

    def wake(self) -> None:
        """Wake the process, if one listens. Never blocks, never raises."""
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender,
        ):
            sender.setblocking(False)
            sender.sendto(b"", self._path)


class Woken(enum.Enum):
    """What ended a wait; who is woken from both sides hears of the outer one."""

    BY_TIME = enum.auto()
    FROM_INSIDE = enum.auto()
    FROM_OUTSIDE = enum.auto()


class WakeSocket:
    """The socket of the first process of a host that takes it; the others let time pass.

    When that process ends, another one takes its place the next time it waits.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock: int | None = None
        self._socket: socket.socket | None = None
        self._inside = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def is_bound(self) -> bool:
        """Whether this is the process that is woken."""
        return self._socket is not None

    def wait(self, seconds: float) -> Woken:
        """Return when somebody wakes the process, or after this time."""
        self.bind()
        poll = select.poll()
        poll.register(self._inside, select.POLLIN)
        if self._socket is not None:
            poll.register(self._socket, select.POLLIN)
        ready = {descriptor for descriptor, _event in poll.poll(seconds * 1000)}
        if not ready:
            return Woken.BY_TIME
        self._empty()
        return Woken.FROM_INSIDE if ready == {self._inside} else Woken.FROM_OUTSIDE

    def interrupt(self) -> None:
        """End a wait of another thread, this one or the next."""
        os.eventfd_write(self._inside, 1)

    def bind(self) -> None:
        """Become the one that is woken, if no other process of this host is. Never raises."""
        if self._socket is not None:
            return
        try:
            self._lock = _lock(f"{self._path}{LOCK_SUFFIX}")
            self._socket = _bind(self._path)
        except OSError:  # another process has it, or the directory is not there: time will do
            self._release()

    def close(self) -> None:
        """Leave the place to another process."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            self._path.unlink(missing_ok=True)
        self._release()
        os.close(self._inside)

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _empty(self) -> None:
        """Many wakes are one: whoever looks finds all there is."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._inside)
        with contextlib.suppress(BlockingIOError):
            while self._socket is not None:
                self._socket.recv(16)


def _lock(path: str) -> int:
    """A descriptor that holds the lock until it is closed. Raises OSError when another has it.

    A socket that a killed process left behind looks as one that is listened at.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
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
        path.chmod(0o660)
        if os.geteuid() == 0:  # the API may run as the service's user, who owns the directory
            owner = path.parent.stat()
            os.chown(path, owner.st_uid, owner.st_gid)
    except OSError:
        made.close()
        raise
    return made

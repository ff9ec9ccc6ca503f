"""Where a thread of the worker waits until an API on this host has something for it."""

import contextlib
import fcntl
import os
import select
import socket
from pathlib import Path

from ipam import model

LOCK_SUFFIX = ".lock"


class WakeSocket:
    """A datagram socket that the first worker of a host has; the others only let time pass.

    When that worker ends, another one takes its place the next time it waits.
    """

    def __init__(self, run_path: str) -> None:
        self._path = Path(run_path) / model.WORKER_WAKE_SOCKET
        self._lock: int | None = None
        self._socket: socket.socket | None = None
        self._inside = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def is_bound(self) -> bool:
        """Whether this is the worker that is woken."""
        return self._socket is not None

    def wait(self, seconds: float) -> None:
        """Return when somebody wakes the worker, or after this time."""
        self.bind()
        poll = select.poll()
        poll.register(self._inside, select.POLLIN)
        if self._socket is not None:
            poll.register(self._socket, select.POLLIN)
        if poll.poll(seconds * 1000):
            self._empty()

    def interrupt(self) -> None:
        """End a wait of another thread, this one or the next."""
        os.eventfd_write(self._inside, 1)

    def bind(self) -> None:
        """Become the one that is woken, if no other worker of this host is. Never raises."""
        if self._socket is not None:
            return
        try:
            self._lock = _lock(f"{self._path}{LOCK_SUFFIX}")
            self._socket = _bind(self._path)
        except OSError:  # another worker has it, or the directory is not there: time will do
            self._release()

    def close(self) -> None:
        """Leave the place to another worker."""
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

    A socket that a killed worker left behind looks as one that is listened at.
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
    except OSError:
        made.close()
        raise
    return made

"""Keeps others from opening a file for a moment, though they know nothing of locks."""

import contextlib
import fcntl
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

F_SETSIG = 10
"""fcntl(2) of Linux; Python's module does not name it."""


@contextlib.contextmanager
def alone(descriptor: int) -> Iterator[None]:
    """Nobody else can open the file within this block: who tries waits until its end.

    Raises BlockingIOError if somebody has it open. Where the file system knows no leases the block
    is run without one: see `is_possible`. A lease ends with its process.
    """
    # What the kernel sends when somebody wants to open the file would end the process otherwise.
    fcntl.fcntl(descriptor, F_SETSIG, signal.SIGURG)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except BlockingIOError:
        raise
    except OSError:
        yield
        return
    try:
        yield
    finally:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)


def is_possible(directory: Path) -> bool:
    """Whether files of this directory can have a lease: not on all file systems."""
    try:
        with tempfile.TemporaryFile(dir=directory) as file:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            return fcntl.fcntl(file, fcntl.F_GETLEASE) == fcntl.F_WRLCK
    except OSError:
        return False

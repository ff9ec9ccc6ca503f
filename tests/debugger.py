"""Holds a process as a debugger does: it waits, though no signal has stopped it."""

import contextlib
import ctypes
import os
from collections.abc import Iterator

PTRACE_DETACH, PTRACE_INTERRUPT, PTRACE_SEIZE = 17, 0x4207, 0x4206
WALL = 0x40000000


@contextlib.contextmanager
def held(pid: int) -> Iterator[None]:
    """Until the end of the block, or until somebody kills it. Of one thread, as ptrace(2) is."""
    trace(PTRACE_SEIZE, pid)
    trace(PTRACE_INTERRUPT, pid)
    os.waitpid(pid, WALL)
    yield
    with contextlib.suppress(OSError):
        trace(PTRACE_DETACH, pid)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG | WALL)


def trace(request: int, pid: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long] * 4
    if libc.ptrace(request, pid, 0, 0):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

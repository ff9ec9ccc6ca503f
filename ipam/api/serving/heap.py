"""Keeps what a flood of requests leaves in memory small: settings of the C library's malloc."""

import ctypes
from typing import Final

M_ARENA_MAX: Final = -8
M_MMAP_THRESHOLD: Final = -3
"""From glibc's malloc.h."""
ARENAS: Final = 1
"""By default each thread gets its own, up to 8 for each core, and none gives back what is free in
between. Python's own lock leaves them nothing to gain."""
LARGE_BYTES: Final = 65_536
"""A block from this size on is mapped by itself, so that the kernel has it back when it is freed.
By default glibc raises this to the largest block it has seen, up to 32 MiB: then a small block
that outlives a large answer keeps that answer's memory."""


def give_back() -> bool:
    """Return to the kernel what is free between used blocks; whether the C library can.

    glibc does so by itself only at the end of its heap.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return bool(trim and trim(0))


def share() -> bool:
    """Let all later threads share one heap, without large blocks; whether the C library can."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(M_ARENA_MAX, ARENAS) and mallopt(M_MMAP_THRESHOLD, LARGE_BYTES))

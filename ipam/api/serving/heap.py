"""Keeps what a flood of requests leaves in memory small: the C library's heaps are shared."""

import ctypes
from typing import Final

M_ARENA_MAX: Final = -8
"""From glibc's malloc.h."""
ARENAS: Final = 1
"""By default each thread gets its own, up to 8 for each core, and none gives back what is free in
between. Python's own lock leaves them nothing to gain."""


def share() -> bool:
    """Let all later threads share one heap; whether the C library can."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(M_ARENA_MAX, ARENAS))

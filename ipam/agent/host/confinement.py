"""Confines what a thread starts with Landlock: it writes few files, and touches no other process.

All hooks of a host run as one user, so file permissions do not keep one network's hook from
another's files and processes. In a Landlock domain a process may write only where it was allowed
to, and it can neither trace nor signal a process outside the domain, whatever its user.
"""

import ctypes
import os
import stat
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Final

CREATE_RULESET: Final = 444
ADD_RULE: Final = 445
RESTRICT_SELF: Final = 446
"""The system calls, which have these numbers on all architectures but Alpha."""
VERSION: Final = 1
PATH_BENEATH: Final = 1

WRITE_FILE: Final = 1 << 1
REMOVE_AND_MAKE: Final = sum(1 << bit for bit in range(4, 13))
REFER: Final = 1 << 13  # since the second version
TRUNCATE: Final = 1 << 14  # since the third
SCOPED: Final = 0b11
"""Abstract Unix sockets and signals, since the sixth."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def landlock_version() -> int:
    """The version of the kernel's Landlock; 0 without it."""
    return max(0, int(_libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), VERSION)))


def confine_thread(writable: Iterable[Path]) -> None:
    """Let this thread and what it starts write only below these paths, for ever.

    Does nothing on a kernel without Landlock. Raises OSError if a path is missing, or without
    CAP_SYS_ADMIN.
    """
    version = landlock_version()
    if version == 0:
        return
    accesses = WRITE_FILE | REMOVE_AND_MAKE
    accesses |= (REFER if version >= 2 else 0) | (TRUNCATE if version >= 3 else 0)
    attributes = struct.pack("QQQ", accesses, 0, SCOPED if version >= 6 else 0)
    known_bytes = 24 if version >= 6 else 8
    ruleset = _call(CREATE_RULESET, attributes, ctypes.c_size_t(known_bytes), 0)
    try:
        for path in writable:
            _allow(ruleset, path, accesses)
        _call(RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, accesses: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            accesses &= WRITE_FILE | TRUNCATE
        rule = struct.pack("=Qi", accesses, descriptor)  # packed in C, too
        _call(ADD_RULE, ruleset, PATH_BENEATH, rule, 0)
    finally:
        os.close(descriptor)


def _call(number: int, *arguments: object) -> int:
    result = int(_libc.syscall(number, *arguments))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"Landlock: {os.strerror(error)}")
    return result

"""The file in a network's directory into which its dnsmasq logs, and which the agent reads.

The run directory is in memory, and what a process has written into a file outlives it. So what
dnsmasq said last is there when it, its helper and the agent were killed at once. What the agent
has taken in becomes a hole in the file: it needs no memory, and whatever is left nobody has read.

Where this life of the agent has started the dnsmasq, both have one open file, with one offset. So
the agent sets it back to the start from time to time. Beyond LIMIT_BYTES the kernel refuses what
dnsmasq writes. It does not wait then, but logs nothing more in its life.
"""

import contextlib
import ctypes
import os
import stat
from pathlib import Path
from typing import Final

from ipam import files

NAME: Final = "log"
LIMIT_BYTES: Final = 16 << 20
"""So much memory a machine can fill, by flooding its dnsmasq while no agent runs."""
WORN_BYTES: Final = LIMIT_BYTES // 4 * 3
TURN_BYTES: Final = 1 << 20
READ_BYTES: Final = 1 << 16
LONGEST_LINE_BYTES: Final = 1024
KEEP_SIZE_AND_PUNCH_HOLE: Final = 0x01 | 0x02

_libc = ctypes.CDLL(None, use_errno=True)
_libc.fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)


class LogFile:
    """One network's log, opened by the agent. Not thread-safe."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / NAME
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISREG(self.path.lstat().st_mode):
                self.path.unlink()  # the pipe of an agent of an older version
        self._descriptor = files.opened(self.path, os.O_RDWR)
        self.position = self._taken = _text_begins(self._descriptor)
        """Where the next line is."""
        self.is_behind = False
        """Whether there was more than `read` gave."""
        self._is_shared = self._has_turned = False

    def begin_anew(self) -> int:
        """Empty it for another dnsmasq. Gives the descriptor by which that is to write."""
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self.position = self._taken = 0
        self._is_shared, self._has_turned = True, False
        return self._descriptor

    def read(self) -> list[str]:
        """The whole lines of at most READ_BYTES that have arrived; empty if there are none.

        They are there again for the next life until `forget`.
        """
        text = self._text()
        if not text and self._may_go_on_elsewhere():
            text = self._text()
        end = text.rfind(b"\n") + 1
        if end == 0 and len(text) >= LONGEST_LINE_BYTES:
            end = len(text)  # it is no line of dnsmasq's
        self.position += end
        self.is_behind = len(text) == READ_BYTES
        lines = text[:end].split(b"\n")
        return [one[:LONGEST_LINE_BYTES].decode(errors="backslashreplace") for one in lines if one]

    def forget(self) -> None:
        """What was read is taken in."""
        if self.position > self._taken:
            _punch(self._descriptor, self._taken, self.position - self._taken)
            self._taken = self.position
        if self._is_shared and not self._has_turned and self.position >= TURN_BYTES:
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            self._has_turned = True

    def is_worn(self) -> bool:
        """Whether its dnsmasq will soon be able to write no more, or is not able already."""
        return os.fstat(self._descriptor).st_size >= WORN_BYTES

    def close(self) -> None:
        """Close the agent's side. dnsmasq keeps its own."""
        os.close(self._descriptor)

    def _text(self) -> bytes:
        """What is between here and the next hole."""
        return os.pread(self._descriptor, READ_BYTES, self.position).partition(b"\0")[0]

    def _may_go_on_elsewhere(self) -> bool:
        """Go to where the next text is, if it may be elsewhere than here."""
        if self._is_shared:
            if not self._has_turned:
                return False
            self.position, self._has_turned = 0, False
        else:
            self.position = _text_begins(self._descriptor)
        self._taken = self.position
        return True


def _punch(descriptor: int, position: int, length: int) -> None:
    if _libc.fallocate(descriptor, KEEP_SIZE_AND_PUNCH_HOLE, position, length) != 0:
        os.pwrite(descriptor, bytes(length), position)  # a disk without holes


def _text_begins(descriptor: int) -> int:
    """The first octet that is not in a hole; the file's end, if there is none.

    It moves the descriptor's place.
    """
    try:
        position = os.lseek(descriptor, 0, os.SEEK_DATA)
    except OSError:
        return os.fstat(descriptor).st_size
    while data := os.pread(descriptor, READ_BYTES, position):
        if text := data.lstrip(b"\0"):
            return position + len(data) - len(text)
        position += len(data)
    return position

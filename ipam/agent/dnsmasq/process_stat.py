"""What the kernel says of a process, read again and again: state, CPU time, children."""

import contextlib
import os
from typing import Final

STAT_BYTES: Final = 512
"""Enough of /proc/PID/stat for its first 15 fields; the name has at most 15 bytes."""
TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")


class ProcessStat:
    """The state and CPU time of one process. Not thread-safe.

    The files stay open: to open one each time takes thrice as long. A process that has not run
    since it was seen asleep is asleep: even to be stopped it has to run. `schedstat` tells that in
    a third of the time.
    """

    def __init__(self, pid: int) -> None:
        """Raises OSError if there is no such process."""
        with contextlib.ExitStack() as opened:
            self._stat = open_proc(pid, "stat")
            opened.callback(os.close, self._stat)
            self._schedstat = _open_if_there(pid, "schedstat")
            opened.pop_all()
        self._runs = b""
        """What `schedstat` said when the process was seen asleep; empty if it was not."""
        self._asleep = b"S", 0.0

    def read(self) -> tuple[bytes, float]:
        """The state of the process, a letter, and the CPU time that it has used, in seconds."""
        try:
            runs = os.pread(self._schedstat, STAT_BYTES, 0) if self._schedstat >= 0 else b""
            if runs and runs == self._runs:
                return self._asleep
            fields = os.pread(self._stat, STAT_BYTES, 0).rpartition(b") ")[2].split()
        except ProcessLookupError:
            return b"X", 0.0  # it has ended
        read = fields[0], (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND
        self._runs, self._asleep = (runs, read) if read[0] == b"S" else (b"", read)
        return read

    def has_run(self) -> bool:
        """Whether it may have run since it was seen asleep."""
        if not self._runs:
            return True
        try:
            return os.pread(self._schedstat, STAT_BYTES, 0) != self._runs
        except ProcessLookupError:
            return True

    def close(self) -> None:
        """Close its files."""
        for descriptor in (self._stat, self._schedstat):
            if descriptor >= 0:
                os.close(descriptor)


def open_proc(pid: int, name: str) -> int:
    """A descriptor of the process's file in /proc. Raises OSError if it has ended."""
    return os.open(f"/proc/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC)


def _open_if_there(pid: int, name: str) -> int:
    """-1 for a kernel without this file."""
    try:
        return open_proc(pid, name)
    except FileNotFoundError:
        return -1

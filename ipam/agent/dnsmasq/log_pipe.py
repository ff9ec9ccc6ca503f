"""The pipe into which a network's dnsmasq logs, with a name in the network's directory.

dnsmasq gets it as its standard error, open for reading and writing and not blocking. So it never
waits for a reader: what a full pipe does not take is dropped and counted ("overflow: N log entries
lost"). Nothing is written to a disk. The pipe lives as long as either side has it open, and a new
agent opens it by its name.
"""

import contextlib
import fcntl
import os
import stat
from pathlib import Path

PIPE = "log"
CAPACITY_BYTES = 1 << 20
"""The kernel takes memory only for what is unread. A reload of 1,000 ports says 120 kB at once."""
READ_BYTES = 1 << 16
LONGEST_LINE_BYTES = 1024


class LogPipe:
    """One network's pipe, open at the agent's side too."""

    def __init__(self, directory: Path) -> None:
        path = directory / PIPE
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISFIFO(path.lstat().st_mode):
                path.unlink()  # the plain file of an older agent
        with contextlib.suppress(FileExistsError):
            os.mkfifo(path, 0o600)
        self.descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        with contextlib.suppress(PermissionError):
            fcntl.fcntl(self.descriptor, fcntl.F_SETPIPE_SZ, CAPACITY_BYTES)
        self._rest = b""

    def fileno(self) -> int:
        """For a selector: readable when there is something to read."""
        return self.descriptor

    def read(self) -> list[str]:
        """Whole lines that arrived, of at most READ_BYTES; empty when there is nothing."""
        try:
            data = self._rest + os.read(self.descriptor, READ_BYTES)
        except BlockingIOError:
            return []
        *lines, rest = data.split(b"\n")
        self._rest = rest[:LONGEST_LINE_BYTES]
        return [line.decode(errors="backslashreplace") for line in lines if line]

    def close(self) -> None:
        """Let go; dnsmasq keeps its own end."""
        os.close(self.descriptor)

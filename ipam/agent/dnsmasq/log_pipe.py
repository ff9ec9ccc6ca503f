"""The named pipe in a network's directory into which its dnsmasq logs.

dnsmasq gets it as its standard error, open for reading and writing, and non-blocking. So it never
waits for a reader: it drops and counts lines that a full pipe does not take ("overflow: N log
entries lost"). Nothing is written to a disk. The pipe's content lives as long as one side has it
open, and a new agent opens it by its name.
"""

import contextlib
import fcntl
import os
import stat
from pathlib import Path

PIPE = "log"
CAPACITY_BYTES = 1 << 20
"""The kernel uses memory only for unread text. A reload of 1,000 ports logs 120 kB at once."""
READ_BYTES = 1 << 16
LONGEST_LINE_BYTES = 1024


class LogPipe:
    """One network's pipe, opened by the agent, too."""

    def __init__(self, directory: Path) -> None:
        path = directory / PIPE
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISFIFO(path.lstat().st_mode):
                path.unlink()  # a plain file of an agent of an older version
        with contextlib.suppress(FileExistsError):
            os.mkfifo(path, 0o600)
        self.descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        with contextlib.suppress(PermissionError):
            fcntl.fcntl(self.descriptor, fcntl.F_SETPIPE_SZ, CAPACITY_BYTES)
        self._rest = b""

    def fileno(self) -> int:
        """A descriptor for a selector. It is readable when there is something to read."""
        return self.descriptor

    def read(self) -> list[str]:
        """The whole lines of at most READ_BYTES that have arrived; empty if there are none."""
        try:
            data = self._rest + os.read(self.descriptor, READ_BYTES)
        except BlockingIOError:
            return []
        *lines, rest = data.split(b"\n")
        self._rest = rest[:LONGEST_LINE_BYTES]
        return [line.decode(errors="backslashreplace") for line in lines if line]

    def close(self) -> None:
        """Close the agent's side. dnsmasq keeps its own."""
        os.close(self.descriptor)

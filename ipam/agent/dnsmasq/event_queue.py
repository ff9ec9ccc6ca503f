"""Looks how many events wait in the pipe between a dnsmasq and its helper.

The helper runs one hook after the other. Of what the pipe does not hold, dnsmasq keeps only the
last state of each lease, and some of that it forgets. So its filling is worth a warning.
"""

import contextlib
import fcntl
import os
import struct
import termios
from pathlib import Path
from typing import Final

EVENT_BYTES: Final = 175
"""Of an event with a name and an identifier of usual lengths: 375 were seen to fill 64 KiB."""
ROOM: Final = 65_536 // EVENT_BYTES
"""About how many events the pipe holds."""


def find(pid: int, helper: int) -> str:
    """The path in /proc of the pipe that the dnsmasq writes and the helper reads; "" for none."""
    with contextlib.suppress(OSError):
        written = {target for target, access in _pipes(pid).values() if access == os.O_WRONLY}
        for path, (target, access) in _pipes(helper).items():
            if target in written and access == os.O_RDONLY:
                return path
    return ""


def waiting(queue: str) -> int:
    """About how many events are in the pipe. It is not kept open: it would outlive its helper."""
    if not queue:
        return 0
    try:
        descriptor = os.open(queue, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        answer = fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4))
    finally:
        os.close(descriptor)
    return int(struct.unpack("i", answer)[0]) // EVENT_BYTES


def _pipes(pid: int) -> dict[str, tuple[str, int]]:
    """By path in /proc: which pipe it is, and whether it is read or written."""
    found = {}
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it was closed meanwhile
            target = os.readlink(path)  # noqa: PTH115  # no path, but a name such as pipe:[5]
            if target.startswith("pipe:"):
                lines = Path(f"/proc/{pid}/fdinfo/{path.name}").read_text().splitlines()
                flags = next(line for line in lines if line.startswith("flags:"))
                found[str(path)] = target, int(flags.split()[1], 8) & os.O_ACCMODE
    return found

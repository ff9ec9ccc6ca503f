"""Keeps lease events that can never be recorded in a file for the administrator."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path

from ipam import files
from ipam.protocol.lease_events import LeaseEventCreate
from ipam.protocol.wire import write

LOG = logging.getLogger(__name__)

REJECTED_BYTES = 4 << 20
"""Whoever may send records could fill the disk and the log with what is no record."""
LONGEST = 1 << 16


class RejectedEvents:
    """The file, which is made with the first such event. Nothing that it does fails."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count = 0

    def add(self, event: LeaseEventCreate | Mapping[str, str], reason: str) -> None:
        """Add an event until the file is full; each doubling of their number is logged."""
        self._count += 1
        if self._count & (self._count - 1) == 0:
            LOG.error(
                "lease event refused, kept in %s (%d such): %s",
                *(self._path, self._count, reason[:LONGEST]),
            )
        try:
            self._append(_line(event, reason))
        except OSError as error:
            LOG.debug("%s: %s", self._path, error)

    def _append(self, line: bytes) -> None:
        descriptor = files.opened(self._path, os.O_WRONLY | os.O_APPEND)
        with os.fdopen(descriptor, "ab") as file:
            if os.fstat(descriptor).st_size > REJECTED_BYTES:
                return
            file.write(line)
            file.flush()
            os.fdatasync(descriptor)


def _line(event: LeaseEventCreate | Mapping[str, str], reason: str) -> bytes:
    try:
        line = write({"reason": reason, "event": event}) + b"\n"
    except (UnicodeError, ValueError, RecursionError):
        line = b""
    if 0 < len(line) <= LONGEST:
        return line
    return write({"reason": ascii(reason)[:1024], "event": ascii(event)[:LONGEST]}) + b"\n"

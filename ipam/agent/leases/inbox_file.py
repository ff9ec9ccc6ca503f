"""The agent's inbox on disk: acknowledged events that the API has not taken yet.

It has one JSON object per line, appended with fdatasync. A kill at any point loses no acknowledged
event. An unfinished last line was not acknowledged, and is cut off. If a position was not written
in time, the API only gets some events again, and recognises them by their ids.
"""

import contextlib
import logging
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ipam import files
from ipam.errors import Malformed
from ipam.protocol.lease_events import LeaseEventCreate
from ipam.protocol.wire import read, write

LOG = logging.getLogger(__name__)

COMPACT_BYTES = 4 << 20
REJECTED_BYTES = 4 << 20
"""Whoever may send records could fill the disk and the log with what is no record."""


class InboxFile:
    """A durable queue with one writer and one reader, in two threads."""

    def __init__(self, directory: Path) -> None:
        files.make_directory(directory, files.WAY_DIRECTORY)
        self._path = directory / "inbox"
        self._position_path = directory / "inbox.position"
        self._rejected_path = directory / "inbox.rejected"
        self._lock = threading.Lock()
        self._descriptor = _open(self._path)
        self._size = self._cut_torn_line()
        self._position = self._read_position()

    def close(self) -> None:
        """Close the file. Everything is on disk already."""
        os.close(self._descriptor)

    def append(self, events: Sequence[LeaseEventCreate]) -> None:
        """Return once the events are on disk."""
        data = b"".join(write(event) + b"\n" for event in events)
        with self._lock:
            try:
                _write_all(self._descriptor, data)
                os.fdatasync(self._descriptor)
            except OSError:
                os.ftruncate(self._descriptor, self._size)  # no unfinished line before the next
                raise
            self._size += len(data)

    def peek(self, most: int) -> tuple[list[LeaseEventCreate], int]:
        """The oldest events, and the position after them."""
        with self._lock:
            start, size = self._position, self._size
        events: list[LeaseEventCreate] = []
        with self._path.open("rb") as file:
            file.seek(start)
            while start < size and len(events) < most:
                line = file.readline()
                start += len(line)
                events += self._parsed(line)
        return events, start

    def waiting(self) -> Iterator[LeaseEventCreate]:
        """Every event that the API has not taken, oldest first. It passes over damaged lines."""
        with self._path.open("rb") as file:
            file.seek(self._position)
            for line in file:
                with contextlib.suppress(Malformed):
                    yield read(LeaseEventCreate, line, "a line of the inbox")

    def forget(self, position: int) -> None:
        """Forget everything before the position, which the API has."""
        with self._lock:
            if position >= self._size:
                self._start_again(b"")
            elif position >= COMPACT_BYTES:
                self._start_again(os.pread(self._descriptor, self._size - position, position))
            else:
                self._write_position(position)

    def is_empty(self) -> bool:
        """True if there is nothing to send."""
        with self._lock:
            return self._position >= self._size

    def set_aside(self, event: LeaseEventCreate | Mapping[str, str], reason: str) -> None:
        """Keep a refused event in a file for the administrator, until that is full."""
        if self._rejected_path.exists() and self._rejected_path.stat().st_size > REJECTED_BYTES:
            return
        LOG.error("lease event refused, kept in %s: %s", self._rejected_path, reason)
        with os.fdopen(files.opened(self._rejected_path, os.O_WRONLY | os.O_APPEND), "ab") as file:
            file.write(write({"reason": reason, "event": event}) + b"\n")
            file.flush()
            os.fdatasync(file.fileno())

    def _start_again(self, rest: bytes) -> None:
        """Write a new file.

        The position goes first: a kill in between repeats events, and loses none.
        """
        self._write_position(0)
        if not rest:
            os.ftruncate(self._descriptor, 0)
        else:
            with files.replacing(self._path, durable=True) as file:
                file.write(rest)
                descriptor = _open(Path(file.name))
            os.close(self._descriptor)
            self._descriptor = descriptor
        self._size = len(rest)

    def _write_position(self, position: int) -> None:
        files.put(self._position_path, str(position).encode())
        self._position = position

    def _read_position(self) -> int:
        try:
            position = int(self._position_path.read_text())
        except (FileNotFoundError, ValueError):
            return 0
        return position if position <= self._size else 0

    def _cut_torn_line(self) -> int:
        size = os.fstat(self._descriptor).st_size
        end = size
        while end:
            start = max(0, end - 65536)
            newline = os.pread(self._descriptor, end - start, start).rfind(b"\n")
            end = start + newline + 1 if newline >= 0 else start
            if newline >= 0:
                break
        if end != size:
            LOG.warning("%s: cutting off %d bytes of an unfinished line", self._path, size - end)
            os.ftruncate(self._descriptor, end)
        return end

    def _parsed(self, line: bytes) -> list[LeaseEventCreate]:
        try:
            return [read(LeaseEventCreate, line, "a line of the inbox")]
        except Malformed as error:
            self.set_aside({"line": line.decode(errors="backslashreplace")}, str(error))
            return []


def _open(path: Path) -> int:
    return files.opened(path, os.O_RDWR | os.O_APPEND)


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]

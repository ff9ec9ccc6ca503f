"""The agent's inbox: acknowledged events that the API has not taken yet, on disk.

It has one JSON object per line, appended with fdatasync. A kill at any point loses no acknowledged
event. An unfinished last line was not acknowledged, and is cut off. If a position was not written
in time, the API only gets some events again, and recognises them.

While the disk refuses, as when it is full or read-only, events wait in memory, as if they were the
end of the file, up to a bound. What a death takes from there is found by what dnsmasq holds.
"""

import contextlib
import errno
import itertools
import logging
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from ipam import files
from ipam.agent.leases import rejected
from ipam.errors import Malformed
from ipam.protocol.lease_events import LeaseEventCreate
from ipam.protocol.wire import read, write
from ipam.trouble import Trouble

LOG = logging.getLogger(__name__)

COMPACT_BYTES = 4 << 20
MEMORY_BYTES = 16 << 20
"""Some 30,000 events."""
LONGEST_LINE: Final = 1 << 20
REFUSALS: Final = (Malformed, RecursionError, ValueError)
"""How a line that is no event fails."""


class InboxFile:
    """A durable queue with one writer and one reader, in two threads.

    A position counts bytes of the file, and on in memory.
    """

    def __init__(self, directory: Path) -> None:
        with contextlib.suppress(OSError):  # told when the file cannot be opened
            files.make_directory(directory, files.WAY_DIRECTORY)
        self._path = directory / "inbox"
        self._position_path = directory / "inbox.position"
        self._rejected = rejected.RejectedEvents(directory / "inbox.rejected")
        self._lock = threading.Lock()
        self._refusal = Trouble()
        self.troubles: Mapping[str, str] = {}
        """What is not as it should be, by what."""
        self._memory = bytearray()
        self._descriptor: int | None = None
        self._size = self._position = self._torn = 0
        try:
            self._open()
        except OSError as error:
            self._disk_refuses(error)
        else:
            self._position = self._read_position()

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)

    def append(self, events: Sequence[LeaseEventCreate]) -> None:
        """Return once the events are on disk, or in memory if the disk refuses.

        Raises OSError if there is no more room: none of the events is kept.
        """
        data = b"".join(write(event) + b"\n" for event in events)
        with self._lock:
            try:
                self._look()
                self._write(bytes(self._memory) + data)
            except OSError as error:
                self._disk_refuses(error)
                if len(self._memory) + len(data) > MEMORY_BYTES:
                    raise
                self._memory += data
            else:
                self._memory.clear()
                self._disk_takes()

    def peek(self, most: int) -> tuple[list[LeaseEventCreate], int]:
        """The oldest events, and the position after them."""
        with self._lock:
            self._look()
            lines = list(itertools.islice(self._lines(), most))
            position = self._position + sum(map(len, lines))
        return [event for line in lines for event in self._parsed(line)], position

    def waiting(self) -> Iterator[LeaseEventCreate]:
        """Every event that the API has not taken, oldest first. It passes over damaged lines."""
        for line in self._lines():
            with contextlib.suppress(*REFUSALS):
                yield _event(line)

    def forget(self, position: int, *, durable: bool = True) -> None:
        """Forget everything before the position, which the API has.

        If it is not `durable`, or the disk refuses, the next life sends it again.
        """
        with self._lock:
            in_memory = max(0, position - self._size)
            del self._memory[:in_memory]
            self._position = min(position, self._size)
        if durable:
            self.settle()

    def settle(self) -> None:
        """Forget on disk, too, what was forgotten."""
        with self._lock:
            if self._descriptor is not None:
                try:
                    self._forget_on_disk()
                except OSError as error:
                    self._disk_refuses(error)

    def is_empty(self) -> bool:
        """True if there is nothing to send."""
        with self._lock:
            return self._position >= self._size and not self._memory

    def set_aside(self, event: LeaseEventCreate | Mapping[str, str], reason: str) -> None:
        """Keep a refused event in a file for the administrator, until that is full."""
        self._rejected.add(event, reason)

    def _open(self) -> None:
        """Open the file, for reading only where it cannot be written. Raises OSError."""
        try:
            self._descriptor = files.opened(self._path, os.O_RDWR | os.O_APPEND)
        except OSError:
            self._descriptor = files.opened(self._path, os.O_RDONLY)
        self._size = self._cut_torn_line()

    def _look(self) -> None:
        """Notice what others have done to the file. All of it is sent again."""
        if self._descriptor is None:
            return
        found = os.fstat(self._descriptor)
        if found.st_nlink == 0:
            LOG.warning("%s was removed by hand and is made again", self._path)
            self._memory[:0] = b"".join(self._lines_of_file())
            os.close(self._descriptor)
            self._descriptor, self._size, self._position = None, 0, 0
        elif found.st_size != self._size + self._torn:
            LOG.warning("%s was changed by hand: what it has is sent again", self._path)
            self._position = 0
            self._size = self._cut_torn_line()

    def _write(self, data: bytes) -> None:
        if self._descriptor is None:
            self._open()
        assert self._descriptor is not None  # _open has opened it
        try:
            if self._torn:
                os.ftruncate(self._descriptor, self._size)
                self._torn = 0
            _write_all(self._descriptor, data)
            os.fdatasync(self._descriptor)
        except OSError as error:
            with contextlib.suppress(OSError):  # read-only: nothing was written
                os.ftruncate(self._descriptor, self._size)  # no unfinished line before the next
            self._reopen_later(error)
            raise
        self._size += len(data)

    def _reopen_later(self, error: OSError) -> None:
        """Have a file that was opened for reading opened anew, once all of it is sent."""
        if error.errno == errno.EBADF and self._descriptor is not None:
            with contextlib.suppress(OSError):
                descriptor = files.opened(self._path, os.O_RDWR | os.O_APPEND)
                os.close(self._descriptor)
                self._descriptor = descriptor

    def _lines(self) -> Iterator[bytes]:
        """The lines from the position on, those in memory last."""
        yield from self._lines_of_file()
        yield from bytes(self._memory).splitlines(keepends=True)

    def _lines_of_file(self) -> Iterator[bytes]:
        if self._descriptor is None or self._position >= self._size:
            return
        with open(self._descriptor, "rb", closefd=False) as file:
            file.seek(self._position)
            left = self._size - self._position
            while left > 0 and (line := file.readline(min(left, LONGEST_LINE))):
                left -= len(line)
                yield line

    def _forget_on_disk(self) -> None:
        assert self._descriptor is not None  # the caller has checked
        position, size = self._position, self._size
        if position >= size:
            self._start_again(b"")
        elif position >= COMPACT_BYTES:
            self._start_again(os.pread(self._descriptor, size - position, position))
        else:
            self._write_position(position)

    def _start_again(self, rest: bytes) -> None:
        """Write a new file.

        The position goes first: a kill in between repeats events, and loses none.
        """
        assert self._descriptor is not None  # the caller has checked
        self._write_position(0)
        if not rest:
            os.ftruncate(self._descriptor, 0)
        else:
            with files.replacing(self._path, durable=True) as file:
                file.write(rest)
                descriptor = files.opened(Path(file.name), os.O_RDWR | os.O_APPEND)
            os.close(self._descriptor)
            self._descriptor = descriptor
        self._size, self._position = len(rest), 0

    def _write_position(self, position: int) -> None:
        files.put(self._position_path, str(position).encode())

    def _read_position(self) -> int:
        try:
            position = int(self._position_path.read_text())
        except (OSError, ValueError):
            return 0
        return position if 0 <= position <= self._size and self._begins_a_line(position) else 0

    def _begins_a_line(self, position: int) -> bool:
        assert self._descriptor is not None  # it was opened before
        return position == 0 or os.pread(self._descriptor, 1, position - 1) == b"\n"

    def _cut_torn_line(self) -> int:
        assert self._descriptor is not None  # the caller has checked
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
        self._torn = size - end
        with contextlib.suppress(OSError):  # read-only: before the next write
            os.ftruncate(self._descriptor, end)
            self._torn = 0
        return end

    def _parsed(self, line: bytes) -> list[LeaseEventCreate]:
        try:
            return [_event(line)]
        except REFUSALS as error:
            said = line[:LONGEST_LINE].decode(errors="backslashreplace")
            self.set_aside({"line": said}, str(error) or repr(error))
            return []

    def _disk_refuses(self, error: OSError) -> None:
        said = f"the state disk refuses lease events, which are lost if the agent ends: {error}"
        self.troubles = {"inbox": said}
        if self._refusal.begins(str(error)):
            LOG.error("%s", said)

    def _disk_takes(self) -> None:
        self.troubles = {}
        if self._refusal.ends():
            LOG.warning("the state disk takes lease events again")


def _event(line: bytes) -> LeaseEventCreate:
    """The line's event, which can be sent. Raises one of `REFUSALS`."""
    event = read(LeaseEventCreate, line, "a line of the inbox")
    if not all(isinstance(value, str) for value in event.details.values()):
        raise Malformed("a line of the inbox has a detail that is no text")
    return event


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]

"""What a client has not read of its answers yet."""

from collections import deque
from typing import Final

from waitress.buffers import TempfileBasedBuffer

TOGETHER_BYTES: Final = 16_384
"""So much of short pieces is sent at once: head and body of most answers."""
IN_MEMORY_BYTES: Final = 1_048_576
"""What a client leaves unread beyond that is kept in a file, because hundreds may do so."""


class Unread:
    """Keeps pieces as they were made: an answer that many clients get is in memory once.

    It has the part of a waitress buffer that a connection uses.
    """

    __slots__ = ("_file", "_length", "_pieces")

    def __init__(self) -> None:
        self._pieces: deque[memoryview] | None = None  # an empty one takes 0.7 KB
        self._length = 0
        self._file: TempfileBasedBuffer | None = None

    def __len__(self) -> int:
        return self._length if self._file is None else len(self._file)

    def append(self, data: bytes) -> None:
        """Add a piece at the end."""
        if self._file is not None:
            self._file.append(data)
        elif data:
            if self._pieces is None:
                self._pieces = deque()
            self._pieces.append(memoryview(data))
            self._length += len(data)

    def get(self, most: int) -> bytes | memoryview:
        """Some of the first bytes, at most so many. They stay."""
        if self._file is not None:
            in_file: bytes = self._file.get(most)
            return in_file
        together: list[memoryview] = []
        length = 0
        for piece in self._pieces or ():
            length += len(piece)
            if together and length > min(most, TOGETHER_BYTES):
                break
            together.append(piece)
        return b"".join(together) if len(together) > 1 else together[0][:most]

    def skip(self, count: int, _allow_prune: bool = False) -> None:
        """Forget so many of the first bytes: they are sent."""
        if self._file is not None:
            self._file.skip(count)
            if not len(self._file):
                self.close()
            return
        self._length -= count
        pieces = self._pieces or deque()
        while pieces and count >= len(pieces[0]):
            count -= len(pieces.popleft())
        if count:
            pieces[0] = pieces[0][count:]
        if not pieces:
            self._pieces = None

    def bound(self) -> None:
        """Move everything to a file if it is too much."""
        if self._length <= IN_MEMORY_BYTES:
            return
        file = TempfileBasedBuffer()
        for piece in self._pieces or ():
            file.append(piece)
        self.close()
        self._file = file

    def close(self) -> None:
        """Forget everything."""
        self._pieces = None
        self._length = 0
        if self._file is not None:
            self._file.close()
            self._file = None

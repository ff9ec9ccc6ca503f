"""Writes files atomically: a reader sees the old content or the new one, never a part."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


def put(path: Path, content: bytes, *, durable: bool = False, mode: int | None = None) -> None:
    """Write this content to the file with `replacing`."""
    with replacing(path, durable=durable, mode=mode) as file:
        file.write(content)


@contextlib.contextmanager
def replacing(path: Path, *, durable: bool = False, mode: int | None = None) -> Iterator[BinaryIO]:
    """A file to write. It is renamed to `path` when the block ends without an error.

    Until then it is in the same directory, under a name that begins with a dot and ends in `.new`.
    With `durable` its content is synced to disk before the rename. `mode` is set whatever the
    umask is; without it the umask decides. Only one writer at a time may use a path.
    """
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)  # left by a killed writer

    def create(name: str, flags: int) -> int:
        return os.open(name, flags, 0o666 if mode is None else mode)

    try:
        with open(temporary, "xb", opener=create) as file:
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise

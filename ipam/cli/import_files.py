"""Reads the files that are named for an import, with their directories, up to a bound."""

import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click

from ipam.imports.files import BYTES_MAX, FILES_MAX

DEPTH_MAX: Final = 16


def read_tree(paths: Sequence[Path]) -> dict[str, bytes]:
    """The content of each file by its path, relative to what was named.

    Of directories only regular files are read, and no link to a directory is followed. Raises
    ClickException for more than an import may have, and OSError for what cannot be read.
    """
    found: dict[str, bytes] = {}
    left = BYTES_MAX
    for path in paths:
        for name, file in _files(path, path.name if len(paths) > 1 else ""):
            with file.open("rb") as opened:
                content = opened.read(left + 1)
            left -= len(content)
            if left < 0 or len(found) >= FILES_MAX:
                raise click.ClickException(
                    f"More than {FILES_MAX} files or {BYTES_MAX} bytes: import them in parts."
                )
            found[name] = content
    return found


def _files(path: Path, start: str) -> Iterator[tuple[str, Path]]:
    if not path.is_dir():
        yield path.name, path
        return
    for file in sorted(_below(path, 0)):
        yield str(Path(start) / file.relative_to(path)), file


def _below(path: Path, depth: int) -> Iterator[Path]:
    for one in path.iterdir():
        if one.is_dir():
            if depth < DEPTH_MAX and not one.is_symlink():
                yield from _below(one, depth + 1)
        elif stat.S_ISREG(one.stat().st_mode):
            yield one

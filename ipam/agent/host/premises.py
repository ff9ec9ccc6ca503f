"""Directories and files of the agent that belong to no network: kept as the agent made them."""

import contextlib
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ipam import files
from ipam.agent.host.file_watch import InotifyWatch


@dataclass(frozen=True, slots=True)
class _Made:
    """How a directory or file was. A directory has no content."""

    mode: int
    uid: int
    gid: int
    inode: int
    changed_at_ns: int
    content: bytes | None

    @classmethod
    def of(cls, path: Path) -> "_Made":
        found = path.stat()
        is_directory = stat.S_ISDIR(found.st_mode)
        return cls(
            stat.S_IMODE(found.st_mode),
            found.st_uid,
            found.st_gid,
            found.st_ino,
            0 if is_directory else found.st_mtime_ns,
            None if is_directory else path.read_bytes(),
        )


class Premises:
    """What was there when this was made, and is put back. Readable when something has changed."""

    def __init__(self, paths: Iterable[Path], *, shared: Path) -> None:
        """Takes each directory before what is in it. Of a shared one others decide the owner."""
        self._shared = shared
        self._made = {path: _Made.of(path) for path in paths}
        self._watch = InotifyWatch()
        for path in self._directories():
            self._watch.watch(path)

    def fileno(self) -> int:
        """For a selector."""
        return self._watch.fileno()

    def close(self) -> None:
        """Watch nothing any more."""
        self._watch.close()

    def put_back(self) -> list[str]:
        """Have everything as it was. Gives a sentence for each that was not."""
        self._watch.changed()
        said = [sentence for path in list(self._made) if (sentence := self._put_back(path))]
        if said:
            for path in self._directories():  # each may be another one now
                self._watch.unwatch(path)
                self._watch.watch(path)
        return said

    def _directories(self) -> Iterator[Path]:
        return (path for path, made in self._made.items() if made.content is None)

    def _put_back(self, path: Path) -> str:
        made, kind = self._made[path], stat.S_ISREG if self._made[path].content else stat.S_ISDIR
        try:
            found = path.lstat()
        except FileNotFoundError:
            return self._make(path, made, "was removed")
        if not kind(found.st_mode):
            if stat.S_ISDIR(found.st_mode):
                shutil.rmtree(path)
            else:
                path.unlink()
            return self._make(path, made, "was replaced")
        if path != self._shared and files.own_again(path, made.mode, uid=made.uid, gid=made.gid):
            self._put_back(path)
            return f"the mode or owner of {path} was changed by hand and is put back"
        changed_at_ns = 0 if made.content is None else found.st_mtime_ns
        if (found.st_ino, changed_at_ns) == (made.inode, made.changed_at_ns):
            return ""
        if made.content is not None and path.read_bytes() != made.content:
            return self._make(path, made, "was changed")
        self._made[path] = _Made.of(path)
        return f"{path} was replaced by hand" if made.content is None else ""

    def _make(self, path: Path, made: _Made, what: str) -> str:
        if made.content is None:
            files.make_directory(path, made.mode)
        else:
            files.put(path, made.content, durable=True)
        with contextlib.suppress(PermissionError):
            os.chown(path, made.uid, made.gid)
        path.chmod(made.mode)
        self._made[path] = _Made.of(path)
        return f"{path} {what} by hand and is put back"

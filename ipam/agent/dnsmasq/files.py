"""The directory of a network's dnsmasq, below the run path, and what dnsmasq has read of it.

The directory is also the mark of ownership: the agent looks after the networks that have one. New
content is renamed into place, which dnsmasq watches for, so it never reads half a file. Names that
begin with a dot are invisible to it. A marker on disk keeps "a SIGHUP is due" over a killed agent.

What others change here is taken in as what is there, so that the plan finds the difference.
"""

import contextlib
import logging
import os
import shutil
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ipam import files
from ipam.agent.dnsmasq import log_file

LOG = logging.getLogger(__name__)

CONFIG = "dnsmasq.conf"
SUBDIRECTORIES = ("hosts", "options")
NAMES = "names"
"""The directory of the names that dnsmasq answers. Its files are not looked after here."""
MARKER = ".reload-due"
MOST_NAMED = 3
"""So many files are named where others have changed them."""


_Stamp = tuple[int, int, int] | None


class ServerFiles:
    """One network's files, as they were read or written last."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.files: dict[str, str] = {}
        self._snapshot: Mapping[str, str] | None = None
        self._retired: set[str] = set()
        self._written: dict[Path, _Stamp] = {}
        """What was written here, until it is told that it has changed."""
        self._parts: Sequence[int] | None = None
        self.startup = _read(directory / CONFIG) or ""
        reads_names = f"hostsdir={self.names}\n" in self.startup  # or is of an older version
        self.was_whole = self._inodes(names=reads_names) is not None
        """What is not whole a dnsmasq that runs does not read, though it is made anew."""
        files.directory(directory, files.WAY_DIRECTORY)
        for sub in (*SUBDIRECTORIES, NAMES):
            files.directory(directory / sub, files.PUBLIC_DIRECTORY)  # dnsmasq lists it as nobody
        for sub in SUBDIRECTORIES:
            for path in sorted((directory / sub).iterdir()):
                if path.name.startswith("."):
                    path.unlink()
                elif (text := _read(path)) is not None:
                    self.files[f"{sub}/{path.name}"] = text
        self.reload_due = (directory / MARKER).exists()
        self._all_in_doubt = self.reload_due
        self.last_reload = 0.0
        self._own_again(self._modes(self.files))  # an older version may have had others

    @property
    def pid_file(self) -> Path:
        """Where dnsmasq writes its process id."""
        return self.directory / "pid"

    def snapshot(self) -> Mapping[str, str]:
        """The files as they are now, in the same object as long as they stay so."""
        if self._snapshot is None:
            self._snapshot = dict(self.files)
        return self._snapshot

    @property
    def names(self) -> Path:
        """The directory of the names that dnsmasq answers."""
        return self.directory / NAMES

    def write_startup(self, text: str) -> None:
        """The configuration for the next start."""
        files.put(self.directory / CONFIG, text.encode())
        self.startup = text

    def write(self, path: str, text: str) -> None:
        """Write a file. dnsmasq reads a new one at once, and a changed one on SIGHUP."""
        old = self.files.get(path) or _read(self.directory / path)
        if old is not None:  # unknown to us: others made it before their changes were watched
            self._retire(old)
        files.put(self.directory / path, text.encode(), mode=files.PUBLIC)
        self._written[self.directory / path] = _stamp(self.directory / path)
        self.files[path] = text
        self._snapshot = None

    def remove(self, path: str) -> None:
        """Remove a file. dnsmasq remembers its lines until SIGHUP."""
        self._retire(self.files[path])
        with contextlib.suppress(FileNotFoundError):
            (self.directory / path).unlink()
        del self.files[path]
        self._snapshot = None

    def remember_parts(self) -> None:
        """Take what is there for what the dnsmasq of this directory looks at."""
        self._parts = self._inodes()

    def is_whole(self) -> bool:
        """False if a part is gone or replaced, so that the dnsmasq that runs is told nothing."""
        found = self._inodes()
        return found is not None and self._parts in (None, found)

    def directories(self) -> Sequence[Path]:
        """All that have files in them that matter."""
        return (self.directory, *(self.directory / sub for sub in SUBDIRECTORIES))

    def take_in(self, paths: Iterable[Path]) -> None:
        """See what others have made of these files, and of all in these directories."""
        paths = [one for one in paths if not self._is_as_written(one)]
        self._put_modes_back(paths)
        for path in paths:
            if path in (self.directory, self.directory / CONFIG):
                self._put_startup_back()
            elif path.name in SUBDIRECTORIES and path.parent == self.directory:
                known = [self.directory / one for one in self.files if one.startswith(path.name)]
                for one in {*known, *path.iterdir()}:
                    self._take_in(one)
            elif path.parent.name in SUBDIRECTORIES:
                self._take_in(path)

    def keep_pid(self, pid: int) -> None:
        """Where the next life of the agent finds the dnsmasq that runs."""
        if _read(self.pid_file) != f"{pid}\n":
            files.put(self.pid_file, f"{pid}\n".encode(), mode=files.PUBLIC)

    def mark_read(self, when: float) -> None:
        """Note that dnsmasq was told to read everything, or was just started."""
        (self.directory / MARKER).unlink(missing_ok=True)
        self._retired.clear()
        self.reload_due = self._all_in_doubt = False
        self.last_reload = when

    def retired(self) -> frozenset[str] | None:
        """The words of removed lines that dnsmasq may still use; None: any words."""
        return None if self._all_in_doubt else frozenset(self._retired)

    def delete(self) -> None:
        """Remove the directory."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def _is_as_written(self, path: Path) -> bool:
        """Whether the first that is told of a file is that it was written here.

        A change within the same tick of the kernel's clock is found when all is looked at.
        """
        written = self._written.pop(path, None)
        return written is not None and written == _stamp(path)

    def _take_in(self, path: Path) -> None:
        name = _name_of(path)
        known, text = self.files.get(name), _read(path)
        if path.name.startswith(".") or text == known:
            return
        self._snapshot = None
        for one in (known, text):  # dnsmasq may use what it has read of either
            if one is not None:
                self._retire(one)
        if text is None:
            del self.files[name]
        else:
            self.files[name] = text

    def _inodes(self, *, names: bool = True) -> Sequence[int] | None:
        """The directories and the log as the kernel tells them apart; None if one is missing."""
        found = []
        watched = (self.names,) if names else ()
        for path in (*self.directories(), *watched, self.directory / log_file.NAME):
            try:
                status = path.stat()
            except OSError:
                return None
            is_log = path.name == log_file.NAME
            if not (stat.S_ISREG if is_log else stat.S_ISDIR)(status.st_mode):
                return None
            found.append(status.st_ino)
        return found

    def _put_modes_back(self, paths: Iterable[Path]) -> None:
        """Dnsmasq reads as a user without rights. What it could not read, it is to read again."""
        touched = {*paths}
        of_files = [one for one in map(_name_of, touched) if one in self.files]
        if not touched.isdisjoint(self.directory / sub for sub in SUBDIRECTORIES):
            of_files = list(self.files)
        modes = self._modes(of_files).items()
        found = self._own_again(
            {p: mode for p, mode in modes if not touched.isdisjoint((p, p.parent))}
        )
        if found:
            named = ", ".join(sorted(map(str, found))[:MOST_NAMED])
            LOG.warning(
                "mode or owner was changed by hand and is put back: %s%s",
                named,
                f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else "",
            )
            self.reload_later()
            self._all_in_doubt = True

    def _modes(self, of_files: Iterable[str]) -> Mapping[Path, int]:
        """The mode of each directory that the agent made here, and of these files."""
        return {
            self.directory: files.WAY_DIRECTORY,
            **{self.directory / sub: files.PUBLIC_DIRECTORY for sub in (*SUBDIRECTORIES, NAMES)},
            **{self.directory / one: files.PUBLIC for one in of_files},
            self.directory / CONFIG: files.PRIVATE,
        }

    def _own_again(self, modes: Mapping[Path, int]) -> Sequence[Path]:
        uid, gid = os.geteuid(), os.getegid()
        return [one for one in modes if files.own_again(one, modes[one], uid=uid, gid=gid)]

    def _put_startup_back(self) -> None:
        """The dnsmasq that runs has not read what is there now, and goes on."""
        if self.startup and _read(self.directory / CONFIG) != self.startup:
            self.write_startup(self.startup)
            LOG.warning("%s was changed by hand and is put back", self.directory / CONFIG)

    def reload_later(self) -> None:
        """The server is to read all its files anew."""
        if not self.reload_due:
            files.make(self.directory / MARKER)
            self.reload_due = True

    def _retire(self, text: str) -> None:
        self.reload_later()
        self._retired |= {field.strip("[]") for line in text.split() for field in line.split(",")}


def _name_of(path: Path) -> str:
    """The name in `ServerFiles.files`."""
    return f"{path.parent.name}/{path.name}"


def _stamp(path: Path) -> _Stamp:
    """What is another after each change of the file, but for one in the same tick of the clock.

    None if there is no file.
    """
    with contextlib.suppress(FileNotFoundError):
        found = path.lstat()
        return found.st_ino, found.st_size, found.st_ctime_ns
    return None


def prepare_directory(directory: Path) -> None:
    """Make the directory of all networks' directories. Below it, dnsmasq reads as nobody."""
    files.directory(directory, files.WAY_DIRECTORY)


def _read(path: Path) -> str | None:
    """What a regular file says; None for whatever else others have put there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return None
        return os.read(descriptor, found.st_size).decode(errors="surrogateescape")
    except OSError:
        return None
    finally:
        os.close(descriptor)

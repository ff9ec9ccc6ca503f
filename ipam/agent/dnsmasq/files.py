"""The directory of a network's dnsmasq, below the run path, and what dnsmasq has read of it.

The directory is also the mark of ownership: the agent looks after the networks that have one. New
content is renamed into place, which dnsmasq watches for, so it never reads half a file. Names that
begin with a dot are invisible to it. A marker on disk keeps "a SIGHUP is due" over a killed agent.

What others change here is taken in as what is there, so that the plan finds the difference.
"""

import contextlib
import logging
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from ipam import files
from ipam.agent.dnsmasq.log_pipe import PIPE

LOG = logging.getLogger(__name__)

CONFIG = "dnsmasq.conf"
SUBDIRECTORIES = ("hosts", "options")
MARKER = ".reload-due"


class ServerFiles:
    """One network's files, as they were read or written last."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.files: dict[str, str] = {}
        self._retired: set[str] = set()
        self.was_whole = self.is_whole()
        """What is not whole a dnsmasq that runs does not read, though it is made anew."""
        files.directory(directory, files.WAY_DIRECTORY)
        for sub in SUBDIRECTORIES:
            files.directory(directory / sub, files.PUBLIC_DIRECTORY)  # dnsmasq lists it as nobody
        for sub in SUBDIRECTORIES:
            for path in sorted((directory / sub).iterdir()):
                if path.name.startswith("."):
                    path.unlink()
                elif (text := _read(path)) is not None:
                    self.files[f"{sub}/{path.name}"] = text
        self.startup = _read(directory / CONFIG) or ""
        self.reload_due = (directory / MARKER).exists()
        self._all_in_doubt = self.reload_due
        self.last_reload = 0.0

    @property
    def pid_file(self) -> Path:
        """Where dnsmasq writes its process id."""
        return self.directory / "pid"

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
        self.files[path] = text

    def remove(self, path: str) -> None:
        """Remove a file. dnsmasq remembers its lines until SIGHUP."""
        self._retire(self.files[path])
        with contextlib.suppress(FileNotFoundError):
            (self.directory / path).unlink()
        del self.files[path]

    def is_whole(self) -> bool:
        """False if a part is gone without which the dnsmasq that runs is told nothing more."""
        are_there = all((self.directory / sub).is_dir() for sub in SUBDIRECTORIES)
        return are_there and (self.directory / PIPE).exists()

    def directories(self) -> Sequence[Path]:
        """All that have files in them that matter."""
        return (self.directory, *(self.directory / sub for sub in SUBDIRECTORIES))

    def take_in(self, paths: Iterable[Path]) -> None:
        """See what others have made of these files, and of all in these directories."""
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

    def _take_in(self, path: Path) -> None:
        name = f"{path.parent.name}/{path.name}"
        known, text = self.files.get(name), _read(path)
        if path.name.startswith(".") or text == known:
            return
        if known is not None:
            self._retire(known)
        if text is None:
            del self.files[name]
        else:
            self.files[name] = text

    def _put_startup_back(self) -> None:
        """The dnsmasq that runs has not read what is there now, and goes on."""
        if self.startup and _read(self.directory / CONFIG) != self.startup:
            self.write_startup(self.startup)
            LOG.warning("%s was changed by hand and is put back", self.directory / CONFIG)

    def _retire(self, text: str) -> None:
        if not self.reload_due:
            files.make(self.directory / MARKER)
            self.reload_due = True
        self._retired |= {field.strip("[]") for line in text.split() for field in line.split(",")}


def prepare_directory(directory: Path) -> None:
    """Make the directory of all networks' directories. Below it, dnsmasq reads as nobody."""
    files.directory(directory, files.WAY_DIRECTORY)


def _read(path: Path) -> str | None:
    """What a regular file says; None for whatever else others have put there."""
    try:
        return path.read_text(errors="surrogateescape") if path.is_file() else None
    except OSError:
        return None

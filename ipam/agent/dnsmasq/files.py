"""The directory of a network's dnsmasq, below the run path, and what dnsmasq has read of it.

The directory is also the mark of ownership: the agent looks after the networks that have one. New
content is renamed into place, which dnsmasq watches for, so it never reads half a file. Names that
begin with a dot are invisible to it. A marker on disk keeps "a SIGHUP is due" over a killed agent.
"""

import contextlib
import shutil
from pathlib import Path

from ipam import files

CONFIG = "dnsmasq.conf"
SUBDIRECTORIES = ("hosts", "options")
MARKER = ".reload-due"


class ServerFiles:
    """One network's files. What is on disk is read once; nobody else writes there."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.files: dict[str, str] = {}
        self._retired: set[str] = set()
        for sub in SUBDIRECTORIES:
            (directory / sub).mkdir(parents=True, exist_ok=True)
        for sub in SUBDIRECTORIES:
            for path in sorted((directory / sub).iterdir()):
                if path.name.startswith("."):
                    path.unlink()
                else:
                    self.files[f"{sub}/{path.name}"] = path.read_text()
        self.startup = self._read_startup()
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
        old = self.files.get(path)
        if old is not None:
            self._retire(old)
        files.put(self.directory / path, text.encode())
        self.files[path] = text

    def remove(self, path: str) -> None:
        """Remove a file. dnsmasq remembers its lines until SIGHUP."""
        self._retire(self.files[path])
        with contextlib.suppress(FileNotFoundError):
            (self.directory / path).unlink()
        del self.files[path]

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

    def _retire(self, text: str) -> None:
        if not self.reload_due:
            (self.directory / MARKER).touch()
            self.reload_due = True
        self._retired |= {field.strip("[]") for line in text.split() for field in line.split(",")}

    def _read_startup(self) -> str:
        try:
            return (self.directory / CONFIG).read_text()
        except FileNotFoundError:
            return ""

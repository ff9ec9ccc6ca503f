"""What changes on disk below directories that are watched."""

import logging
from collections.abc import Iterable
from pathlib import Path

from inotify_simple import INotify, flags

from ipam.trouble import Trouble

LOG = logging.getLogger(__name__)

CHANGES = (
    flags.CLOSE_WRITE
    | flags.MOVED_FROM
    | flags.MOVED_TO
    | flags.DELETE
    | flags.DELETE_SELF
    | flags.ATTRIB
    | flags.MOVE_SELF
    | flags.ONLYDIR
)


class InotifyWatch:
    """See outside.FileWatch. Readable when something has changed. Not for several threads."""

    def __init__(self) -> None:
        self._inotify = INotify()
        self._by_number: dict[int, Path] = {}
        self._numbers: dict[Path, int] = {}
        self._refusal = Trouble()

    def fileno(self) -> int:
        """For a selector."""
        return int(self._inotify.fileno())

    def close(self) -> None:
        """Watch nothing any more."""
        self._inotify.close()

    def watch(self, directory: Path) -> None:
        """From now on watch what is in the directory, without what is in directories in it."""
        try:
            number = int(self._inotify.add_watch(directory, CHANGES))
        except OSError as error:
            if self._refusal.begins(str(error)):
                LOG.warning(
                    "cannot watch %s (%s): changes in it are seen within minutes; the kernel's"
                    " limit is fs.inotify.max_user_watches",
                    directory,
                    error,
                )
            return
        self._refusal.ends()
        self._by_number[number] = directory
        self._numbers[directory] = number

    def watches(self, directory: Path) -> bool:
        """Whether it is watched: the kernel may refuse it, and it ends with the directory."""
        return directory in self._numbers

    def unwatch(self, directory: Path) -> None:
        """Watch it no longer; it may be gone."""
        number = self._numbers.pop(directory, None)
        if number is not None:
            del self._by_number[number]
            try:
                self._inotify.rm_watch(number)
            except OSError:
                return  # it went with its directory

    def changed(self) -> Iterable[Path]:
        """What may have changed since this was asked last: files, or whole directories.

        Names that begin with a dot are left out.
        """
        found = set()
        for event in self._inotify.read(timeout=0):
            if event.mask & flags.Q_OVERFLOW:
                return set(self._numbers)
            directory = self._by_number.get(event.wd)
            if directory is None or event.name.startswith("."):
                continue
            found.add(directory / event.name if event.name else directory)
            if event.mask & flags.MOVE_SELF and self._numbers.get(directory) == event.wd:
                self.unwatch(directory)  # the name is another one's now, or nobody's
            elif event.mask & flags.IGNORED:
                del self._by_number[event.wd]
                if self._numbers.get(directory) == event.wd:
                    del self._numbers[directory]  # else it is there again, and watched
        return found

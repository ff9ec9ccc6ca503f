"""Waits until something is written into files, by the kernel's inotify."""

import contextlib
import logging
import os
import select
import threading
import time
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Final

from inotify_simple import INotify, flags

from ipam.trouble import Trouble

LOG = logging.getLogger(__name__)

GATHER_SECONDS: Final = 0.02
"""What is written meanwhile is told together."""
UNWATCHED_MILLISECONDS: Final = 1000


class LogWatch:
    """The files by names that the caller gives them. One thread waits, any does the rest."""

    def __init__(self) -> None:
        self._inotify = INotify()
        self._woken = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._poll = select.poll()
        for descriptor in (self._inotify.fileno(), self._woken):
            self._poll.register(descriptor, select.POLLIN)
        self._lock = threading.Lock()
        self._names: dict[int, str] = {}
        self._numbers: dict[str, int] = {}
        self._unwatched: set[str] = set()
        self._due: set[str] = set()
        self._refusal = Trouble()
        self._is_stopped = False

    def watch(self, name: str, path: Path) -> None:
        """From now on tell of the file, and once of what is in it already."""
        with self._lock:
            try:
                number = int(self._inotify.add_watch(path, flags.MODIFY))
            except OSError as error:
                self._unwatched.add(name)
                self._warn(path, error)
            else:
                self._names[number] = name
                self._numbers[name] = number
                self._unwatched.discard(name)
                if not self._unwatched:
                    self._refusal.ends()
        self.tell_again(name)

    def unwatch(self, name: str) -> None:
        """Tell of it no longer; it may be gone."""
        with self._lock:
            self._unwatched.discard(name)
            if (number := self._numbers.pop(name, None)) is not None:
                self._names.pop(number, None)
                with contextlib.suppress(OSError):  # it went with its file
                    self._inotify.rm_watch(number)

    def tell_again(self, name: str) -> None:
        """There is more in the file than was read."""
        with self._lock:
            self._due.add(name)
        os.eventfd_write(self._woken, 1)

    def stop(self) -> None:
        """End `wait`, for ever."""
        self._is_stopped = True
        os.eventfd_write(self._woken, 1)

    def close(self) -> None:
        """Close it, when nobody waits."""
        self._inotify.close()
        os.close(self._woken)

    def wait(self) -> AbstractSet[str] | None:
        """Wait for something written. Gives the names of the files; None after `stop`."""
        self._poll.poll(UNWATCHED_MILLISECONDS if self._unwatched else None)
        time.sleep(GATHER_SECONDS)
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._woken)
        if self._is_stopped:
            return None
        events = self._inotify.read(timeout=0)
        with self._lock:
            found, self._due = self._due, set()
            found |= self._unwatched
            for event in events:
                if event.mask & flags.Q_OVERFLOW:
                    return {*self._numbers, *self._unwatched}
                if event.wd in self._names:
                    found.add(self._names[event.wd])
        return found

    def _warn(self, path: Path, error: OSError) -> None:
        if self._refusal.begins(str(error)):
            LOG.warning(
                "cannot watch %s (%s): it is read each second; the kernel's limit is"
                " fs.inotify.max_user_watches",
                path,
                error,
            )

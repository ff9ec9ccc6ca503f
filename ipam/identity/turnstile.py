"""Bounds how many threads do something dear at once, so that others remain for other requests."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Final

from ipam.errors import TooManyLogins

WAIT_SECONDS: Final = 1.0


class Turnstile:
    """Lets `at_once` threads through. Up to `most_waiting` others wait, for WAIT_SECONDS."""

    def __init__(self, at_once: int, most_waiting: int) -> None:
        self._slots = threading.BoundedSemaphore(at_once)
        self._places = threading.BoundedSemaphore(at_once + most_waiting)

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """Be one of those let through within the block. Raises TooManyLogins."""
        if not self._places.acquire(blocking=False):
            raise TooManyLogins
        try:
            if not self._slots.acquire(timeout=WAIT_SECONDS):
                raise TooManyLogins
            with _released(self._slots):
                yield
        finally:
            self._places.release()

    @contextlib.contextmanager
    def one_who_may_wait(self) -> Iterator[None]:
        """Be one of those let through, however many wait."""
        self._slots.acquire()
        with _released(self._slots):
            yield


@contextlib.contextmanager
def _released(slots: threading.Semaphore) -> Iterator[None]:
    try:
        yield
    finally:
        slots.release()

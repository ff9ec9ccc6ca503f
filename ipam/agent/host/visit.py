"""A stay in a network namespace: a thread inside, with a connection to the kernel there.

Each thread has a namespace of its own. To enter one and connect takes a millisecond of CPU, so all
that is to be done in one is done in one stay.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from pyroute2 import IPRoute, netns

T = TypeVar("T")


class Visit:
    """Not thread-safe. The namespace lives at least as long as the visit."""

    def __init__(self, name: str) -> None:
        """Raises OSError if there is no such namespace."""
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="namespace")
        try:
            self._route = self._thread.submit(_enter, name).result()
        except BaseException:
            self._thread.shutdown()
            raise

    def call(self, work: Callable[[Any], T]) -> T:
        """The result of `work`, called inside with the connection."""
        return self._thread.submit(work, self._route).result()

    def end(self) -> None:
        """Leave the namespace."""
        self._thread.submit(self._route.close).result()
        self._thread.shutdown()


def _enter(name: str) -> IPRoute:
    netns.setns(name, flags=0)
    return IPRoute()

"""The queue of requests that wait for a thread: origins take turns."""

from collections import deque
from collections.abc import Hashable
from typing import Protocol


class Task(Protocol):
    """What waits: whoever sends many requests has one origin for all."""

    origin: Hashable


class FairQueue:
    """The part of a deque that waitress's dispatcher uses. The dispatcher locks it.

    Whoever sends a thousand requests waits for them; another's next request waits for at most one
    of them.
    """

    def __init__(self) -> None:
        self._waiting: dict[Hashable, deque[Task]] = {}
        self._length = 0

    def append(self, task: Task) -> None:
        """Add a task behind the others of its origin."""
        self._waiting.setdefault(task.origin, deque()).append(task)
        self._length += 1

    def popleft(self) -> Task:
        """The first task of the origin whose turn it is. Raises IndexError if there is none."""
        if not self._waiting:
            raise IndexError("no task waits")
        origin = next(iter(self._waiting))
        tasks = self._waiting.pop(origin)
        if len(tasks) > 1:
            self._waiting[origin] = tasks  # behind all others
        self._length -= 1
        return tasks.popleft()

    def __len__(self) -> int:
        return self._length

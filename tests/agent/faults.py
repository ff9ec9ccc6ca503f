"""Says which steps of the doubles fail."""

import errno
import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator


class Killed(BaseException):
    """The agent ends here: not one of its own lines runs any more."""


class Faults:
    """Says of each step of a double whether it fails."""

    def __init__(self) -> None:
        self._times: Counter[str] = Counter()
        self._chances: Iterator[bool] = iter(())
        self._steps_left = math.inf
        self.tried: Counter[str] = Counter()

    def fail(self, step: str, times: int = 1_000_000) -> None:
        """The step of this name fails from now on, so many times."""
        self._times[step] = times

    def chances(self, chances: Iterable[bool]) -> None:
        """Whether each of the next steps fails, in their order; those after them do not."""
        self._chances = iter(chances)

    def kill_after(self, steps: int) -> None:
        """So many steps are made, and the agent is killed before the next."""
        self._steps_left = steps

    def end(self) -> None:
        """Nothing fails any more."""
        self._steps_left = math.inf
        self._times.clear()
        self._chances = iter(())

    def step(self, name: str) -> None:
        """Called by a double before the step. Raises OSError if it fails, and Killed."""
        if self._steps_left <= 0:
            raise Killed(name)
        self._steps_left -= 1
        self.tried[name] += 1
        if self._times[name] > 0:
            self._times[name] -= 1
        elif not next(self._chances, False):
            return
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), name)

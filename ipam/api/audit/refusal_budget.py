"""Decides which refusals are recorded one by one, so that a flood cannot fill the database."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

WINDOW_SECONDS: Final = 60
NAMES_MAX: Final = 100
OTHERS: Final = "others"


class RefusalBudget:
    """So many refusals a minute, at most half of them of one sender. The others are counted."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._per_sender = (per_minute + 1) // 2
        self._clock = clock
        self._lock = threading.Lock()
        self._window = 0
        self._admitted: Counter[str] = Counter()
        self._missed: Counter[str] = Counter()

    def admits(self, sender: str) -> bool:
        """Whether this refusal is recorded. If not, it is counted."""
        with self._lock:
            window = int(self._clock() // WINDOW_SECONDS)
            if window != self._window:
                self._window = window
                self._admitted.clear()
            if self._admitted.total() < self._per_minute and (
                self._admitted[sender] < self._per_sender
            ):
                self._admitted[sender] += 1
                return True
            known = sender in self._missed or len(self._missed) < NAMES_MAX
            self._missed[sender if known else OTHERS] += 1
            return False

    def take_missed(self) -> Mapping[str, int]:
        """How many refusals of each sender were not recorded since this was last asked."""
        with self._lock:
            missed, self._missed = self._missed, Counter()
        return missed

    def give_back(self, missed: Mapping[str, int]) -> None:
        """Count these again: they could not be recorded."""
        with self._lock:
            self._missed.update(missed)

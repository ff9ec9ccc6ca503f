"""Bounds the lines that refused requests write to the log."""

import threading
import time
from collections.abc import Callable
from typing import Final

LINES: Final = 60
PERIOD_SECONDS: Final = 60.0


class LineBudget:
    """LINES in each PERIOD_SECONDS. Threads may share it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._ends_at = clock() + PERIOD_SECONDS
        self._used = 0

    def take(self) -> tuple[bool, int]:
        """Whether a line may be written, and how many were left out in the period before."""
        with self._lock:
            left_out = 0
            now = self._clock()
            if now >= self._ends_at:
                left_out = max(0, self._used - LINES)
                self._ends_at, self._used = now + PERIOD_SECONDS, 0
            self._used += 1
            return self._used <= LINES, left_out

"""Bounds the lines that refused requests write to the log."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

LOG = logging.getLogger(__name__)

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


def log_hidden(lines: LineBudget, caller: object, what: str, rule: str) -> None:
    """Log what was there and not for this caller to know, if there are not too many such lines.

    The answer says that there is no such thing, so this line alone tells an administrator.
    """
    is_allowed, left_out = lines.take()
    if left_out:
        LOG.warning("%d more things were hidden, and not logged one by one", left_out)
    if is_allowed:
        LOG.warning("hidden from %s: %s: rule:%s", caller, what, rule)

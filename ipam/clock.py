"""The wall clock, as whole numbers since the epoch."""

import time
from typing import Final

SECONDS_PER_DAY: Final = 86_400


def now_seconds() -> int:
    """The time in seconds."""
    return int(time.time())


def now_microseconds() -> int:
    """The time in microseconds."""
    return time.time_ns() // 1000

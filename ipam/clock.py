"""The wall clock, as whole numbers since the epoch."""

import time


def now_seconds() -> int:
    """In seconds."""
    return int(time.time())


def now_microseconds() -> int:
    """In microseconds."""
    return time.time_ns() // 1000

"""Says on standard error how far a benchmark is, and lets one be cut short."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_STARTED = time.monotonic()


def say(what: str) -> None:
    """One line with the seconds since the start."""
    print(f"{time.monotonic() - _STARTED:6.1f} s  {what}", file=sys.stderr, flush=True)


@contextmanager
def interruptible(seconds: float | None) -> Iterator[None]:
    """End the block quietly at SIGINT, SIGTERM, or after so many seconds."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, seconds or 0)
    try:
        yield
    except KeyboardInterrupt:
        say("interrupted: the figures are incomplete")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)

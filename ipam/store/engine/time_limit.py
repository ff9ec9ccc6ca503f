"""How long the work of one request may take, and whether anybody still waits for its answer."""

import time
from collections.abc import Callable
from contextvars import ContextVar

from msgspec import Struct

from ipam.errors import ClientGone, TimeLimitExceeded


class TimeLimit(Struct, frozen=True):
    """The limit of one request. Transactions look at it before each statement and at the end."""

    seconds: float
    ends_at: float
    """By `time.monotonic`."""
    is_gone: Callable[[], bool] | None
    """Whether the client has closed its connection; None where nobody can tell."""

    def is_over(self) -> bool:
        """Whether work for this request is in vain."""
        return time.monotonic() >= self.ends_at or bool(self.is_gone and self.is_gone())

    def check(self) -> None:
        """Raise ClientGone or TimeLimitExceeded if work is in vain."""
        if self.is_gone is not None and self.is_gone():
            raise ClientGone("The client has closed its connection.")
        if time.monotonic() >= self.ends_at:
            raise TimeLimitExceeded(
                f"The request took longer than {self.seconds:g} s, and nothing of it was done."
            )


_LIMIT: ContextVar[TimeLimit | None] = ContextVar("ipam_time_limit", default=None)


def limit_work(limit: TimeLimit | None) -> None:
    """Hold every later transaction of this thread to this limit; None ends it."""
    _LIMIT.set(limit)


def current() -> TimeLimit | None:
    """The limit of this thread's transactions."""
    return _LIMIT.get()

"""How long a connection may let the server wait, and which one gives way when a door is full.

A connection waits for its client while it is idle, while a request arrives, and while an answer is
not read. It does not while a thread works on its request.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Final, NamedTuple, Protocol, TypeVar

IDLE_SECONDS: Final = 120.0
"""Agents and Nova keep connections for their next request."""
REQUEST_SECONDS: Final = 30.0
"""Head and body of a request arrive within this time of its first byte. A body has at most
[api] max_body_bytes, 1 MiB by default."""
ANSWER_SECONDS: Final = 30.0
ANSWER_BYTES: Final = 32 * 1024
"""A client takes so much of its answer in each ANSWER_SECONDS, or the rest of it."""


class Reading(NamedTuple):
    """How much a client had read of its answers at a time."""

    at: float
    sent_bytes: int


class Waiting(Protocol):
    """What this module asks of a connection."""

    origin: Hashable
    """Connections with the same one share a fate: an address, or a local user."""

    @property
    def waits_since(self) -> float | None:
        """Since when it waits for its client; None while a thread works for it."""


Connection = TypeVar("Connection", bound=Waiting)


def who_gives_way(connections: Sequence[Connection]) -> Connection:
    """The one to close of too many connections, the newest of which is the last.

    It is of the origin with the most: the one that has waited longest, or, if a thread works for
    each of them, the newest.
    """
    numbers = Counter(each.origin for each in connections)
    most = max(numbers.values())
    candidates = [each for each in connections if numbers[each.origin] == most]
    waiting = [(each.waits_since, number) for number, each in enumerate(candidates)]
    times = [(since, number) for since, number in waiting if since is not None]
    return candidates[min(times)[1] if times else -1]


def is_overdue(waits_since: float, now: float, *, has_begun: bool) -> bool:
    """Whether an idle connection, or one whose request has begun to arrive, waited too long."""
    return now - waits_since > (REQUEST_SECONDS if has_begun else IDLE_SECONDS)


def is_window_over(before: Reading, now: Reading) -> bool:
    """Whether it is time to judge how fast a client reads its answer."""
    return now.at - before.at >= ANSWER_SECONDS


def is_too_slow(before: Reading, now: Reading) -> bool:
    """Whether a client that has not read its whole answer reads too slowly."""
    return is_window_over(before, now) and now.sent_bytes - before.sent_bytes < ANSWER_BYTES

"""Remembers what failed, and when it may be tried again. Pure."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ipam.backoff import Backoff


@dataclass(frozen=True, slots=True)
class _Failure:
    again_at: float
    times: int
    sentence: str


class Retries:
    """Failures by key. The delay grows with each failure of a key. `now` is monotonic."""

    def __init__(self, first_seconds: float, longest_seconds: float) -> None:
        self._backoff = Backoff(first_seconds, longest_seconds)
        self._failures: dict[str, _Failure] = {}

    @property
    def troubles(self) -> Mapping[str, str]:
        """What went wrong, by key. Any thread may call it."""
        return {key: failure.sentence for key, failure in self._failures.copy().items()}

    def failed(self, key: str, sentence: str, now: float) -> float:
        """Note a failure. Gives the seconds until the next attempt."""
        before = self._failures.get(key)
        times = before.times + 1 if before else 1
        delay = self._backoff.seconds(times)
        self._failures[key] = _Failure(now + delay, times, sentence)
        return delay

    def succeeded(self, key: str) -> None:
        """Forget the failures of the key."""
        self._failures.pop(key, None)

    def forget(self, prefix: str) -> None:
        """Forget the failures of all keys that begin so."""
        self._failures = {k: one for k, one in self._failures.items() if not k.startswith(prefix)}

    def times(self, key: str) -> int:
        """How often the key has failed in a row."""
        failure = self._failures.get(key)
        return failure.times if failure else 0

    def seconds_left(self, key: str, now: float) -> float:
        """The seconds until the key may be tried; 0 if it may be tried."""
        failure = self._failures.get(key)
        return max(0.0, failure.again_at - now) if failure else 0.0

    def soonest(self, now: float) -> float:
        """The seconds until the first key may be tried; infinite if nothing failed."""
        return min((self.seconds_left(key, now) for key in self._failures), default=math.inf)

    def keep(self, keys: Collection[str], *, among: Collection[str] | None = None) -> None:
        """Forget all keys except these; with `among`, none but of those."""
        self._failures = {
            key: one
            for key, one in self._failures.items()
            if key in keys or (among is not None and key not in among)
        }

    def forget_due(self, now: float) -> None:
        """Forget the keys that may be tried again, with their delays."""
        self._failures = {key: one for key, one in self._failures.items() if one.again_at > now}

"""What failed, and when it may be tried again. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Failure:
    again_at: float
    delay_seconds: float
    sentence: str


class Retries:
    """Failures by key; the delay doubles from the first to the longest. `now` is monotonic."""

    def __init__(self, first_seconds: float, longest_seconds: float) -> None:
        self._first_seconds = first_seconds
        self._longest_seconds = longest_seconds
        self._failures: dict[str, _Failure] = {}

    @property
    def troubles(self) -> Mapping[str, str]:
        """What went wrong, by key."""
        return {key: failure.sentence for key, failure in self._failures.items()}

    def failed(self, key: str, sentence: str, now: float) -> float:
        """Note a failure; gives the seconds until the next try."""
        before = self._failures.get(key)
        doubled = before.delay_seconds * 2 if before else self._first_seconds
        delay = min(doubled, self._longest_seconds)
        self._failures[key] = _Failure(now + delay, delay, sentence)
        return delay

    def succeeded(self, key: str) -> None:
        """Forget what failed before."""
        self._failures.pop(key, None)

    def seconds_left(self, key: str, now: float) -> float:
        """How long to leave it alone; 0 where it may be tried."""
        failure = self._failures.get(key)
        return max(0.0, failure.again_at - now) if failure else 0.0

    def forget_due(self, now: float) -> None:
        """Forget what may be tried again, with its delay."""
        self._failures = {key: one for key, one in self._failures.items() if one.again_at > now}

"""How long to wait before the next attempt: twice as long after each failure, up to a bound."""

import random
from dataclasses import dataclass

MOST_DOUBLINGS = 64
"""Far more than any bound in use needs. It keeps the power of two within a float's range."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """The waits between the attempts of one task."""

    first_seconds: float
    longest_seconds: float

    def seconds(self, failures: int) -> float:
        """The wait after so many failures in a row, 1 or more."""
        doublings = min(failures - 1, MOST_DOUBLINGS)
        return min(self.first_seconds * 2.0**doublings, self.longest_seconds)

    def random_seconds(self, failures: int) -> float:
        """A random part of that wait, so that tasks that failed together do not retry together."""
        return random.uniform(0, self.seconds(failures))  # noqa: S311  # no secret

"""Counts how often the allocator needed more than one insert, for operators to watch."""

from dataclasses import dataclass, field
from threading import Lock


@dataclass(slots=True)
class Counters:
    """Counts since the process started."""

    refills: int = 0
    """Searches for candidates, of about ten statements each."""
    collisions: int = 0
    """Candidates that turned out to be taken."""
    exhaustions: int = 0
    """Allocations that found no address left."""
    _lock: Lock = field(default_factory=Lock)

    def refilled(self) -> None:
        with self._lock:
            self.refills += 1

    def collided(self) -> None:
        with self._lock:
            self.collisions += 1

    def exhausted(self) -> None:
        with self._lock:
            self.exhaustions += 1

"""What an attack has met so far. Its processes send what is new; their parent adds it up."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

MOST_FAULTS: Final = 200
"""How many are kept with how to find them again; the rest is counted."""


class Fault(Struct):
    """One answer that a service must not give."""

    what: str
    kind: str
    answer: str
    again: str
    """How to send it again: a number, or a command."""


class Tally(Struct):
    """Counts of requests and answers."""

    sent: int = 0
    statuses: dict[str, int] = {}
    kinds: dict[str, int] = {}
    asked_to_come_back: int = 0
    wrong: dict[str, int] = {}
    """Faults by what is wrong."""
    faults: list[Fault] = []
    slowest_seconds: float = 0.0
    slowest: str = ""

    def add(self, other: "Tally") -> None:
        """Take in what another process has met."""
        self.sent += other.sent
        _add(self.statuses, other.statuses)
        _add(self.kinds, other.kinds)
        _add(self.wrong, other.wrong)
        self.asked_to_come_back += other.asked_to_come_back
        self.faults = [*self.faults, *other.faults][:MOST_FAULTS]
        if other.slowest_seconds > self.slowest_seconds:
            self.slowest_seconds, self.slowest = other.slowest_seconds, other.slowest

    def count(self, kind: str, status: int, seconds: float, again: str) -> None:
        """One more request that was answered, or not (status 0)."""
        self.sent += 1
        _add(self.kinds, {kind: 1})
        _add(self.statuses, {str(status): 1})
        if seconds > self.slowest_seconds:
            self.slowest_seconds, self.slowest = seconds, again

    def accuse(self, fault: Fault) -> None:
        """One more fault."""
        _add(self.wrong, {fault.what: 1})
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(fault)


def _add(counts: dict[str, int], more: Mapping[str, int]) -> None:
    for name, count in more.items():
        counts[name] = counts.get(name, 0) + count

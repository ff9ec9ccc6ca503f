"""What an attack found, and which of it a service must not allow."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from ipam.api.serving.patience import IDLE_SECONDS, REQUEST_SECONDS
from tests.hostile.log_reading import LogReport
from tests.hostile.slow_clients import SlowReport
from tests.hostile.tally import Fault, Tally

TIMES_SLOWER: Final = 5.0
"""A bystander's p99 may be so many times what it is without an attack."""
TIMES_LARGER: Final = 1.2
"""So much of its memory the service may hold after the attack."""


class Waits(Struct):
    """How long a bystander's answers took, in milliseconds."""

    answers: int
    p50_ms: float
    p99_ms: float
    worst_ms: float


class Report(Struct):
    """What an attack found."""

    database: str
    seconds: float
    tally: Tally
    log: LogReport
    slow: SlowReport
    memory_mb: dict[str, float]
    quiet: dict[str, Waits]
    attacked: dict[str, Waits]
    bystanders_failed: list[str]
    afterwards: str
    """What the service does not do after the attack; empty if it does all."""

    @property
    def times_slower(self) -> float:
        """The worst of the bystanders' p99, to what it was before."""
        doors = self.quiet.keys() & self.attacked.keys()
        return max(
            (self.attacked[d].p99_ms / max(self.quiet[d].p99_ms, 0.1) for d in doors), default=0
        )

    @property
    def times_larger(self) -> float:
        return self.memory_mb["after"] / self.memory_mb["before"]


def waits(seconds: list[float]) -> Waits:
    """The quantiles of these times."""
    ordered = sorted(seconds) or [0.0]

    def at(fraction: float) -> float:
        return round(ordered[min(int(len(ordered) * fraction), len(ordered) - 1)] * 1_000, 1)

    return Waits(len(seconds), at(0.5), at(0.99), round(ordered[-1] * 1_000, 1))


def described(fault: Fault) -> str:
    """The fault, and how to send its request again."""
    return f"{fault.what} ({fault.kind}): {fault.answer} | again: {fault.again}"


def wrong_answers(report: Report) -> Iterator[str]:
    """What is wrong on a machine of any speed."""
    for fault in report.tally.faults:
        yield described(fault)
    if report.log.tracebacks or report.log.forged:
        counts = f"{report.log.tracebacks} tracebacks, {report.log.forged} lines forged"
        yield f"log: {counts}: {' '.join(report.log.shown)}"
    yield from (f"bystander: {failure}" for failure in report.bystanders_failed)
    if report.afterwards:
        yield f"after the attack: {report.afterwards}"


def too_much(report: Report) -> Iterator[str]:
    """What took more time or memory than is promised."""
    if report.times_slower > TIMES_SLOWER:
        yield f"a bystander's p99 is {report.times_slower:.1f} times as long"
    if report.times_larger > TIMES_LARGER:
        yield f"memory after the attack is {report.times_larger:.2f} times as much"
    if report.slow.longest_seconds > IDLE_SECONDS + REQUEST_SECONDS:
        yield f"a slow client was kept for {report.slow.longest_seconds:.0f} s"

"""Decides when names are sent again, and how many of a zone are sent at once. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from ipam.backoff import Backoff
from ipam.store.dns_changes import Claimed

BATCH_NAMES: Final = 100
TOGETHER: Final = 50
"""So many names are tried in one message, of 10 KiB or so. It saves 49 of 50 round trips when many
ports are made or deleted at once."""
BATCH_SECONDS: Final = 20.0
"""A batch that takes longer is cut off, so that no other worker gets its names meanwhile."""

OF_ZONE: Final = Backoff(0.5, 30.0)
OF_REFUSED_NAME: Final = Backoff(0.5, 60.0)
"""A name that was not taken makes room for the others: it may be the only one."""
OF_FOREIGN_NAME: Final = Backoff(30.0, 600.0)


@dataclass(frozen=True, slots=True)
class Pace:
    """How a zone's server has answered lately."""

    failures: int = 0
    """Batches in a row that failed as a whole."""
    not_before: float = 0.0
    """On the clock of the caller."""

    @property
    def limit(self) -> int:
        """The size of the next batch: a single name while the server fails."""
        return 1 if self.failures else BATCH_NAMES

    def failed(self, now: float) -> "Pace":
        """The pace after a failure."""
        failures = self.failures + 1
        return Pace(failures, now + OF_ZONE.seconds(failures))


def hold_seconds(timeout: float) -> float:
    """How long a claim keeps other workers away: for a batch, and the messages of a last name."""
    return BATCH_SECONDS + 4 * timeout


@dataclass(slots=True)
class Outcome:
    """What became of the names of a batch."""

    done: list[Claimed] = field(default_factory=list)
    foreign: list[Claimed] = field(default_factory=list)
    """Somebody else has them."""
    refused: Claimed | None = None
    """The batch ended with this one."""
    why: str = ""
    left: Sequence[Claimed] = ()
    """They were not tried."""


def waits(outcome: Outcome, zone: str) -> Iterator[tuple[Claimed, float, str]]:
    """The names that are to be sent again, each with seconds until then and why."""
    for each in outcome.foreign:
        yield each, OF_FOREIGN_NAME.seconds(each.attempts), kept(each.name, zone)
    if outcome.refused is not None:
        wait = OF_REFUSED_NAME.seconds(outcome.refused.attempts)
        yield outcome.refused, wait, outcome.why
    for each in outcome.left:
        yield each, 0.0, outcome.why or each.last_error


def kept(name: str, zone: str) -> str:
    """What is said of a name that somebody else has."""
    return (
        f"{name} has records in {zone} that this service did not make. They stay, and the port is"
        " not published until they are gone."
    )

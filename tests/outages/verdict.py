"""Compares what machines hold with what is recorded of it. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.outages.fleet import Holding

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What the records say otherwise than the machines."""

    lost: Sequence[Holding]
    """Held, and not recorded with MAC address and host."""
    invented: Sequence[Holding]
    """Recorded, and held by nobody, as dnsmasq knows, too: a lost release is told to nobody."""
    holes: Sequence[str]
    """Begins and ends that no event tells, by a hook or found."""
    stuck: str = ""
    """What waits still."""

    def __bool__(self) -> bool:
        return bool(self.lost or self.invented or self.holes or self.stuck)


def judge(
    *,
    held: Collection[Holding],
    begun: Collection[Holding],
    ended: Collection[Holding],
    served: Collection[Holding],
    leases: Sequence[Json],
    events: Sequence[Json],
    host: str,
    stuck: str = "",
) -> Verdict:
    """`served` is what dnsmasq's own file has."""
    recorded = {_holding(one) for one in leases if one["host"] == host}
    begins = {_holding(one) for one in events if one["action"] in ("add", "old")}
    ends = {_holding(one) for one in events if one["action"] in ("del", "missed")}
    over = {one for one in ended if one not in served and one not in held}
    return Verdict(
        sorted(set(held) - recorded),
        sorted(recorded - set(held) - set(served)),
        [f"begin of {one}" for one in sorted(set(begun) - begins)]
        + [f"end of {one}" for one in sorted(over - ends)],
        stuck,
    )


def _holding(one: Json) -> Holding:
    return one["ip_address"], one["mac_address"]

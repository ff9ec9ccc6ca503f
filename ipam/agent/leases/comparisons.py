"""Decides when a difference between held and recorded leases is one that no hook will report.

dnsmasq drops events: when it or its helper is killed, when its queue is full, when the disk is. A
hook may also only be late, so a difference has to last.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ipam.agent.leases.differences import Difference
from ipam.agent.state import Lease

QUIET_SECONDS: Final = 3.0
"""A hook takes 10 ms and hooks run one after the other, so in a storm something always comes."""
LONGEST_SECONDS: Final = 10.0
"""Each SIGHUP has every lease reported again. What is new stands behind hundreds of those."""


@dataclass(slots=True)
class _Looked:
    held: Sequence[Lease]
    changes: int
    quiet_since: float
    lasting: dict[Difference, float] = field(default_factory=dict)
    """Since when each difference is there."""


class Comparisons:
    """What was seen of each network, and when. Not thread-safe."""

    def __init__(self) -> None:
        self._looked: dict[str, _Looked] = {}

    def is_news(self, network_id: str, held: Sequence[Lease], changes: int) -> bool:
        """Whether there is something to compare: `held` is the same object while nothing changes.

        `changes` counts the events that were recorded.
        """
        before = self._looked.get(network_id)
        return (
            before is None
            or before.held is not held
            or before.changes != changes
            or bool(before.lasting)
        )

    def due(
        self,
        network_id: str,
        held: Sequence[Lease],
        found: Iterable[Difference],
        changes: int,
        now: float,
    ) -> tuple[list[Difference], float]:
        """Those differences that have lasted, and the seconds until another has."""
        before = self._looked.get(network_id)
        is_quiet = before is not None and before.changes == changes
        looked = _Looked(held, changes, before.quiet_since if before and is_quiet else now)
        lasting = before.lasting if before else {}
        due, wait = [], math.inf
        for one in found:
            since = looked.lasting[one] = lasting.get(one, now)
            at = min(max(since, looked.quiet_since) + QUIET_SECONDS, since + LONGEST_SECONDS)
            if at <= now:
                due.append(one)
            else:
                wait = min(wait, at - now)
        self._looked[network_id] = looked
        return due, wait

    def forget(self, network_id: str) -> None:
        """Nothing of the network is left."""
        self._looked.pop(network_id, None)

"""Decides what a turn looks at: networks that have just changed before all of the host.

A look at hundreds of networks takes longer than giving a new port its DHCP.
"""

import math
from collections.abc import Mapping
from typing import Final

from ipam.protocol.dhcp_state import FullNetwork

MOST: Final = 16
"""If more networks have changed, a look at all is no great part of the work."""
LONGEST_SECONDS: Final = 0.5
"""For so long at most all of the host waits, whatever changes meanwhile."""
BEFORE_ALL_SECONDS: Final = 0.02
"""Before the look at all, so that the API is told of the ports first."""


class Focus:
    """What turns look at first, and for how long. Not thread-safe."""

    def __init__(self) -> None:
        self._changed: frozenset[str] = frozenset()
        self._until = -math.inf
        """When all is due; it is so at first. `inf` after a look at all."""

    def change(
        self, before: Mapping[str, FullNetwork], after: Mapping[str, FullNetwork], now: float
    ) -> None:
        """Look first at the networks that are other objects after than before.

        At all at once if a network is new or gone, or if many have changed.
        """
        changed = {key for key, row in after.items() if before.get(key) is not row}
        changed |= self._changed
        if before.keys() != after.keys() or len(changed) > MOST:
            self._changed, self._until = frozenset(), -math.inf
        elif changed:
            self._changed, self._until = (
                frozenset(changed),
                min(self._until, now + LONGEST_SECONDS),
            )

    def networks(self, now: float) -> frozenset[str]:
        """The networks to look at in this turn; none if it is to look at all."""
        return self._changed if now < self._until else frozenset()

    def looked(self, networks: frozenset[str], *, acted: bool) -> float:
        """Note that a turn looked at these, or at all. Gives the most seconds until the next."""
        if not networks:
            self._changed, self._until = frozenset(), math.inf
            return math.inf
        if not acted:
            self._changed = frozenset()
        return BEFORE_ALL_SECONDS

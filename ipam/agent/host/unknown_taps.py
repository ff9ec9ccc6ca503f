"""Decides when to ask the API about a tap of no known port. Pure.

A hypervisor binds the port before it plugs the tap, so the first question usually has its answer.
A few more are for software that plugs first. After that the tap is taken for somebody else's.
"""

import math
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from ipam.agent.host.raw_netlink import Link

ASK_AFTER_SECONDS = (0.0, 0.2, 0.5, 1.0)
"""When to ask, in seconds after the tap was first seen."""

_TAP = re.compile(r"tap[0-9a-f]{8}-[0-9a-f]{2}")
"""The names that `model.tap_name` makes. Other software uses other names."""


class UnknownTaps:
    """When each tap was first seen, and how often the API was asked about it."""

    def __init__(self) -> None:
        self._asked: dict[int, tuple[float, int]] = {}
        self._known: AbstractSet[str] = frozenset()

    def look(
        self, links: Mapping[str, Link], known: AbstractSet[str], now: float
    ) -> tuple[bool, float]:
        """Whether to ask, and after how many seconds to look again. The links are by name.

        A tap that was known before is not asked about: it waits to be unplugged.
        """
        before, self._asked = self._asked, {}
        for name in links.keys() & (self._known - known):
            before[links[name].index] = (now, len(ASK_AFTER_SECONDS))
        self._known = known
        ask, wait = False, math.inf
        for name in filter(_TAP.fullmatch, links.keys() - known):
            index = links[name].index
            since, times = before.get(index, (now, 0))
            if times == len(ASK_AFTER_SECONDS):
                self._asked[index] = (since, times)
                continue
            due = sum(since + delay <= now for delay in ASK_AFTER_SECONDS)
            ask |= due > times
            self._asked[index] = (since, max(due, times))
            if max(due, times) < len(ASK_AFTER_SECONDS):
                wait = min(wait, since + ASK_AFTER_SECONDS[due] - now)
        return ask, wait

"""When to ask the API because of a tap that belongs to no port the agent knows. Pure.

A hypervisor binds the port before it plugs the tap, so the first question usually has its answer.
A few more are for who does it the other way round; then the tap is somebody else's.
"""

import math
import re
from collections.abc import Collection, Iterable

from ipam.agent.host.raw_netlink import Link

ASK_AFTER_SECONDS = (0.0, 0.2, 0.5, 1.0)
"""After the tap was first seen."""

_TAP = re.compile(r"tap[0-9a-f]{8}-[0-9a-f]{2}")
"""As `model.tap_name` makes it; other software has other names."""


class UnknownTaps:
    """Which taps were seen when, and how often the API was asked about each."""

    def __init__(self) -> None:
        self._asked: dict[int, tuple[float, int]] = {}

    def look(
        self, links: Iterable[Link], known: Collection[str], now: float
    ) -> tuple[bool, float]:
        """Whether to ask now, and after how many seconds to look again.

        A tap that was known once is asked about no more: it waits to be unplugged.
        """
        before, self._asked = self._asked, {}
        ask, wait = False, math.inf
        for link in links:
            if not _TAP.fullmatch(link.name):
                continue
            since, times = before.get(link.index, (now, 0))
            if link.name in known:
                times = len(ASK_AFTER_SECONDS)
            due = sum(since + delay <= now for delay in ASK_AFTER_SECONDS)
            ask |= due > times
            self._asked[link.index] = (since, max(due, times))
            if max(due, times) < len(ASK_AFTER_SECONDS):
                wait = min(wait, since + ASK_AFTER_SECONDS[due] - now)
        return ask, wait

"""Counts what the guard has dropped, and says which taps send too much. Pure."""

from collections.abc import Mapping

from ipam.agent.guard.table import DHCP_PACKETS_PER_SECOND
from ipam.agent.outside import Drops


class DropTotals:
    """Sums of counters that the kernel forgets an hour after a tap's last drop."""

    def __init__(self) -> None:
        self.spoofed = 0
        """Frames that their ports do not allow."""
        self.storms = 0
        """DHCP packets beyond the bound."""
        self.fenced = 0
        """DHCP packets and router advertisements that did not pass to or from another host."""
        self.troubles: Mapping[str, str] = {}
        """What is to be said of taps that have just sent too much, by tap."""
        self._before = Drops()

    def take(self, drops: Drops) -> None:
        """Count what is new in these."""
        before, self._before = self._before, drops
        self.spoofed += sum(_news(drops.spoofed, before.spoofed).values())
        self.fenced += sum(_news(drops.fenced, before.fenced).values())
        storms = _news(drops.storms, before.storms)
        self.storms += sum(storms.values())
        self.troubles = {
            tap: f"sends more than {DHCP_PACKETS_PER_SECOND} DHCP packets a second: {count} more"
            " were dropped."
            for tap, count in storms.items()
        }


def _news(now: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    """How much each has grown; one that was forgotten meanwhile counts from zero."""
    grown = {}
    for tap, count in now.items():
        known = before.get(tap, 0)
        grown[tap] = count - known if count >= known else count
    return {tap: count for tap, count in grown.items() if count}

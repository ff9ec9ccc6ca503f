"""Decides what this host's guard should be, from the ports and from the taps that are here.

A tap keeps its guard for as long as it is here, whatever the API says or fails to say. Only a port
of which the API says that it has no security is let free.
"""

import logging
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final

from ipam.agent.drift import guard_differences
from ipam.agent.guard.drops import DropTotals
from ipam.agent.guard.elements import TAPS, Guard, TapGuard
from ipam.agent.guard.opening import of_opening
from ipam.agent.outside import Kernel, PacketFilter
from ipam.agent.served import ServedNetwork
from ipam.agent.state import GuardState
from ipam.protocol.reports import GuardFacts
from ipam.trouble import Trouble

LOG = logging.getLogger(__name__)

COUNT_SECONDS: Final = 30.0
LIST_SECONDS: Final = 600.0


class Guards:
    """What the guard is, and what it should be. Not thread-safe, but for what it tells."""

    def __init__(
        self,
        packet_filter: PacketFilter,
        kernel: Kernel,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._filter = packet_filter
        self._kernel = kernel
        self._monotonic = monotonic
        self._wanted: Guard = {}
        self._last: Guard = {}
        self._equal: tuple[Guard | None, GuardState | None] = (None, None)
        self._seen: GuardState | None = None
        self._counted: tuple[GuardState | None, int] = (None, 0)
        self._totals = DropTotals()
        self._trouble = Trouble()
        self._count_at = 0.0
        self._list_at = monotonic() + LIST_SECONDS

    @property
    def troubles(self) -> Mapping[str, str]:
        """What taps do that they should not, by tap."""
        return self._totals.troubles

    @property
    def facts(self) -> GuardFacts:
        """What to tell the API."""
        seen, fault = self._seen, self._filter.fault
        if not fault and seen is not None and not seen.is_loaded:
            fault = "The rules are not in the kernel: see the agent's troubles or its log."
        totals = self._totals
        return GuardFacts(
            not fault,
            fault,
            self._count(seen),
            spoofed=totals.spoofed,
            storms=totals.storms,
            fenced=totals.fenced,
        )

    def _count(self, seen: GuardState | None) -> int:
        """How many taps are counted and bounded: asked at each poll, and there are thousands."""
        known, count = self._counted
        if seen is not known:
            now, before = seen.taps if seen else {}, known.taps if known else {}
            count += sum(TAPS in one for tap, one in now.items() if before.get(tap) is not one)
            count -= sum(TAPS in one for tap, one in before.items() if now.get(tap) is not one)
            self._counted = (seen, count)
        return count

    def want(self, served: Mapping[str, ServedNetwork]) -> None:
        """Guard the ports of these networks from now on."""
        wanted: dict[str, TapGuard] = {}
        for network in served.values():
            wanted.update(network.guards)
        self._wanted = wanted

    def look(self) -> GuardState | None:
        """The guard as it is; None on a host that has none."""
        try:
            before = self._filter.state(self._wanted)
            changed = self._filter.refresh()
            self._seen = after = self._filter.state(self._wanted)
        except OSError as error:
            if self._trouble.begins(str(error)):
                LOG.error("the guard cannot be listed: %s", error)  # noqa: TRY400  # it says it all
            self._seen = GuardState(is_loaded=False)
            return self._seen
        self._trouble.ends()
        if changed and before is not None and after is not None and before != after:
            what = guard_differences(before, after)
            LOG.warning("the guard was changed by hand, and is to be put right: %s", what)
        return after

    def desired(
        self,
        actual: GuardState | None,
        served: Mapping[str, ServedNetwork],
        held: Collection[str],
        openings: Guard,
    ) -> GuardState | None:
        """What the guard should be, where there is one; `openings` are those of DHCP ports."""
        if actual is None:
            return None
        unwanted = (self._last.keys() | actual.taps.keys()) - self._wanted.keys()
        staying = self._kernel.present_taps(unwanted)
        kept = {tap: self._last.get(tap) or actual.taps[tap] for tap in staying}
        for network_id in served.keys() & set(held):
            of_network = served[network_id].guards.keys()
            kept.update((tap, actual.taps[tap]) for tap in of_network & actual.taps.keys())
        kept = {tap: elements - of_opening(elements) for tap, elements in kept.items()}
        kept = {tap: elements for tap, elements in kept.items() if elements}
        self._last = {**self._wanted, **kept} if kept else self._wanted
        own = self._last
        with_ports = {tap: own.get(tap, frozenset()) | one for tap, one in openings.items()}
        return self._compared({**own, **with_ports} if with_ports else own, actual)

    def _compared(self, wanted: Guard, actual: GuardState) -> GuardState:
        """The wanted guard; if the actual one is equal, that one itself.

        So thousands of taps are compared when one of the two has changed, not in each turn.
        """
        known_wanted, known_actual = self._equal
        if wanted is known_wanted and actual is known_actual:
            return actual
        found = GuardState(wanted)
        if found != actual:
            return found
        self._equal = (wanted, actual)
        return actual

    def tidy(self) -> None:
        """From time to time: count what was dropped, and list all anew."""
        now = self._monotonic()
        if now >= self._list_at:
            self._list_at = now + LIST_SECONDS
            self._filter.look_again()
        if now >= self._count_at and self._seen is not None and self._seen.is_loaded:
            self._count_at = now + COUNT_SECONDS
            try:
                self._totals.take(self._filter.drops())
            except (OSError, ValueError) as error:
                LOG.debug("what the guard dropped cannot be counted: %s", error)

    def leave(self) -> None:
        """Leave no rules behind, if no tap is left."""
        seen = self.look()
        if seen is not None and seen.is_loaded and not self._kernel.present_taps(seen.taps):
            self._filter.remove()


def unguarded(wanted: GuardState | None, actual: GuardState | None) -> frozenset[str]:
    """The taps whose guard is not the wanted one."""
    if wanted is None or actual is None or wanted == actual:
        return frozenset()
    if not actual.is_loaded:
        return frozenset(wanted.taps)
    has = actual.taps
    other = [tap for tap, elements in wanted.taps.items() if has.get(tap) is not elements]
    return frozenset(tap for tap in other if has.get(tap) != wanted.taps[tap])

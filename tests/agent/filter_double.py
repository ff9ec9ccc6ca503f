"""The guard's rules in dictionaries: see ipam.agent.outside.PacketFilter."""

from collections.abc import Collection, Iterable

from ipam.agent.guard.elements import NOTHING, Element, Guard
from ipam.agent.outside import Drops
from ipam.agent.state import GuardState
from tests.agent.faults import Faults


class FilterDouble:
    """A kernel that takes the rules, and with `flush` and its like whoever else changes them."""

    fault = ""

    def __init__(self, faults: Faults | None = None) -> None:
        self.truth = GuardState(is_loaded=False)
        self.dropped = Drops()
        self.answering: dict[str, float] = {}
        self._faults = faults or Faults()
        self._seen: GuardState | None = None
        self._is_changed = False

    def refresh(self) -> bool:
        changed, self._is_changed = self._is_changed, False
        if changed:
            self._seen = None
        return changed

    def look_again(self) -> None:
        self._seen = None

    def state(self, _likely: Guard = NOTHING) -> GuardState:
        if self._seen is None:
            self._faults.step("list guard")
            self._seen = self.truth
        return self._seen

    def load(self, taps: Guard) -> None:
        self._faults.step("load guard")
        self._seen = self.truth = GuardState(dict(taps))

    def change(
        self, removed: Iterable[tuple[str, Element]], added: Iterable[tuple[str, Element]]
    ) -> None:
        self._faults.step("change guard")
        taps = {tap: set(elements) for tap, elements in self.truth.taps.items()}
        for tap, element in removed:
            taps[tap].remove(element)
        for tap, element in added:
            taps.setdefault(tap, set()).add(element)
        after = {tap: frozenset(elements) for tap, elements in taps.items() if elements}
        self._seen = self.truth = GuardState(after, self.truth.is_loaded)

    def answer(self, taps: Collection[str], until: float) -> None:
        self._faults.step("answer")
        self.answering = dict.fromkeys(taps, until)

    def remove(self) -> None:
        self._seen = self.truth = GuardState(is_loaded=False)

    def drops(self) -> Drops:
        return self.dropped

    def flush(self) -> None:
        """Somebody removes the table, and the kernel announces that."""
        self.truth, self._is_changed = GuardState(is_loaded=False), True

    def free(self, tap: str) -> None:
        """Somebody removes what is known of a tap."""
        taps = {name: elements for name, elements in self.truth.taps.items() if name != tap}
        self.truth, self._is_changed = GuardState(taps, self.truth.is_loaded), True

"""Decides whether a dnsmasq, its helper or its hook works. Pure.

A dnsmasq that has ended says so by its pidfd. One that hangs only does nothing.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from ipam.agent.outside import Pulse

HOOK_LOOKS: Final = 6
"""A hook takes 10 ms. Its own alarm ends it after 10 s: before, if a look is each 2 s."""
HELPER_LOOKS: Final = HOOK_LOOKS + 2
"""A process that SIGKILL does not end waits for a disk or the like."""
BUSY_CPU_SECONDS: Final = 2.0
"""CPU time without a word. On a machine with much else to do that takes longer, as does all."""
UNHEARD_QUESTIONS: Final = 4


class Remedy(Enum):
    """What helps."""

    RESUME = auto()
    RESUME_HOOK = auto()
    KILL_HOOK = auto()
    RESTART = auto()


@dataclass(slots=True)
class _Looked:
    words: int = -1
    cpu_seconds: float = 0.0
    """When it last waited or spoke."""
    hook: int = 0
    hook_looks: int = 0
    """In how many looks it was there."""
    unheard: int = 0
    """How many questions in a row it has not even noted in its log."""


class Liveness:
    """What was seen of each network's dnsmasq. Not thread-safe."""

    def __init__(self) -> None:
        self._looked: dict[str, _Looked] = {}

    def remedy(self, network_id: str, pulse: Pulse, words: int) -> Remedy | None:
        """What helps, after one more look.

        `words` counts what it has written into its log; nobody looks at it while it is asleep.
        """
        looked = self._looked.setdefault(network_id, _Looked())
        if pulse.is_stopped:
            return Remedy.RESUME
        if pulse.is_asleep or words != looked.words or pulse.cpu_seconds < looked.cpu_seconds:
            looked.cpu_seconds = pulse.cpu_seconds
        looked.words = words
        looked.hook_looks = looked.hook_looks + 1 if pulse.hook == looked.hook else 1
        looked.hook = pulse.hook
        if self._hangs(looked, pulse):
            del self._looked[network_id]
            return Remedy.RESTART
        if looked.hook and looked.hook_looks > 1:
            return Remedy.KILL_HOOK if looked.hook_looks >= HOOK_LOOKS else Remedy.RESUME_HOOK
        return None

    def note_question(self, network_id: str, *, was_heard: bool) -> None:
        """Note whether a question was answered, or noted in its log."""
        if looked := self._looked.get(network_id):
            looked.unheard = 0 if was_heard else looked.unheard + 1

    def doubtful(self) -> Collection[str]:
        """The networks whose dnsmasq did not hear the last question."""
        return [network_id for network_id, looked in self._looked.items() if looked.unheard]

    def keep(self, network_ids: Collection[str]) -> None:
        """Forget all networks except these."""
        for network_id in self._looked.keys() - set(network_ids):
            del self._looked[network_id]

    @staticmethod
    def _hangs(looked: _Looked, pulse: Pulse) -> bool:
        return (
            pulse.cpu_seconds - looked.cpu_seconds >= BUSY_CPU_SECONDS
            or looked.unheard >= UNHEARD_QUESTIONS
            or (looked.hook != 0 and looked.hook_looks >= HELPER_LOOKS)
        )

"""Decides which DHCP ports are open to machines behind an uplink, and for how long.

The API elects one host's agent for each such network. Its DHCP port is opened only when the guard
is there that lets nobody but those machines ask it. The kernel closes it when the API has not been
heard for a while, whatever becomes of the agent: then the API elects another. It stays open where
nobody else can be elected.
"""

import logging
import math
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from ipam.agent.guard.elements import NO_GUARD, Guard, TapGuard
from ipam.agent.guard.opening import of_opening, opened_to, opening
from ipam.agent.observed import ObservedNetwork
from ipam.agent.outside import PacketFilter
from ipam.agent.served import ServedNetwork
from ipam.agent.state import GuardState, NetworkState
from ipam.trouble import Trouble

LOG = logging.getLogger(__name__)

SAFE_FRACTION: Final = 0.9
"""Of the time until the API takes the host for dead: clocks of its hosts may differ."""


def wanted_opening(served: ServedNetwork, state: NetworkState) -> TapGuard:
    """The elements of the network's DHCP port, if it is to be open."""
    if not served.machines or state.wire is None or state.interface is None:
        return NO_GUARD
    return opening(state.wire.device, served.machines, is_sole=served.is_sole)


def openings(
    served: Mapping[str, ServedNetwork],
    wanted: Mapping[str, NetworkState],
    seen: Mapping[str, ObservedNetwork],
    guard: GuardState | None,
    held: Collection[str],
) -> Guard:
    """The elements for DHCP ports. One that is open keeps what closes it to all others."""
    found: dict[str, TapGuard] = {}
    if guard is None:
        return found
    for network_id, state in wanted.items():
        if state.interface is not None and network_id not in held:
            found[state.interface.outside] = wanted_opening(served[network_id], state)
    for network_id, one in seen.items():
        interface, is_held = one.state.interface, network_id in held
        if interface is None or (interface.isolated and not is_held):
            continue
        has = guard.taps.get(interface.outside, NO_GUARD)
        kept = of_opening(has) if is_held else opened_to(has)
        found[interface.outside] = found.get(interface.outside, NO_GUARD) | kept
    return {tap: elements for tap, elements in found.items() if elements}


def may_open(
    state: NetworkState, served: ServedNetwork, seen: NetworkState | None, guard: GuardState | None
) -> bool:
    """Whether the DHCP port is to be open, and what closes it to all others is there."""
    elements = wanted_opening(served, state)
    if not elements or state.interface is None or seen is None or guard is None:
        return False
    has = guard.taps.get(state.interface.outside, NO_GUARD)
    is_guarded = guard.is_loaded and opened_to(elements) == opened_to(has)
    is_there = seen.wire == state.wire and state.interface.is_same_pair(seen.interface)
    return is_guarded and is_there


class Openings:
    """Has opened DHCP ports answer for as long as the API may count on them. Not thread-safe."""

    def __init__(
        self,
        packet_filter: PacketFilter,
        heard_at: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`heard_at` says when the last heartbeat began that the API has answered, or -inf."""
        self._filter = packet_filter
        self._heard_at = heard_at
        self._monotonic = monotonic
        self._said: tuple[frozenset[str], float] = (frozenset(), 0.0)
        self._trouble = Trouble()

    def opened(
        self,
        served: Mapping[str, ServedNetwork],
        wanted: Mapping[str, NetworkState],
        seen: Mapping[str, ObservedNetwork],
        guard: GuardState | None,
    ) -> dict[str, NetworkState]:
        """The wanted states, open where they are to be and answer from now on."""
        found = dict(wanted)
        may_be = [
            network_id
            for network_id, state in wanted.items()
            if may_open(state, served[network_id], _state(seen, network_id), guard)
        ]
        sole = [key for key in may_be if served[key].is_sole]
        for_now = [key for key in may_be if not served[key].is_sole]
        if self._heard_at() == -math.inf:
            # A new life of the agent: until it hears more, the kernel has what the former said.
            for_now = [key for key in for_now if _is_open(_state(seen, key))]
        elif not self._answer([served[key] for key in for_now], map(wanted.get, for_now)):
            for_now = []
        for network_id in sole + for_now:
            state = wanted[network_id]
            assert state.interface is not None  # it may be open
            found[network_id] = replace(state, interface=replace(state.interface, isolated=False))
        return found

    def _answer(
        self, served: Sequence[ServedNetwork], wanted: Iterable[NetworkState | None]
    ) -> bool:
        """Let these DHCP ports answer, and no others; whether they do."""
        taps = frozenset(one.interface.outside for one in wanted if one and one.interface)
        seconds = [one.elected_seconds for one in served if one.elected_seconds is not None]
        until = self._heard_at() + SAFE_FRACTION * min(seconds) if seconds else 0.0
        if (taps, until) != self._said:
            try:
                self._filter.answer(taps, until)
            except OSError as error:
                if self._trouble.begins(str(error)):
                    LOG.error("machines behind uplinks get no answers: %s", error)  # noqa: TRY400  # it says it all
                return False
            self._trouble.ends()
            self._said = (taps, until)
        return until > self._monotonic()


def _state(seen: Mapping[str, ObservedNetwork], network_id: str) -> NetworkState | None:
    one = seen.get(network_id)
    return one.state if one else None


def _is_open(state: NetworkState | None) -> bool:
    return state is not None and state.interface is not None and not state.interface.isolated

"""Decides in each turn which wires are wanted at the moment, and says what is in the way."""

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from ipam.agent import obstacles
from ipam.agent.outside import Kernel
from ipam.agent.served import ServedNetwork
from ipam.agent.state import Bridge, NetworkState, Wire
from ipam.agent.uplinks import uplinks
from ipam.agent.wires import UPLINK
from ipam.protocol.reports import UplinkFacts
from ipam.rules.segments import FLAT, VLAN

LOG = logging.getLogger(__name__)

LOOK_SECONDS: Final = 30.0
SAID_SECONDS: Final = 5.0
"""For so long addresses and routes count as they were: reading them takes milliseconds."""

_Seen: TypeAlias = tuple[int, bool, int] | None
"""The number, state and MTU of a bridge that is there."""


class Wiring:
    """What is in the way of the wires of this host. Not thread-safe, but for `troubles`."""

    def __init__(
        self,
        kernel: Kernel,
        named: Collection[str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`named` are the interfaces that the settings map."""
        self._kernel = kernel
        self._named = set(named)
        self._monotonic = monotonic
        self._obstacles: dict[str, str] = {}
        self._said: dict[str, tuple[float, Sequence[str]]] = {}
        self._bridges: dict[str, _Seen] = {}
        self._uplinks: Mapping[str, UplinkFacts] = {}
        self._look_at = 0.0

    @property
    def uplinks(self) -> Mapping[str, UplinkFacts]:
        """The interfaces that could lead a network to others, as last seen. For any thread."""
        return self._uplinks

    def look_at_uplinks(self) -> None:
        """From time to time: see what could be an uplink."""
        now = self._monotonic()
        if now >= self._look_at:
            self._look_at = now + LOOK_SECONDS
            kernel = self._kernel
            self._uplinks = uplinks(
                kernel.links(), uses_of=kernel.uses_of, is_wireless=kernel.is_wireless
            )

    def know(self, wire: Wire | None) -> None:
        """Know the uplink of a wanted wire as one, also when the network is wanted no longer."""
        if wire is not None and wire.kind in (FLAT, VLAN):
            self._named.add(wire.parent or wire.device)
            self._kernel.know_uplink(wire.parent or wire.device)

    @property
    def troubles(self) -> Mapping[str, str]:
        """Why a network does not reach other hosts, by its id. Any thread may call it."""
        return self._obstacles.copy()

    def with_uplink(self, served: ServedNetwork, wanted: NetworkState) -> NetworkState:
        """The wanted state with the uplink that is on the administrator's bridge, if it is on one.

        Without DHCP if there are several: isolated, they would pass nothing between each other.
        """
        if wanted.wire is None or wanted.bridge is None:
            self._say(wanted.id, served.unreached)
            return wanted
        if wanted.wire != UPLINK:
            return wanted
        found = obstacles.uplinks(self._kernel.links(), wanted.bridge.name, self._named)
        chosen = [name for name in found if name in self._named] or found
        if len(chosen) > 1:
            self._say(
                wanted.id,
                f"{wanted.bridge.name} has the uplinks {' and '.join(chosen)}: name this network's"
                " in [agent] physical_interface_mappings. Until then it has no DHCP here.",
            )
            return NetworkState(wanted.id, wanted.bridge, taps=wanted.taps)
        self._say(wanted.id, "" if chosen else f"There is no uplink on {wanted.bridge.name}.")
        return replace(wanted, wire=replace(UPLINK, device=chosen[0]) if chosen else None)

    def with_changed_bridge(self, wanted: Mapping[str, NetworkState]) -> list[str]:
        """The networks whose bridge, the administrator's, is not as it was in the last look.

        What has failed on it may be tried at once.
        """
        links, changed = self._kernel.links(), []
        for network_id, state in wanted.items():
            if state.bridge is None or state.bridge.own:
                continue
            link = links.get(state.bridge.name)
            seen = (link.index, link.up, link.mtu) if link else None
            if self._bridges.setdefault(network_id, seen) != seen:
                self._bridges[network_id] = seen
                changed.append(network_id)
        return changed

    def possible(
        self, wanted: NetworkState, seen: NetworkState | None, *, waits: bool
    ) -> NetworkState:
        """The wanted state, or with the wire and peers that it has if the wanted one cannot be.

        It `waits` after a failed attempt. A wire that is on stays, whatever it lacks since.
        """
        if wanted.wire is None or wanted.bridge is None:
            return wanted
        has = seen.wire if seen else None
        is_on = wanted.wire.is_same_link(has)
        if not waits:
            ask = self._shortcoming if is_on else self._obstacle
            sentence = ask(wanted.wire, wanted.bridge)
            self._say(wanted.id, sentence)
            waits = sentence != "" and not is_on
        if not waits:
            return wanted
        return replace(wanted, wire=_kept(has, wanted.wire), peers=None)

    def keep(self, network_ids: Collection[str]) -> None:
        """Forget all networks but these."""
        kept = set(network_ids)
        self._obstacles = {key: one for key, one in self._obstacles.items() if key in kept}
        self._bridges = {key: one for key, one in self._bridges.items() if key in kept}

    def _shortcoming(self, wire: Wire, bridge: Bridge) -> str:
        return obstacles.shortcoming(wire, bridge, self._kernel.links(), holder_of=self._holder_of)

    def _obstacle(self, wire: Wire, bridge: Bridge) -> str:
        return obstacles.obstacle(
            wire,
            bridge,
            self._kernel.links(),
            uses_of=self._uses_of,
            is_wireless=self._kernel.is_wireless,
            holder_of=self._holder_of,
        )

    def _uses_of(self, device: str) -> Sequence[str]:
        return self._lately(device, self._kernel.uses_of)

    def _holder_of(self, address: str) -> str:
        return self._lately(address, lambda one: (self._kernel.holder_of(one),))[0]

    def _lately(self, subject: str, ask: Callable[[str], Sequence[str]]) -> Sequence[str]:
        """What the kernel said a moment ago, or says now."""
        until, said = self._said.get(subject, (0.0, ()))
        if self._monotonic() >= until:
            said = ask(subject)
            if said:  # a free link is about to be put on a bridge: let that be so now
                self._said[subject] = (self._monotonic() + SAID_SECONDS, said)
        return said

    def _say(self, network_id: str, sentence: str) -> None:
        """Log a new obstacle, and when there is none any more."""
        if sentence == self._obstacles.get(network_id, ""):
            return
        if sentence:
            self._obstacles[network_id] = sentence
            LOG.warning("network %s does not reach other hosts: %s", network_id, sentence)
        else:
            del self._obstacles[network_id]
            LOG.warning("network %s: nothing is in the way to other hosts any more", network_id)


def _kept(has: Wire | None, wanted: Wire) -> Wire | None:
    """The wire that is kept until the wanted one can be: not one to another network."""
    if has is None or (has.device, has.segment) != (wanted.device, wanted.segment):
        return None
    return has

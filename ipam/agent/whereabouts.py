"""Says of each network where it is on this host, for the API. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from ipam.agent.guard.elements import GUARDED, NO_GUARD, TapGuard
from ipam.agent.observed import Observed, ObservedNetwork
from ipam.agent.served import ServedNetwork
from ipam.agent.state import GuardState, Wire
from ipam.agent.unchanged import Unchanged
from ipam.protocol.reports import NetworkFacts

MOST_OCTETS: Final = 1 << 18
"""Of all networks together, as JSON. A request's body may have four times as many."""


class Whereabouts:
    """Where the networks are, worked out anew of those of which something has changed."""

    def __init__(self) -> None:
        self._known = Unchanged[tuple[NetworkFacts, int]]()

    def of(
        self, served: Mapping[str, ServedNetwork], observed: Observed, troubles: Mapping[str, str]
    ) -> dict[str, NetworkFacts]:
        """By network id; of very many networks, or tunnels to very many hosts, the first ones."""
        found: dict[str, NetworkFacts] = {}
        room = MOST_OCTETS
        for network_id, network in served.items():
            seen = observed.networks.get(network_id)
            if seen is None:
                continue
            one, octets = self._facts(network, seen, troubles.get(network_id, ""), observed.guard)
            room -= octets
            if room < 0:
                break
            found[network_id] = one
        self._known.keep(served)
        return found

    def _facts(
        self, served: ServedNetwork, seen: ObservedNetwork, fault: str, guard: GuardState | None
    ) -> tuple[NetworkFacts, int]:
        """What is to be said of the network, and how long that is as JSON."""
        network_id, taps = served.state.id, seen.state.taps & served.state.taps
        kept = guard.taps if guard is not None and guard.is_loaded else {}
        guards = [kept.get(tap, NO_GUARD) for tap in taps]

        def work_out() -> tuple[NetworkFacts, int]:
            one = _network(served, seen, fault, guards)
            return one, len(msgspec.json.encode({network_id: one}))

        return self._known.of(network_id, (served, seen, fault, guards), work_out)


def reach_of(
    found: Mapping[str, NetworkFacts] | None,
) -> Mapping[str, tuple[str, str, str, tuple[str, ...]]]:
    """What of it does not change with each port that comes or goes."""
    networks = (found or {}).items()
    return {key: (one.wire, one.state, one.fault, one.peers) for key, one in networks}


def _network(
    served: ServedNetwork, seen: ObservedNetwork, fault: str, guards: Sequence[TapGuard]
) -> NetworkFacts:
    """`guards` are those of the taps that are on the network's bridge."""
    wire, bridge = seen.state.wire, seen.state.bridge
    if bridge is not None and not bridge.up and not bridge.own:
        fault = fault or f"{bridge.name} is down: `ip link set {bridge.name} up`."
    return NetworkFacts(
        bridge=bridge.name if bridge else "",
        wire=wire.device if wire else "",
        state=_state(served, wire, fault),
        fault=fault,
        peers=tuple(sorted(seen.state.peers or ())),
        taps=len(guards),
        guarded=sum(GUARDED in one for one in guards),
    )


def _state(served: ServedNetwork, wire: Wire | None, fault: str) -> str:
    if served.state.wire is None and not served.unreached:
        return "local"
    return "up" if wire is not None and wire.up and not fault else "down"

"""Says of each network where it is on this host, for the API. Pure."""

from collections.abc import Mapping
from typing import Final

import msgspec

from ipam.agent.guard.elements import GUARDED
from ipam.agent.observed import Observed, ObservedNetwork
from ipam.agent.served import ServedNetwork
from ipam.agent.state import GuardState, Wire
from ipam.protocol.reports import NetworkFacts

MOST_OCTETS: Final = 1 << 18
"""Of all networks together, as JSON. A request's body may have four times as many."""


def whereabouts(
    served: Mapping[str, ServedNetwork], observed: Observed, troubles: Mapping[str, str]
) -> dict[str, NetworkFacts]:
    """By network id; of very many networks, or tunnels to very many hosts, the first ones."""
    found: dict[str, NetworkFacts] = {}
    room = MOST_OCTETS
    for network_id, network in served.items():
        seen = observed.networks.get(network_id)
        if seen is None:
            continue
        one = _network(network, seen, troubles.get(network_id, ""), observed.guard)
        room -= len(msgspec.json.encode({network_id: one}))
        if room < 0:
            break
        found[network_id] = one
    return found


def reach_of(
    found: Mapping[str, NetworkFacts] | None,
) -> Mapping[str, tuple[str, str, str, tuple[str, ...]]]:
    """What of it does not change with each port that comes or goes."""
    networks = (found or {}).items()
    return {key: (one.wire, one.state, one.fault, one.peers) for key, one in networks}


def _network(
    served: ServedNetwork, seen: ObservedNetwork, fault: str, guard: GuardState | None
) -> NetworkFacts:
    wire = seen.state.wire
    taps = seen.state.taps & served.state.taps
    kept = guard.taps if guard is not None and guard.is_loaded else {}
    return NetworkFacts(
        bridge=seen.state.bridge.name if seen.state.bridge else "",
        wire=wire.device if wire else "",
        state=_state(served, wire, fault),
        fault=fault,
        peers=tuple(sorted(seen.state.peers or ())),
        taps=len(taps),
        guarded=sum(GUARDED in kept.get(tap, ()) for tap in taps),
    )


def _state(served: ServedNetwork, wire: Wire | None, fault: str) -> str:
    if served.state.wire is None and not served.unreached:
        return "local"
    return "up" if wire is not None and wire.up and not fault else "down"

"""What a turn of the loop has found, before it decides anything. Values only."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ipam.agent.state import HostState, Lease, NetworkState


@dataclass(frozen=True, slots=True)
class ObservedNetwork:
    """One network as it is on this host."""

    state: NetworkState
    foreign: bool
    """Something other than the DHCP port is on the bridge."""
    leases: Collection[Lease]
    """What its server holds, as far as it has said."""
    retired: frozenset[str] | None
    """The words of lines that were taken away and that the server may still hold; None: any."""

    def in_doubt(self, values: Collection[str]) -> bool:
        """True if the server may still hold a line about one of these addresses."""
        return self.retired is None or not self.retired.isdisjoint(values)


@dataclass(frozen=True, slots=True)
class Observed:
    """What is wanted, given the taps that are here, and every network that this host knows of."""

    wanted: HostState
    stubborn_taps: frozenset[str]
    """Taps that are here, but not wanted on their bridge for now."""
    networks: Mapping[str, ObservedNetwork]

    def actual(self) -> HostState:
        """What the host has."""
        return HostState({key: one.state for key, one in self.networks.items()})

    def occupied(self) -> set[str]:
        """The bridges that others still use."""
        return {
            one.state.bridge.name
            for one in self.networks.values()
            if one.foreign and one.state.bridge
        }

"""What a turn of the loop has observed, before it decides. Values only."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ipam.agent.state import GuardState, HostState, Lease, NetworkState


@dataclass(frozen=True, slots=True)
class ObservedNetwork:
    """One network as it is on this host."""

    state: NetworkState
    foreign: bool
    """Whether something other than the DHCP port is on the bridge."""
    leases: Collection[Lease]
    """The leases that its server has reported."""
    retired: frozenset[str] | None
    """The words of removed lines that the server may still use; None: any words."""
    unguarded: frozenset[str] = frozenset()
    """Its taps that have not the wanted guard."""

    def in_doubt(self, values: Collection[str]) -> bool:
        """True if the server may still use a removed line with one of these values."""
        return self.retired is None or not self.retired.isdisjoint(values)


@dataclass(frozen=True, slots=True)
class Observed:
    """What is wanted, for the taps that are present, and every network of this host."""

    wanted: HostState
    stubborn_taps: frozenset[str]
    """Taps that are present, but not wanted on their bridges at the moment."""
    networks: Mapping[str, ObservedNetwork]
    guard: GuardState | None = None

    def actual(self) -> HostState:
        """The state of the host."""
        return HostState({key: one.state for key, one in self.networks.items()}, self.guard)

    def occupied(self) -> set[str]:
        """The bridges that something else still uses."""
        return {
            one.state.bridge.name
            for one in self.networks.values()
            if one.foreign and one.state.bridge
        }

"""Looks at the host in each turn: what is there, and what of the wanted can be at the moment."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from ipam import model
from ipam.agent.carry_out import Executor
from ipam.agent.guards import Guards, unguarded
from ipam.agent.observed import Observed, ObservedNetwork
from ipam.agent.openings import Openings, openings
from ipam.agent.outside import Kernel
from ipam.agent.served import ServedNetwork
from ipam.agent.servers import Servers
from ipam.agent.state import HostState, NetworkState, among
from ipam.agent.wiring import Wiring


class Observer:
    """What of the host is looked at, and through whom. Not thread-safe."""

    def __init__(
        self,
        kernel: Kernel,
        servers: Servers,
        executor: Executor,
        wiring: Wiring,
        guards: Guards,
        *,
        openings: Openings,
        held: Callable[[], Collection[str]],
    ) -> None:
        """`held` tells which networks are on hold."""
        self._kernel = kernel
        self._servers = servers
        self._executor = executor
        self._wiring = wiring
        self._guards = guards
        self._openings = openings
        self._held_now = held
        self.held: Collection[str] = ()
        """The networks that were on hold in the last look."""

    def is_any_held(self) -> bool:
        """Whether a network is on hold now."""
        return bool(self._held_now())

    def what_is_here(self) -> Observed:
        """The host, if nothing is to be there."""
        self._refresh()
        return Observed(HostState(), frozenset(), self._look({}, self._servers.network_ids()))

    def look(
        self, served: Mapping[str, ServedNetwork], focus: frozenset[str], before: Observed | None
    ) -> Observed:
        """All of the host; with a focus, what is not in it as it was before."""
        self._refresh()
        stubborn = self._executor.stubborn_taps()
        if focus and before is not None:
            stubborn |= before.stubborn_taps  # what was seen of the others goes with it
        wanted = self._possible_taps(among(served, focus), served, stubborn)
        self._executor.forget_failures(self._wiring.with_changed_bridge(wanted))
        here = self._servers.network_ids()
        networks = self._look(wanted, here & focus if focus else here)
        self._leave_out_wires(wanted, networks)
        if focus and before is not None:
            wanted = {**before.wanted.networks, **wanted}
            networks = {**before.networks, **networks}
        actual = self._guards.look()
        ports = openings(served, wanted, networks, actual, self.held)
        wanted = self._openings.opened(served, wanted, networks, actual)
        guard = self._guards.desired(actual, served, self.held, ports)
        if lacking := unguarded(guard, actual):
            for network_id in among(served, focus).keys() & networks.keys():
                if taps := lacking & served[network_id].guards.keys():
                    networks[network_id] = replace(networks[network_id], unguarded=taps)
        return Observed(HostState(wanted, guard), stubborn, networks, actual)

    def _refresh(self) -> None:
        """Take in what has changed, on hold or not, but files of what is on hold."""
        self.held = self._held_now()
        self._kernel.refresh()
        self._servers.refresh(self.held)

    def _possible_taps(
        self,
        some: Mapping[str, ServedNetwork],
        served: Mapping[str, ServedNetwork],
        stubborn: Collection[str],
    ) -> dict[str, NetworkState]:
        """The wanted states of some networks, with the taps and addresses that can be."""
        refused = self._executor.refused_addresses(one.state for one in served.values())
        wanted = {}
        for network_id, network in some.items():
            taps = self._kernel.present_taps(network.state.taps).difference(stubborn)
            # libvirt fails to start a guest whose tap is on the bridge before libvirt puts it
            # there.
            if network.self_plugged:
                taps -= network.self_plugged - self._plugged(network.state)
            state = network.state
            if network_id in refused:
                state = replace(state, addresses=state.addresses.difference(refused[network_id]))
            wanted[network_id] = self._wiring.with_uplink(network, _with_taps(state, taps))
        return wanted

    def _leave_out_wires(
        self, wanted: dict[str, NetworkState], networks: Mapping[str, ObservedNetwork]
    ) -> None:
        """Want no wire that cannot be at the moment."""
        waiting = self._executor.stubborn_wires()
        for network_id, state in wanted.items():
            if state.wire is not None:
                seen = networks.get(network_id)
                wanted[network_id] = self._wiring.possible(
                    state, seen.state if seen else None, waits=network_id in waiting
                )

    def _look(
        self, wanted: Mapping[str, NetworkState], network_ids: Collection[str]
    ) -> dict[str, ObservedNetwork]:
        networks = {}
        for network_id in network_ids:
            of_network = wanted.get(network_id)
            seen = self._kernel.see(network_id, of_network)
            taps = of_network.taps if of_network else ()
            networks[network_id] = self._servers.observe(network_id, seen, taps)
        return networks

    def _plugged(self, state: NetworkState) -> frozenset[str]:
        """The links on the network's bridge, also on the one that os-vif makes."""
        bridges = {model.bridge_name(state.id), state.bridge.name if state.bridge else ""}
        return frozenset[str]().union(*map(self._kernel.members, bridges))


def _with_taps(state: NetworkState, taps: frozenset[str]) -> NetworkState:
    return state if taps == state.taps else replace(state, taps=taps)

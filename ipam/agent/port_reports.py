"""What the API is told of ports: proved to be answered, or not served."""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

from ipam.agent.carry_out import Executor
from ipam.agent.observed import Observed, ObservedNetwork
from ipam.agent.proofs import Proofs
from ipam.agent.readiness import is_answered, is_ready, news, serves
from ipam.agent.reported_ports import ReportedPorts
from ipam.agent.served import ServedNetwork, ServedPort
from ipam.agent.state import NetworkState

LOG = logging.getLogger(__name__)

LEAST_NETWORKS: Final = 2
"""At least so many are looked at in each turn: one that waits, and one that has just changed."""

_Inputs = tuple[ServedNetwork, NetworkState, ObservedNetwork | None, frozenset[str]]
"""All on which a network's reports depend, besides what was reported and proved."""


class PortReports:
    """Reports each port when its state is new to the API. Not thread-safe."""

    def __init__(
        self,
        proofs: Proofs,
        executor: Executor,
        send: Callable[[Mapping[str, tuple[int, bool]]], None],
    ) -> None:
        self._proofs = proofs
        self._executor = executor
        self._send = send
        self._reported = ReportedPorts()
        self._settled: dict[str, _Inputs] = {}
        self._waiting: dict[str, _Inputs] = {}
        """The networks that were not settled in the last turn. The first one waits longest."""

    @property
    def troubles(self) -> Mapping[str, str]:
        """Why ports are not answered, by port. Any thread may call it."""
        return self._proofs.troubles

    def hear(self, port: ServedPort) -> None:
        """Take in what the API says of a port."""
        self._reported.hear(port)

    def doubt(self, port_ids: Collection[str]) -> None:
        """Prove these ports anew."""
        if port_ids:
            kept = self._settled.items()
            self._settled = {k: one for k, one in kept if one[0].ports.keys().isdisjoint(port_ids)}
            self._proofs.doubt(port_ids)

    def keep(self, port_ids: Collection[str], network_ids: Collection[str]) -> None:
        """Forget all ports and networks but these."""
        self._reported.keep(port_ids)
        self._proofs.keep(port_ids, network_ids)

    def report(self, networks: Mapping[str, ServedNetwork], observed: Observed) -> float:
        """Report the ports whose machines get their answers, and those whose taps are missing.

        Gives the seconds until a port is to be looked at again.
        """
        self._proofs.begin_turn()
        inputs = {key: _inputs(served, observed) for key, served in networks.items()}
        unsettled = {key: one for key, one in inputs.items() if not self._is_settled(one)}
        self._settled = {key: inputs[key] for key in inputs.keys() - unsettled.keys()}
        report: dict[str, tuple[int, bool]] = {}
        order, looked_at, with_news = self._in_order(unsettled), 0, []
        while looked_at < len(order) and (looked_at < LEAST_NETWORKS or self._proofs.has_time()):
            network_id = order[looked_at]
            looked_at += 1
            if found := self._news(networks[network_id], observed):
                report |= self._told(found)
                with_news.append(network_id)
            elif not self._prove_again(networks[network_id], observed):
                self._settled[network_id] = inputs[network_id]
        if report:
            self._send(report)
        for network_id in with_news:
            self._prove_again(networks[network_id], observed)
        for network_id in order[looked_at:]:
            self._proofs.postpone(networks[network_id].ports)
        waiting = [*order[looked_at:], *order[:looked_at]]
        self._waiting = {one: inputs[one] for one in waiting if one not in self._settled}
        return self._proofs.end_turn()

    def _told(self, found: Iterable[tuple[ServedPort, bool]]) -> Mapping[str, tuple[int, bool]]:
        """The report of these states, which is noted as said."""
        report = {}
        for port, ready in found:
            self._reported.say(port, ready=ready)
            report[port.id] = (port.revision_number, ready)
            is_unserved = port.id in self._proofs.unserved
            sentence = _sentence(port, ready=ready, is_unserved=is_unserved)
            LOG.info("port %s: %s", port.id, sentence)
        return report

    def _in_order(self, unsettled: Mapping[str, _Inputs]) -> list[str]:
        """The networks as they are looked at: looking at thousands of ports takes a second.

        What has just changed does not wait until a whole host has started, nor that for what
        changes all the time.
        """
        waiting = [one for one in self._waiting if one in unsettled]
        same = {one for one in waiting[1:] if self._waiting[one] == unsettled[one]}
        changed = (one for one in unsettled if one not in same and one not in waiting[:1])
        return [*waiting[:1], *changed, *(one for one in waiting if one in same)]

    def _is_settled(self, inputs: _Inputs) -> bool:
        """True if a former turn had nothing to say or to ask of it, with the same inputs.

        In most turns one network of hundreds has changed, and the ports are thousands.
        """
        served, *others = inputs
        known_served, *known = self._settled.get(served.state.id, (None,))
        return served is known_served and others == known

    def _news(self, served: ServedNetwork, observed: Observed) -> list[tuple[ServedPort, bool]]:
        """The states of the network's ports that are new to the API and proved."""
        network_id = served.state.id
        wanted, seen = observed.wanted.networks[network_id], observed.networks.get(network_id)
        stubborn = observed.stubborn_taps
        is_broken = self._executor.is_broken(network_id) and not (seen and seen.state.server)
        found = list(
            news(
                served,
                wanted,
                seen,
                stubborn_taps=stubborn,
                is_broken=is_broken,
                unserved=self._proofs.unserved,
                reported=self._reported,
            )
        )
        to_prove = [port for port, ready in found if ready and is_answered(port, wanted)]
        proved = self._proofs.prove(served, wanted, seen, to_prove) if seen and to_prove else ()
        unproved = {port.id for port in to_prove}.difference(proved)
        return [(port, ready) for port, ready in found if port.id not in unproved]

    def _prove_again(self, served: ServedNetwork, observed: Observed) -> bool:
        """Check whether changed ports that are ready in the API are still answered.

        False if nothing was to be checked in a network that is served.
        """
        network_id = served.state.id
        wanted, seen = observed.wanted.networks[network_id], observed.networks.get(network_id)
        if seen is None or not serves(wanted, seen.state):
            return True
        changed = [p for p in served.ports.values() if not self._proofs.is_known(p, served.terms)]
        ports = [p for p in changed if is_answered(p, wanted) and is_ready(p, wanted, seen)]
        if ports:
            self._proofs.prove(served, wanted, seen, ports)
        return bool(ports)


def _inputs(served: ServedNetwork, observed: Observed) -> _Inputs:
    network_id = served.state.id
    wanted, seen = observed.wanted.networks[network_id], observed.networks.get(network_id)
    return served, wanted, seen, observed.stubborn_taps


def _sentence(port: ServedPort, *, ready: bool, is_unserved: bool) -> str:
    """The line in the log for a reported port."""
    if ready:
        return f"DHCP answers with {', '.join(port.addresses)}" if port.addresses else "is served"
    if not port.is_served:
        return "nothing gives its machine an address"
    if is_unserved:
        return "dnsmasq gives its machine no address"
    if port.is_elsewhere:
        return "its machine is behind an uplink that is away"
    return f"{port.tap} is not here, or its DHCP server does not run"

"""Observe, plan, report, act: each turn brings the host nearer to what the API wants.

It is level-triggered: whatever woke it, a turn looks at everything and does what is missing.
"""

import logging
import math
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from ipam.agent import holds
from ipam.agent.actions import AnyAction, StopServer
from ipam.agent.carry_out import Executor
from ipam.agent.conflicts import Conflicts
from ipam.agent.desired import served_network
from ipam.agent.dnsmasq.config import Site
from ipam.agent.dnsmasq.dhcp6_requests import Request6
from ipam.agent.dnsmasq.nd_frames import Sight
from ipam.agent.drift import Drift
from ipam.agent.focus import Focus
from ipam.agent.former_identities import FormerIdentities
from ipam.agent.guards import Guards
from ipam.agent.host.unknown_taps import UnknownTaps
from ipam.agent.leaving_prefixes import LeavingPrefixes
from ipam.agent.names.names import Names
from ipam.agent.observed import Observed
from ipam.agent.observer import Observer
from ipam.agent.openings import Openings
from ipam.agent.outside import (
    Advertiser,
    Kernel,
    Listener,
    Logs,
    Neighbours,
    PacketFilter,
    Prober,
)
from ipam.agent.plan import (
    DrasticPlan,
    concerns,
    of_drastic,
    plan,
    refuse_if_drastic,
    without_drastic_peers,
)
from ipam.agent.port_reports import PortReports
from ipam.agent.proofs import Proofs
from ipam.agent.releases import Releases
from ipam.agent.rogue_releases import RogueReleases
from ipam.agent.seen_addresses import SeenAddresses
from ipam.agent.served import ServedNetwork
from ipam.agent.server_leases import ServerLeases
from ipam.agent.server_liveness import ServerLiveness
from ipam.agent.servers import Servers
from ipam.agent.state import HostState, among
from ipam.agent.troubles import joined, of_faults, of_verdicts, withheld
from ipam.agent.whereabouts import Whereabouts
from ipam.agent.wires import NO_REACH, Reach
from ipam.agent.wiring import Wiring
from ipam.protocol.dhcp_state import FullNetwork
from ipam.protocol.reports import GuardFacts, NetworkFacts, SeenConflict, UplinkFacts
from ipam.trouble import Trouble

LOG = logging.getLogger(__name__)

IDLE_SECONDS = 10.0
REST_SECONDS = 60.0
"""For so long a host that is as wanted, and of which nothing is heard, is not looked at whole."""
LOOK_AGAIN_SECONDS = 600.0

_Whereabouts = tuple[
    Mapping[str, ServedNetwork], Observed, Mapping[str, str], dict[str, NetworkFacts]
]
"""The last ones, after all that they depend on."""


class Reconciler:
    """The loop's body. Not thread-safe."""

    def __init__(
        self,
        kernel: Kernel,
        servers: Servers,
        leases: ServerLeases,
        packet_filter: PacketFilter,
        *,
        site: Site,
        host: str,
        drastic_fraction: float,
        report: Callable[[Mapping[str, tuple[int, bool]]], None],
        ask: Callable[[], None],
        forget: Callable[[str], None],
        heard_at: Callable[[], float],
        logs: Logs,
        prober: Prober,
        listener: Listener[Request6],
        sights: Listener[Sight],
        held: Callable[[], Collection[str]],
        neighbours: Neighbours,
        names: Names,
        reach: Reach = NO_REACH,
        advertiser: Advertiser,
        leaving_directory: Path,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kernel = kernel
        self._logs = logs
        self._prober = prober
        self._drift = Drift()
        self._focus = Focus()
        self._servers = servers
        self._leases = leases
        self._site = site
        self._reach = reach
        self._wiring = Wiring(kernel, [*reach.interfaces.values()], monotonic)
        self._host = host
        self._names = names
        self._drastic_fraction = drastic_fraction
        self._ask = ask
        self._monotonic = monotonic
        self._rows: Mapping[str, FullNetwork] = {}
        self._kept_for: Mapping[str, FullNetwork] = {}
        self._served: dict[str, ServedNetwork] = {}
        self._unknown_taps = UnknownTaps()
        self._liveness = ServerLiveness(servers, leases, logs, prober)
        self._releases = Releases(servers, monotonic)
        self._conflicts = Conflicts(logs, neighbours, servers, monotonic)
        self._leaving = LeavingPrefixes(leaving_directory, advertiser, monotonic)
        self._rogue = RogueReleases(leases, servers, neighbours, monotonic)
        self._seen = SeenAddresses(sights, neighbours, leases.inbox, host, monotonic)
        self._identities = FormerIdentities(logs, listener, monotonic)
        self._executor = Executor(
            kernel,
            servers,
            self._releases,
            packet_filter,
            forget=forget,
            announce=neighbours.announce,
            monotonic=monotonic,
        )
        self._guards = Guards(packet_filter, kernel, monotonic)
        self._observer = Observer(
            *(kernel, servers, self._executor, self._wiring, self._guards),
            openings=Openings(packet_filter, heard_at, monotonic),
            held=held,
        )
        self._ports = PortReports(Proofs(prober, logs, monotonic), self._executor, report)
        self._refusal = Trouble()
        self._wait = IDLE_SECONDS
        self._api_has_said = False
        self._look_again_at = 0.0
        self._observed: Observed | None = None
        self._facts_of = Whereabouts()
        self._whereabouts: _Whereabouts | None = None
        self._is_as_wanted = False
        self._rests_until = -math.inf
        self._wiring.look_at_uplinks()

    @property
    def conflicts(self) -> list[SeenConflict]:
        """The addresses of ports that other machines use. Any thread may call it."""
        return self._conflicts.seen

    @property
    def networks(self) -> Mapping[str, ServedNetwork]:
        """The networks to serve, by id."""
        return self._served

    @property
    def guard_facts(self) -> GuardFacts:
        """What to tell the API of the guard of ports. Any thread may call it."""
        return self._guards.facts

    @property
    def uplinks(self) -> dict[str, UplinkFacts]:
        """The interfaces that could lead a network to others, by name. Any thread may call it."""
        return dict(self._wiring.uplinks)

    @property
    def whereabouts(self) -> dict[str, NetworkFacts] | None:
        """Where each network is, as of the last turn; None before. Any thread may call it."""
        served, observed = self._served, self._observed
        if observed is None:
            return None
        troubles = joined([self._wiring.troubles, self._executor.wire_troubles])
        known = self._whereabouts
        if (
            known is None
            or known[0] is not served
            or known[1] is not observed
            or known[2] != troubles
        ):
            found = self._facts_of.of(served, observed, troubles)
            known = served, observed, troubles, found
            self._whereabouts = known
        return known[3]

    @property
    def troubles(self) -> Mapping[str, str]:
        """What is not as wanted, by the id of a network, subnet or port, or by tap.

        Any thread may call it.
        """
        held = dict.fromkeys(self._observer.held, holds.TROUBLE)
        parts = (self._executor, self._ports, self._liveness, self._wiring, self._guards)
        found = [held, *(part.troubles for part in parts)]
        telling = self._logs.network_ids_with_verdicts()
        for network_id, served in self._served.items():
            if served.faults:
                found.append(of_faults(served.faults))
            found.append(self._conflicts.troubles(served))
            if network_id in telling:
                found.append(of_verdicts(served, self._logs.verdicts(network_id)))
        return joined(found)

    def want(self, rows: Mapping[str, FullNetwork], *, said_by_api: bool = True) -> None:
        """Serve these networks of the API's `dhcp-state`, and no others.

        Before the API has said it in this life, what else is here stays: of what was last known, a
        part may be lost.
        """
        self._api_has_said |= said_by_api
        served = {}
        for network_id, row in rows.items():
            network = self._served.get(network_id)
            if self._rows.get(network_id) is not row:
                try:
                    network = self._take_in(row)
                except ValueError as error:
                    LOG.error("network %s: cannot serve it: %r", network_id, error)  # noqa: TRY400
            if network is not None:
                served[network_id] = network
        self._focus.change(self._rows, rows, self._monotonic())
        self._rows, self._served = rows, served
        self._wiring.keep(served)
        self._guards.want(served)

    def turn(self) -> float:
        """Do one turn. Gives the seconds until the next, 0 for at once."""
        self._wait = IDLE_SECONDS
        began = self._monotonic()
        focus = self._in_focus(began)
        self._observed = observed = self._observer.look(self._served, focus, self._observed)
        self._say_what_others_changed(observed, focus)
        steps = self._plan(observed, focus)
        if not focus:
            self._seen.listen(self._served, observed.networks)
        self._wait = min(self._wait, self._ports.report(self._served, observed))
        acted = self._executor.run(steps, self._monotonic() - began, focus)
        if not focus:
            self._do_what_time_brings()
            self._ask_about_taps()
        self._wait = min(self._wait, self._focus.looked(focus, acted=acted))
        wait = 0.0 if acted else min(self._wait, self._executor.seconds_to_wait())
        is_quiet = wait == IDLE_SECONDS and self._is_as_wanted and self._all_is_told()
        self._rests_until = began + REST_SECONDS if is_quiet else -math.inf
        return wait

    def _in_focus(self, now: float) -> frozenset[str]:
        """The networks that this turn looks at, all others being as a turn before saw them.

        No network if it is to look at all.
        """
        seen = self._observed
        if seen is None or seen.wanted.networks.keys() != self._served.keys():
            return frozenset()
        return self._focus.networks(now) & self._served.keys()

    def rest(self) -> float | None:
        """Do what is due if nothing was heard since the last turn; None if a turn is due.

        Gives the seconds until the next time. What nobody tells of is looked at: what dnsmasq
        holds, and whether something is on hold.
        """
        if self._monotonic() >= self._rests_until or self._observer.is_any_held():
            return None
        self._wait = IDLE_SECONDS
        self._do_what_time_brings()
        return self._wait

    def depends_on_hearing(self) -> bool:
        """Whether something ends when the API is not heard. Any thread may call it."""
        return any(one.elected_seconds is not None for one in self._served.values())

    def _do_what_time_brings(self) -> None:
        waits = (
            self._servers.compare_leases(self._observer.held),
            self._rogue.look(self._served),
            self._leaving.tell(self._served),
        )
        self._wait = min(self._wait, *waits)

    def _all_is_told(self) -> bool:
        """Whether a change would be heard of. Of addresses in the way of a wire nobody tells."""
        is_wired = any(one.state.wire is not None for one in self._served.values())
        return not (is_wired or self._observer.held or self.depends_on_hearing())

    def remove_everything(self) -> bool:
        """Do what is to be done for nothing to be served; True if there may be more to do.

        The machines hold their leases, and so does the agent: it may be started again.
        """
        observed = self._observer.what_is_here()
        steps = plan(observed.wanted, observed.actual(), observed.occupied())
        for_now = [
            replace(step, for_good=False) if isinstance(step, StopServer) else step
            for step in steps
        ]
        more = self._executor.run(self._executor.may_try(self._without_held(for_now)))
        if not more:
            self._guards.leave()
        return more

    def tidy(self, *, api_has_answered: bool) -> None:
        """From time to time: forget what is over.

        Once the API has answered, leases are over of a network that is neither wanted nor here.
        """
        if api_has_answered:
            here = {*self._served, *self._servers.network_ids()}
            for network_id in self._leases.networks() - here:
                self._leases.end(network_id, self._leases.of(network_id))
        present = set()
        for network_id in self._served:
            present |= {(network_id, lease) for lease in self._leases.of(network_id)}
        self._releases.keep(present)
        self._identities.tidy(self._served)
        self._conflicts.look(self._served.values())
        for network_id in self._logs.network_ids_with_verdicts() & self._served.keys():
            served = self._served[network_id]
            self._ports.doubt(withheld(served, self._logs.verdicts(network_id)))
            self._rests_until = -math.inf
        if self._rows is not self._kept_for:
            ports = {port for served in self._served.values() for port in served.ports}
            self._ports.keep(ports, self._served.keys())
            self._kept_for = self._rows
        self._prober.keep(self._servers.network_ids())
        self._drift.keep(self._served)
        self._guards.tidy()
        self._wiring.look_at_uplinks()
        if self._servers.look_again(self._observer.held):
            self._rests_until = -math.inf
        if self._monotonic() >= self._look_again_at:
            self._look_again_at = self._monotonic() + LOOK_AGAIN_SECONDS
            self._rests_until = -math.inf
            self._kernel.look_again()

    def look_after_servers(self) -> bool:
        """From time to time: have dnsmasqs go on, or start again. True if a turn is due.

        Addresses that machines made are learned, too.
        """
        self._seen.look(self._served)
        return self._liveness.look(self._served, self._observer.held)

    def reason_of_begin(self, network_id: str, address: str) -> str:
        """Why a lease begins that no machine has asked for; else empty. For any thread."""
        return self._rogue.reason_of_begin(network_id, address)

    def most_waiting(self) -> int:
        """About how many events waited for one hook at most since this was asked last.

        Any thread may call it.
        """
        return self._liveness.most_waiting()

    def _take_in(self, row: FullNetwork) -> ServedNetwork:
        before, network = self._served.get(row.id), self._parse(row)
        if before is not None:
            self._leaving.note(before, network)
        return network

    def _parse(self, row: FullNetwork) -> ServedNetwork:
        known = self._served.get(row.id)
        network = served_network(row, self._site, self._host, self._reach, known)
        self._names.know_domain(row.id, row.dns_domain)
        self._servers.forward(row.id, network.dns_servers)
        if known is not None and known.terms == network.terms:
            network = replace(network, terms=known.terms)  # the same object says: not changed
        self._wiring.know(network.state.wire)
        for fault in network.faults:
            LOG.warning("left out of dnsmasq's files: %s", fault)
        for port in network.ports.values():
            self._ports.hear(port)
        return network

    def _say_what_others_changed(self, observed: Observed, focus: Collection[str]) -> None:
        for network_id, served in among(self._served, focus).items():
            seen = observed.networks.get(network_id)
            if seen is None or network_id in self._observer.held:
                continue
            state, interface = served.state, observed.wanted.networks[network_id].interface
            if interface is not state.interface:  # it is open, or there is none
                state = replace(state, interface=interface)
            if sentence := self._drift.news(network_id, state, seen.state):
                LOG.warning("network %s: %s", network_id, sentence)

    def _plan(self, observed: Observed, focus: Collection[str]) -> list[AnyAction]:
        """The steps that are missing on this host and may be tried at the moment."""
        actual = observed.actual()
        steps = plan(observed.wanted.among(focus), actual.among(focus), observed.occupied())
        self._is_as_wanted = not (steps or focus)
        if not self._api_has_said:
            steps = tuple(step for step in steps if concerns(step, self._served))
        steps = self._without_drastic(steps, actual, observed.wanted)
        steps = tuple(without_drastic_peers(steps, actual, self._drastic_fraction))
        for network_id, served in among(self._served, focus).items():
            releases, wait = self._releases.plan(served, observed.networks.get(network_id))
            steps += tuple(releases)
            steps += tuple(self._identities.plan(served, observed.networks.get(network_id)))
            self._wait = min(self._wait, wait)
        return self._executor.may_try(self._without_held(steps), focus)

    def _without_held(self, steps: Iterable[AnyAction]) -> Iterator[AnyAction]:
        return (step for step in steps if step.network_id not in self._observer.held)

    def _without_drastic(
        self, steps: tuple[AnyAction, ...], actual: HostState, wanted: HostState
    ) -> tuple[AnyAction, ...]:
        """The plan, or if it is drastic, only its steps that may be done."""
        try:
            refuse_if_drastic(steps, actual, self._drastic_fraction)
        except DrasticPlan as error:
            if self._refusal.begins(str(error)):
                LOG.error("%s", error)  # noqa: TRY400  # the message says it all
            return of_drastic(steps, actual, wanted, self._drastic_fraction)
        if self._refusal.ends():
            LOG.warning("the plan is carried out again: it stops no more than it may")
        return steps

    def _ask_about_taps(self) -> None:
        """Ask the API if there is a tap that only the API may know."""
        known: set[str] = set()
        for served in self._served.values():
            known |= served.state.taps
            if served.state.interface is not None:
                known.add(served.state.interface.outside)
        ask, wait = self._unknown_taps.look(self._kernel.links(), known, self._monotonic())
        self._wait = min(self._wait, wait)
        if ask:
            self._ask()

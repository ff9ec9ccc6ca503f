"""Looks whether each dnsmasq of this host works, and does what helps if one does not."""

import logging
import signal
from collections.abc import Collection, Mapping
from typing import Final

from ipam.agent.dnsmasq.event_queue import ROOM
from ipam.agent.in_turn import InTurn
from ipam.agent.liveness import Liveness, Remedy
from ipam.agent.outside import Logs, Prober
from ipam.agent.proof import promises
from ipam.agent.served import ServedNetwork
from ipam.agent.server_leases import ServerLeases
from ipam.agent.servers import Servers

LOG = logging.getLogger(__name__)

WAITING_WARNED: Final = ROOM // 2
LOOKS_FOR_ALL: Final = 60
"""So many looks ask every dnsmasq: at one each 2 s, two minutes."""


class ServerLiveness:
    """Looks at the servers. Not thread-safe."""

    def __init__(self, servers: Servers, leases: ServerLeases, logs: Logs, prober: Prober) -> None:
        self._servers = servers
        self._leases = leases
        self._logs = logs
        self._prober = prober
        self._liveness = Liveness()
        self._at_rest: set[str] = set()
        """The networks whose server was at rest when it was looked at last."""
        self._turns = InTurn(LOOKS_FOR_ALL)
        self._filling: set[str] = set()
        self._most_waiting = 0
        self.troubles: Mapping[str, str] = {}
        """What is not as it should be, by network."""

    def look(self, served: Mapping[str, ServedNetwork], held: Collection[str]) -> bool:
        """Look at every server but these. True if one was ended, so that it is started again."""
        self._liveness.keep(self._servers.network_ids())
        self._ask_some(served, held)
        killed = False
        troubles = {}
        at_rest = self._at_rest.difference(held, self._liveness.doubtful())
        self._at_rest = {one for one in at_rest if not self._servers.has_run(one)}
        for network_id in [x for x in self._servers.network_ids() if x not in self._at_rest]:
            pulse = None if network_id in held else self._servers.pulse(network_id)
            if pulse is not None:
                words = 0 if pulse.is_asleep else self._logs.words(network_id)
                remedy = self._liveness.remedy(network_id, pulse, words)
                if pulse.is_at_rest and remedy is None:
                    self._at_rest.add(network_id)
                self._help(network_id, remedy, pulse.hook)
                killed |= remedy is Remedy.RESTART
                if self._logs.is_worn(network_id):
                    self._servers.renew_log(network_id)
                    killed = True
                if said := self._filling_said(network_id, pulse.events_waiting):
                    troubles[network_id] = said
        self.troubles = troubles
        return killed

    def most_waiting(self) -> int:
        """About how many events waited for one helper at most since this was asked last."""
        most, self._most_waiting = self._most_waiting, 0
        return most

    def _filling_said(self, network_id: str, waiting: int) -> str:
        """What is said if too many events wait for the network's helper."""
        self._most_waiting = max(self._most_waiting, waiting)
        if waiting < WAITING_WARNED:
            if network_id in self._filling:
                self._filling.discard(network_id)
                LOG.info("network %s: DHCP events are handed on again as they come", network_id)
            return ""
        said = (
            f"about {waiting} DHCP events wait for their hook; dnsmasq drops what is beyond some"
            f" {ROOM}, which is then found by what it holds"
        )
        if network_id not in self._filling:
            LOG.warning("network %s: %s", network_id, said)
            self._filling.add(network_id)
        return said

    def _help(self, network_id: str, remedy: Remedy | None, hook: int) -> None:
        match remedy:
            case Remedy.RESUME:
                self._servers.resume(network_id)
            case Remedy.RESUME_HOOK:
                self._servers.signal_hook(network_id, hook, signal.SIGCONT)
            case Remedy.KILL_HOOK:
                LOG.warning("network %s: a hook does not end; killing it", network_id)
                self._servers.signal_hook(network_id, hook, signal.SIGKILL)
            case Remedy.RESTART:
                self._servers.hangs(network_id, "it does not work any more")

    def _ask_some(self, served: Mapping[str, ServedNetwork], held: Collection[str]) -> None:
        """Ask those again that did not hear, and others in turn.

        A dnsmasq that waits for something in vain looks to the kernel like one without work.
        """
        due = self._turns.some(served)
        for network_id in {*due, *self._liveness.doubtful()} & served.keys() - set(held):
            if self._servers.runs(network_id):
                self._ask(network_id, served[network_id])

    def _ask(self, network_id: str, served: ServedNetwork) -> None:
        """Ask for what a machine would get. That it is noted in the log is enough."""
        interface, terms = served.state.interface, served.terms
        leases, before = self._leases.of(network_id), self._logs.words(network_id)
        of_ports = (promises(p, terms, served.state, leases) for p in served.ports.values())
        question = next((one.question for of_port in of_ports for one in of_port), None)
        if interface is None or question is None:
            return
        try:
            answers = self._prober.ask(network_id, interface, [question])
        except OSError as error:
            LOG.debug("network %s: its dnsmasq cannot be asked: %s", network_id, error)
            return
        was_heard = bool(answers) or self._logs.words(network_id) != before
        self._liveness.note_question(network_id, was_heard=was_heard)

"""Asks dnsmasq about ports: once, and again while an answer is not as promised.

Files only show what dnsmasq was told. Only its answer shows whether it offers the address with its
options: the address may be leased or declined, an option dropped, a release not done.
"""

import logging
import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence

from ipam.agent.desired import ServedNetwork, ServedPort
from ipam.agent.observed import ObservedNetwork
from ipam.agent.outside import Logs, Prober
from ipam.agent.proof import Promise, promises, shortcoming, uncovered
from ipam.agent.retries import Retries
from ipam.agent.state import NetworkState
from ipam.agent.troubles import of_verdicts

LOG = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 0.05
LONGEST_RETRY_SECONDS = 5.0
LASTING_SECONDS = 1.0
"""A shortcoming that ends within this time is not reported, such as a lease about to end."""
LONGEST_TURN_SECONDS = 0.2
MOST_AT_ONCE = 200


class Proofs:
    """What was asked about each port, and what is still to be asked. Not thread-safe."""

    def __init__(
        self, prober: Prober, logs: Logs, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._prober = prober
        self._logs = logs
        self._monotonic = monotonic
        self._proved: dict[str, int] = {}
        self._failed = Retries(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS)
        self._lasting: dict[str, str] = {}
        self._until = math.inf
        self._candidates: set[str] = set()
        self._is_unfinished = False

    @property
    def troubles(self) -> Mapping[str, str]:
        """What ports lack, by port id. Any thread may call it."""
        return self._lasting.copy()

    def begin_turn(self) -> None:
        """Begin a turn, in which questions take no longer than LONGEST_TURN_SECONDS."""
        self._until = self._monotonic() + LONGEST_TURN_SECONDS
        self._candidates, self._is_unfinished = set(), False

    def end_turn(self) -> float:
        """End a turn. Gives the seconds until there is something to ask again.

        Failures of ports that did not have to be proved in this turn are forgotten.
        """
        self._failed.keep(self._candidates)
        self._lasting = {k: one for k, one in self._lasting.items() if k in self._candidates}
        return 0.0 if self._is_unfinished else self._failed.soonest(self._monotonic())

    def is_known(self, port: ServedPort) -> bool:
        """Whether the port was proved before and has not changed since."""
        return self._proved.get(port.id) == port.revision_number

    def prove(
        self,
        served: ServedNetwork,
        wanted: NetworkState,
        seen: ObservedNetwork,
        ports: Sequence[ServedPort],
    ) -> Collection[str]:
        """The ids of the ports that dnsmasq answers as promised.

        Of a network that is served as wanted. Those that were asked about in vain are left alone
        for a while; what there is no time for in this turn is left for the next one.
        """
        now = self._monotonic()
        self._candidates.update(port.id for port in ports)
        due = [port for port in ports if not self._failed.seconds_left(port.id, now)]
        most = MOST_AT_ONCE if now <= self._until else 0
        self._is_unfinished |= len(due) > most
        due = due[:most]
        if not due:
            return ()
        of_ports = {port.id: promises(port, wanted, seen.leases) for port in due}
        said = self._ask(served, wanted, of_ports)
        lacks = {port.id: uncovered(port, wanted) or said[port.id] for port in due}
        for port in due:
            self._note(port, lacks[port.id])
        return [port_id for port_id in lacks if not lacks[port_id]]

    def keep(self, port_ids: Collection[str]) -> None:
        """Forget all ports except these."""
        self._proved = {key: one for key, one in self._proved.items() if key in port_ids}

    def _ask(
        self, served: ServedNetwork, wanted: NetworkState, of_ports: Mapping[str, list[Promise]]
    ) -> Mapping[str, str]:
        """What each port lacks, by its id; empty if it lacks nothing."""
        network_id, interface = served.state.id, wanted.interface
        assert interface is not None, wanted  # a server has its interface
        questions = [one.question for of_port in of_ports.values() for one in of_port]
        try:
            answers = self._prober.ask(network_id, interface, questions)
        except OSError as error:
            return dict.fromkeys(of_ports, f"dnsmasq cannot be asked: {error}")
        said = of_verdicts(served, self._logs.verdicts(network_id))
        return {
            port_id: " ".join(filter(None, (shortcoming(one, answers) for one in of_port)))
            or said.get(port_id, "")
            for port_id, of_port in of_ports.items()
        }

    def _note(self, port: ServedPort, lacks: str) -> None:
        if not lacks:
            self._proved[port.id] = port.revision_number
            self._failed.succeeded(port.id)
            if port.id in self._lasting:
                self._lasting = {k: one for k, one in self._lasting.items() if k != port.id}
                LOG.info("port %s: dnsmasq answers as promised", port.id)
            return
        self._proved.pop(port.id, None)
        delay = self._failed.failed(port.id, lacks, self._monotonic())
        if delay >= LASTING_SECONDS and self._lasting.get(port.id) != lacks:
            self._lasting = {**self._lasting, port.id: lacks}
            LOG.warning("port %s: %s", port.id, lacks)

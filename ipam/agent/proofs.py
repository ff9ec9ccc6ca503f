"""Asks dnsmasq about ports: once, and again while an answer is not as promised.

Files only show what dnsmasq was told. Only its answer shows whether it offers the address with its
options: the address may be leased or declined, an option dropped, a release not done.
"""

import logging
import math
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from ipam.agent.advertisement_proof import Heard
from ipam.agent.advertisement_proofs import AdvertisementProofs
from ipam.agent.observed import ObservedNetwork
from ipam.agent.outside import Logs, Prober
from ipam.agent.promised import Terms
from ipam.agent.proof import Lacks, in_all, lacks, promises
from ipam.agent.retries import Retries
from ipam.agent.served import ServedNetwork, ServedPort
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
        self._advertisements = AdvertisementProofs(prober)
        self._logs = logs
        self._monotonic = monotonic
        self._proved: dict[str, tuple[int, Terms]] = {}
        self._failed = Retries(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS)
        self._lasting: dict[str, Lacks] = {}
        self._unserved: frozenset[str] = frozenset()
        self._until = math.inf
        self._candidates: set[str] = set()
        self._is_unfinished = False

    @property
    def troubles(self) -> Mapping[str, str]:
        """What is lacking, by the id of a port, subnet or network. Any thread may call it.

        Of what all machines of a subnet lack, one is the example.
        """
        found: dict[str, str] = {}
        for port_id, one in self._lasting.copy().items():
            said = one.elsewhere if not one.of_port else ((port_id, one.of_port), *one.elsewhere)
            for key, sentence in said:
                found.setdefault(key, sentence)
        return found

    @property
    def unserved(self) -> Collection[str]:
        """The ids of the ports whose machines get no address, for so long that it is no moment."""
        return self._unserved

    def begin_turn(self) -> None:
        """Begin a turn. Networks are looked at for LONGEST_TURN_SECONDS."""
        self._until = self._monotonic() + LONGEST_TURN_SECONDS
        self._candidates, self._is_unfinished = set(), False

    def has_time(self) -> bool:
        """Whether there is time in this turn for another network."""
        return self._monotonic() <= self._until

    def postpone(self, ports: Iterable[str]) -> None:
        """Leave the ports with these ids, whatever is known of them, for the next turn."""
        self._candidates.update(ports)
        self._is_unfinished = True

    def end_turn(self) -> float:
        """End a turn. Gives the seconds until there is something to ask again.

        Failures of ports that did not have to be proved in this turn are forgotten.
        """
        self._failed.keep(self._candidates)
        self._lasting = {k: one for k, one in self._lasting.items() if k in self._candidates}
        self._unserved &= self._candidates
        return 0.0 if self._is_unfinished else self._failed.soonest(self._monotonic())

    def is_known(self, port: ServedPort, of_network: Terms) -> bool:
        """Whether the port was proved before, and neither it nor its network has changed since."""
        revision, then = self._proved.get(port.id, (-1, None))
        return revision == port.revision_number and then is of_network

    def prove(
        self,
        served: ServedNetwork,
        wanted: NetworkState,
        seen: ObservedNetwork,
        ports: Sequence[ServedPort],
    ) -> Collection[str]:
        """The ids of the ports that dnsmasq answers as promised.

        Of a network that is served as wanted. Those that were asked about in vain are left alone
        for a while; of more than MOST_AT_ONCE the rest is left for the next turn.
        """
        now = self._monotonic()
        self._candidates.update(port.id for port in ports)
        due = [port for port in ports if not self._failed.seconds_left(port.id, now)]
        self._is_unfinished |= len(due) > MOST_AT_ONCE
        due = due[:MOST_AT_ONCE]
        if not due:
            return ()
        found = self._ask(served, wanted, seen, due)
        self._note(served, due, found)
        return [port_id for port_id, one in found.items() if not one]

    def doubt(self, port_ids: Collection[str]) -> None:
        """Ask anew about these ports."""
        for port_id in port_ids:
            self._proved.pop(port_id, None)

    def keep(self, port_ids: Collection[str], network_ids: Collection[str]) -> None:
        """Forget all ports and networks except these."""
        self._proved = {key: one for key, one in self._proved.items() if key in port_ids}
        self._advertisements.keep(network_ids)

    def _ask(
        self,
        served: ServedNetwork,
        wanted: NetworkState,
        seen: ObservedNetwork,
        ports: Sequence[ServedPort],
    ) -> Mapping[str, Lacks]:
        """What each port lacks, by its id."""
        network_id, interface = served.state.id, wanted.interface
        assert interface is not None, wanted  # a server has its interface
        of_ports = {p.id: promises(p, served.terms, wanted, seen.leases) for p in ports}
        questions = [one.question for of_port in of_ports.values() for one in of_port]
        heard = Heard()
        try:
            answers = self._prober.ask(network_id, interface, questions) if questions else {}
            if any(port.is_advertised_to for port in ports):
                heard = self._advertisements.prove(network_id, interface, served.terms)
        except OSError as error:
            return dict.fromkeys(of_ports, Lacks(f"dnsmasq cannot be asked: {error}"))
        said = of_verdicts(served, self._logs.verdicts(network_id))
        return {
            port.id: in_all(
                port,
                wanted,
                [lacks(one, answers) for one in of_ports[port.id]],
                heard,
                said.get(port.id, ""),
            )
            for port in ports
        }

    def _note(
        self, served: ServedNetwork, ports: Sequence[ServedPort], found: Mapping[str, Lacks]
    ) -> None:
        lasting, unserved = dict(self._lasting), set(self._unserved)
        said = {sentence for one in lasting.values() for sentence in one.sentences()}
        for port in ports:
            lacking = found[port.id]
            if lacking:
                delay = self._note_failure(port.id, lacking, lasting, said)
                if not lacking.gets_address and delay >= LONGEST_RETRY_SECONDS:
                    unserved.add(port.id)
            else:
                self._proved[port.id] = (port.revision_number, served.terms)
                self._failed.succeeded(port.id)
                if lasting.pop(port.id, None):
                    LOG.info("port %s: dnsmasq answers as promised", port.id)
            if lacking.gets_address and port.id in unserved:
                unserved.remove(port.id)
                self._is_unfinished = True  # the next turn reports it, at once
        self._lasting, self._unserved = lasting, frozenset(unserved)

    def _note_failure(
        self, port_id: str, lacking: Lacks, lasting: dict[str, Lacks], said: set[str]
    ) -> float:
        """Note it, in `lasting` if it lasts. Gives the seconds until the next question."""
        self._proved.pop(port_id, None)
        delay = self._failed.failed(port_id, str(lacking), self._monotonic())
        if delay >= LASTING_SECONDS and lasting.get(port_id) != lacking:
            lasting[port_id] = lacking
            if news := [one for one in lacking.sentences() if one not in said]:
                LOG.warning("port %s: %s", port_id, "; ".join(news))
                said.update(news)
        return delay

"""Reads the log of every dnsmasq of this host in one thread, so that no log grows.

The lines go into the agent's log for operators, up to a bound. Messages about what dnsmasq did not
do are kept while they hold.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from ipam.agent.dnsmasq.answered import Answer, Ended
from ipam.agent.dnsmasq.current_verdicts import CurrentVerdicts
from ipam.agent.dnsmasq.refusals import DECLINED, Refused
from ipam.agent.dnsmasq.server_log import ServerLog, text_of
from ipam.agent.dnsmasq.verdicts import Kind, Verdict
from ipam.agent.host.log_watch import LogWatch

LOG = logging.getLogger(__name__)


def _ignore(_network_id: str, _address: str, _mac_address: str) -> None:
    """Nobody wants to know."""


class ServerLogs:
    """The logs by network id. Any thread may use it."""

    def __init__(
        self,
        on_news: Callable[[], None],
        on_given: Callable[[str, str, str], None] = _ignore,
    ) -> None:
        """`on_given` is told network id, IP and MAC address of each lease that was given."""
        self._on_news = on_news
        self._on_given = on_given
        self._lock = threading.Lock()
        self._logs: dict[str, ServerLog] = {}
        self._watch = LogWatch()
        self._thread = threading.Thread(target=self._run, name="dnsmasq-logs", daemon=True)

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    def stop(self) -> None:
        """Stop reading. Does nothing if it was not started.

        Each dnsmasq runs on, and its lines wait for the next reader.
        """
        self._watch.stop()
        if self._thread.is_alive():
            self._thread.join()
        for network_id in list(self._logs):
            self.close(network_id)
        self._watch.close()

    def open(self, network_id: str, directory: Path) -> None:
        """Read the network's log from now on, if it is not read yet."""
        with self._lock:
            if network_id not in self._logs:
                log = self._logs[network_id] = ServerLog(network_id, directory, self._on_given)
                self._watch.watch(network_id, log.file.path)

    def begin_anew(self, network_id: str) -> int:
        """See outside.Logs."""
        with self._lock:
            log = self._logs[network_id]
            log.read_all()
            log.current = CurrentVerdicts()
            log.answered.begin_anew()
            log.tail.clear()
            return log.file.begin_anew()

    def reloads(self, network_id: str) -> None:
        """Note that dnsmasq reads its files anew: it forgets which addresses were declined."""
        with self._lock:
            log = self._logs[network_id]
            log.read()
            log.current.forget_declined()

    def close(self, network_id: str) -> None:
        """Close the log of a network without dnsmasq."""
        with self._lock:
            log = self._logs.pop(network_id, None)
            if log is not None:
                self._watch.unwatch(network_id)
                log.file.close()

    def is_worn(self, network_id: str) -> bool:
        """See outside.Logs."""
        with self._lock:
            log = self._logs.get(network_id)
            return log is not None and log.file.is_worn()

    def last_words(self, network_id: str) -> str:
        """The last lines of the network's dnsmasq, including those not read yet."""
        with self._lock:
            log = self._logs[network_id]
            log.read()
            return "; ".join(text_of(line) for line in log.tail)

    def words(self, network_id: str) -> int:
        """See outside.Logs. Lines that are not read yet are read first."""
        with self._lock:
            log = self._logs.get(network_id)
            if log is None:
                return 0
            log.read()
            return log.words

    def verdicts(self, network_id: str) -> list[Verdict]:
        """The network's verdicts that hold, including those of lines not read yet."""
        with self._lock:
            log = self._logs.get(network_id)
            if log is None:
                return []
            log.read()
            return list(log.current.verdicts(time.monotonic()))

    def network_ids_with_verdicts(self) -> set[str]:
        """The networks that may have verdicts. It reads no lines, as it is asked every second."""
        with self._lock:
            return {key for key, log in self._logs.items() if not log.current.is_empty()}

    def reason_of_end(self, network_id: str, address: str) -> str:
        """Why the lease of an address ends: its machine declined it; empty for anything else."""
        declined = any(
            one.kind is Kind.ADDRESS_DECLINED and one.address == address
            for one in self.verdicts(network_id)
        )
        return DECLINED if declined else ""

    def answered(self, network_id: str, since: float) -> Mapping[str, Answer]:
        """See outside.Logs. Lines that are not read yet are read first."""
        with self._lock:
            log = self._logs.get(network_id)
            if log is None:
                return {}
            log.read_all()
            return log.answered.since(since)

    def take_ended(self, network_id: str) -> Sequence[Ended]:
        """See outside.Logs."""
        with self._lock:
            log = self._logs.get(network_id)
            return log.answered.take_ended() if log is not None else ()

    def refused_duids(self, network_id: str) -> Collection[str]:
        """The machines that DHCPv6 refused an address since this was asked last."""
        with self._lock:
            log = self._logs.get(network_id)
            if log is None:
                return ()
            found, log.refused_duids = log.refused_duids, set()
            return found

    def expect_probe(self, network_id: str, mac: str) -> None:
        """The next DHCPDISCOVER of this machine is the agent's own."""
        with self._lock:
            if log := self._logs.get(network_id):
                log.current.expect_probe(mac)

    def refusals(self) -> Mapping[str, Collection[Refused]]:
        """By network, the machines that were refused since the last call."""
        with self._lock:
            news = {network_id: log.refusals.news() for network_id, log in self._logs.items()}
        return {network_id: of_network for network_id, of_network in news.items() if of_network}

    def _run(self) -> None:
        while (network_ids := self._watch.wait()) is not None:
            news = [self._read(network_id) for network_id in network_ids]
            if any(news):
                self._on_news()

    def _read(self, network_id: str) -> bool:
        with self._lock:
            log = self._logs.get(network_id)
            if log is None:
                return False  # it was closed meanwhile
            try:
                news = log.read()
            except Exception:
                LOG.exception("network %s: a line of dnsmasq's log", network_id)
                news = False
            if log.file.is_behind:
                self._watch.tell_again(network_id)
            return news

"""Reads the log of every dnsmasq of this host in one thread, so that no log grows.

The lines go into the agent's log for operators, up to a bound. Messages about what dnsmasq did not
do are kept while they hold.
"""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from ipam.agent.dnsmasq.answered import Answer, Answered, Ended
from ipam.agent.dnsmasq.current_verdicts import CurrentVerdicts
from ipam.agent.dnsmasq.files import NAMES
from ipam.agent.dnsmasq.log_file import LogFile
from ipam.agent.dnsmasq.refusals import DECLINED, Refusals, Refused
from ipam.agent.dnsmasq.verdicts import FileRead, Kind, Packet, Verdict, parse
from ipam.agent.host.log_watch import LogWatch

LOG = logging.getLogger(__name__)

LINES_A_SECOND = 200
"""How many lines of one network go into the agent's log. Further lines are only counted."""
TAIL_LINES = 5
ROUTINE = ("inotify: ", "RTR-ADVERT(")
"""How lines begin of which there is one for each change, or every few minutes for ever."""
DHCPV6_ANSWERS = ("DHCPADVERTISE", "DHCPREPLY")
MOST_DUIDS = 100
DUIDS_SECONDS = 0.2
"""So often at most the agent is woken by machines of one network that DHCPv6 refuses."""


class ServerLog:
    """One network's log, and what follows from it. Not thread-safe."""

    def __init__(
        self, network_id: str, directory: Path, on_given: Callable[[str, str, str], None]
    ) -> None:
        self.file = LogFile(directory)
        self._on_given = on_given
        self.current = CurrentVerdicts()
        self.refusals = Refusals()
        self.answered = Answered()
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self.refused_duids: set[str] = set()
        self.words = 0
        """How many lines there were."""
        self._told_of_duids_at = -math.inf
        self._network_id = network_id
        self._directory = str(directory)
        self._names = f"{directory}/{NAMES}/"
        self._second = 0
        self._lines = 0

    def read(self) -> bool:
        """Read what has arrived. True if a new verdict holds."""
        now, news = time.monotonic(), False
        for line in self.file.read():
            self.words += 1
            news |= self._hear(line, now)
        self.file.forget()
        return news

    def read_all(self) -> None:
        """Read as much as there can be."""
        self.read()
        while self.file.is_behind:
            self.read()

    def _hear(self, line: str, now: float) -> bool:
        said = parse(line, self._directory)
        if isinstance(said, Packet):
            if self.current.is_probe(said):
                self.current.hear(said, now)
                return False
            self.refusals.hear(said, int(time.time()))
            if self.answered.hear(said, now):
                self._on_given(self._network_id, said.address, said.client)
            if said.message in DHCPV6_ANSWERS and said.is_refusal:
                return self._refuse(said.client, now)
        is_routine = isinstance(said, FileRead) or self._names in line
        is_routine = is_routine or _text_of(line).startswith(ROUTINE)
        self._forward(line, logging.DEBUG if is_routine else logging.INFO)
        self.tail.append(line)
        if said is None or not self.current.hear(said, now):
            return False
        assert isinstance(said, Verdict), said  # nothing else is news
        return True

    def _refuse(self, duid: str, now: float) -> bool:
        """Note it; True if it is time to speak of it, as a machine may call itself anything."""
        if len(self.refused_duids) < MOST_DUIDS:
            self.refused_duids.add(duid)
        is_time = now >= self._told_of_duids_at + DUIDS_SECONDS
        if is_time:
            self._told_of_duids_at = now
        return is_time

    def _forward(self, line: str, level: int) -> None:
        second = int(time.monotonic())
        if second != self._second:
            if self._lines > LINES_A_SECOND:
                dropped = self._lines - LINES_A_SECOND
                LOG.info("network %s: %d more lines of dnsmasq", self._network_id, dropped)
            self._second, self._lines = second, 0
        self._lines += 1
        if self._lines <= LINES_A_SECOND:
            LOG.log(level, "network %s: dnsmasq: %s", self._network_id, _text_of(line))


def _text_of(line: str) -> str:
    """The line without its head."""
    return line.partition(": ")[2] or line


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
            return "; ".join(line.partition(": ")[2] or line for line in log.tail)

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

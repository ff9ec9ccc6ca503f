"""One dnsmasq's log: what follows from its lines, and what of them goes into the agent's log."""

import logging
import math
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from ipam.agent.dnsmasq.answered import Answered
from ipam.agent.dnsmasq.current_verdicts import CurrentVerdicts
from ipam.agent.dnsmasq.files import NAMES
from ipam.agent.dnsmasq.log_file import LogFile
from ipam.agent.dnsmasq.refusals import Refusals
from ipam.agent.dnsmasq.verdicts import FileRead, Packet, Verdict, parse

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
        is_routine = is_routine or text_of(line).startswith(ROUTINE)
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
            LOG.log(level, "network %s: dnsmasq: %s", self._network_id, text_of(line))


def text_of(line: str) -> str:
    """The line without its head."""
    return line.partition(": ")[2] or line

"""Wakes agents after a change: the one of this host, and those elsewhere that serve the network.

A wake that is not sent, or is lost, costs an agent's poll interval and nothing else. So what is
woken elsewhere has a bound, and whatever goes wrong there is left to the polls.
"""

import contextlib
import logging
import random
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Final

from ipam.protocol import wake_port
from ipam.protocol.wake import Waker
from ipam.protocol.wake_port import WakeEnd
from ipam.store import agents, served_networks
from ipam.store.engine.database import Database, Transaction

LOG = logging.getLogger(__name__)

APART_SECONDS: Final = 0.05
"""An agent is woken so rarely at most; all changes of that time share one wake."""
MOST_A_SECOND: Final = 200
"""So many agents each process wakes a second. Each then asks the API; the others do soon."""
MOST_SAVED: Final = 400
"""So many wakes may be saved up for a network of many hosts."""
REST: Final = 10
"""So many times as long as it works the thread rests, so that it takes little of the database."""
LONGEST_REST_SECONDS: Final = 2.0
"""Longer than that, polls have found all."""


class DistantWakes:
    """Wakes agents of other hosts, in a thread that begins with the first change."""

    def __init__(
        self,
        database: Database,
        *,
        agent_down_time: int,
        send: Callable[[Sequence[WakeEnd], Collection[int]], None] = wake_port.send,
    ) -> None:
        self._database = database
        self._agent_down_time = agent_down_time
        self._send = send
        self._due: set[int] = set()
        self._hosts: set[str] = set()
        self._is_more = False
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None
        self._budget = Budget(time.monotonic())

    def add(
        self, network_pks: Sequence[int], hosts: Collection[str] = (), *, is_more: bool = False
    ) -> None:
        """Wake the agents of these networks and hosts soon. Never blocks, never raises.

        See `turn`.
        """
        with self._news:
            self._due.update(network_pks)
            self._hosts.update(hosts)
            self._is_more |= is_more
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="wakes", daemon=True)
                with contextlib.suppress(RuntimeError):  # there may be no more threads
                    thread.start()
                    self._thread = thread
            self._news.notify()

    def turn(
        self, network_pks: Sequence[int], hosts: Collection[str] = (), *, is_more: bool = False
    ) -> None:
        """Wake as many of them as may be woken now.

        There `is_more` to look at than these networks; for hosts there always is.
        """
        oldest = agents.oldest_heartbeat(self._agent_down_time)
        rows = self._database.read(
            lambda tx: served_networks.wake_ends(tx, network_pks, hosts, oldest_heartbeat=oldest)
        )
        most = self._budget.take(len(rows), time.monotonic())
        some = random.sample(rows, most)
        ends = [WakeEnd(row.wake_ip, row.wake_port, row.wake_key) for row in some]
        self._send(ends, () if is_more or hosts else network_pks)

    def _run(self) -> None:
        while True:
            with self._news:
                while not (self._due or self._hosts):
                    self._news.wait()
                due, self._due = self._due, set()
                hosts, self._hosts = self._hosts, set()
                is_more, self._is_more = self._is_more, False
            began = time.monotonic()
            try:
                self.turn(sorted(due), hosts, is_more=is_more)
            except Exception as error:  # noqa: BLE001  # the thread must go on; agents poll
                LOG.debug("agents of other hosts are not woken: %s", error)
            rest = min(REST * (time.monotonic() - began), LONGEST_REST_SECONDS)
            time.sleep(max(APART_SECONDS, rest))


class Budget:
    """How many wakes may be sent: so many a second, and some that were saved up."""

    def __init__(self, now: float) -> None:
        self._left = float(MOST_SAVED)
        self._at = now

    def take(self, wanted: int, now: float) -> int:
        """How many of those wanted may be sent now."""
        self._left = min(MOST_SAVED, self._left + (now - self._at) * MOST_A_SECOND)
        self._at = now
        taken = min(wanted, int(self._left))
        self._left -= taken
        return taken


class Wakes:
    """What the handlers use. Threads may use it at once."""

    def __init__(self, waker: Waker, distant: DistantWakes | None = None) -> None:
        self._waker = waker
        self._distant = distant

    def near(self) -> None:
        """Wake the agent of this host."""
        self._waker.wake()

    def after(self, tx: Transaction, *network_pks: int, hosts: Iterable[str | None] = ()) -> None:
        """After the commit, wake the agents that may serve these networks, or the new one.

        `hosts` are those that may not serve them any more, or not in this way; empty ones do not
        count.
        """
        named = {host for host in hosts if host}
        tx.on_commit(partial(self._waker.wake, () if named else network_pks))
        if self._distant is not None and (network_pks or named):
            tx.on_commit(partial(self._distant.add, network_pks, named))

    def for_news(self, tx: Transaction, *network_pks: int) -> None:
        """After the commit, wake the agents that may serve these networks.

        What is new are names, or questions to the agents, not what the networks are.
        """
        tx.on_commit(self._waker.wake)
        if self._distant is not None and network_pks:
            tx.on_commit(partial(self._distant.add, network_pks, is_more=True))

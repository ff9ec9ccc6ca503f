"""The leases of this host's dnsmasqs: which they hold, which are recorded, and the difference."""

import functools
import logging
import math
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

from ipam import clock
from ipam.agent.dnsmasq.answered import Answer, Ended
from ipam.agent.leases import passing
from ipam.agent.leases.comparisons import Comparisons
from ipam.agent.leases.differences import (
    Difference,
    completed,
    differences,
    is_same_client,
    rebuilt,
)
from ipam.agent.leases.lease_files import LeaseFiles
from ipam.agent.leases.record import found_event
from ipam.agent.leases.table import LeaseTable
from ipam.agent.outside import Inbox, Logs
from ipam.agent.state import Lease
from ipam.trouble import Trouble

LOG = logging.getLogger(__name__)

AGAIN_SECONDS = 5.0
EXPECTED_SECONDS = 30.0
"""An end that was asked for comes within this time, if it ever does."""
FINDS = 2
"""A hook may be killed. When more is found and no hook has told anything between, none will."""


class ServerLeases:
    """The leases by network id. Not thread-safe."""

    def __init__(
        self,
        directory: Path,
        *,
        host: str,
        table: LeaseTable,
        inbox: Inbox,
        logs: Logs,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`directory` has a directory for each network."""
        self.inbox = inbox
        self._host = host
        self._table = table
        self._logs = logs
        self._files = LeaseFiles(directory, monotonic)
        self._comparisons = Comparisons()
        self._completed: dict[str, tuple[Sequence[Lease], int, Sequence[Lease]]] = {}
        self._ended: dict[str, list[Ended]] = {}
        self._finds: dict[str, tuple[int, int]] = {}
        """How many events its hooks had told, and how often something was found since."""
        self._unreported: set[str] = set()
        self._looked_back: set[str] = set()
        """The networks of which is known what an earlier life had heard."""
        self._monotonic = monotonic
        self._refusal = Trouble()
        self._expected: dict[tuple[str, str], float] = {}

    def of(self, network_id: str) -> Sequence[Lease]:
        """The leases that the network's dnsmasq holds, or those recorded where it does not say.

        Of DHCPv6 those that are recorded, as dnsmasq's file has no MAC addresses for it.
        """
        held, changes = self._files.held(network_id), self._table.changes(network_id)
        if held is None:
            return self._table.leases(network_id)
        before = self._completed.get(network_id)
        if before is not None and before[0] is held and before[1] == changes:
            return before[2]
        found = completed(held, self._table.by_address(network_id))
        self._completed[network_id] = held, changes, found
        return found

    def expect_end(self, network_id: str, address: str) -> None:
        """Note that the agent itself ends the lease of the address."""
        self._expected[network_id, address] = self._monotonic() + EXPECTED_SECONDS

    def take_ended(self) -> Sequence[tuple[str, Lease]]:
        """The leases whose ends were recorded since this was asked last, each with its network.

        Those that the agent itself has ended are left out.
        """
        now = self._monotonic()
        self._expected = {key: until for key, until in self._expected.items() if until > now}
        ended = self._table.take_ended()
        return [(key, one) for key, one in ended if (key, one.ip_address) not in self._expected]

    def networks(self) -> set[str]:
        """The networks with recorded leases, served or not."""
        return self._table.network_ids()

    def compare(self, network_id: str) -> float:
        """Record what the hook of a dnsmasq that runs will not report any more.

        Gives the seconds until there may be more.
        """
        held, changes = self._files.held(network_id), self._table.changes(network_id)
        if held is None:  # it is being written, or the disk is full
            return AGAIN_SECONDS
        gone = self._gone_before(network_id, held)
        ended = [*self._ended.pop(network_id, ()), *self._logs.take_ended(network_id)]
        told = {(one.ip_address, one.mac_address) for one in ended}
        ended += [Ended(self._monotonic(), *one) for one in gone if one not in told]
        if not ended and not self._comparisons.is_news(network_id, held, changes):
            return math.inf
        recorded = self._table.by_address(network_id)
        found = differences(held, recorded)
        if untold := self._untold(network_id, ended, recorded):
            self._ended[network_id] = untold
            found = [*passing.as_differences(untold, recorded), *found]
        due, wait = self._comparisons.due(network_id, held, found, changes, self._monotonic())
        again = self._record(network_id, due)
        if due and again == math.inf:
            self._note_find(network_id)
        return min(wait, again)

    def take_unreported(self) -> set[str]:
        """The networks whose hooks turned out to report nothing; each is told once."""
        found, self._unreported = self._unreported, set()
        return found

    def settle(self, network_id: str, lease_seconds: int) -> None:
        """Record what the hook of a dnsmasq that has ended did not report.

        A lease of which too little is known ends after `lease_seconds`.
        """
        held = self._files.held(network_id)
        if held is None:
            held = self._rebuilt(network_id, lease_seconds)
            self._files.write(network_id, held)
        self._record(network_id, differences(held, self._table.by_address(network_id)))

    def locate(self, network_id: str, path: str) -> None:
        """The network's dnsmasq keeps its leases there."""
        self._files.locate(network_id, path)

    def prepare(self, network_id: str, path: str, lease_seconds: int) -> None:
        """Have the dnsmasq that is started next, with this file, hold what the one before held.

        Record what its hook did not report, if its own file does not say what it held.
        A lease of which too little is known ends after `lease_seconds`.
        A durable file may be the part that was on disk when the host lost its power: no lease that
        is recorded is missing from it then.
        """
        held, before = self._files.held(network_id), self._files.locate(network_id, path)
        if held is None:  # it has moved, or there is none
            held = self._files.held(network_id)
        recorded = self._table.leases(network_id)
        if held is None:
            held = self._rebuilt(network_id, lease_seconds)
            self._record(network_id, differences(held, self._table.by_address(network_id)))
        elif self._files.is_durable(network_id):
            addresses = {one.ip_address for one in held}
            held = [*held, *(one for one in recorded if one.ip_address not in addresses)]
        self._files.write(network_id, held)
        if str(before) != path:
            before.unlink(missing_ok=True)

    def end(self, network_id: str, leases: Iterable[Lease]) -> None:
        """Record the ends of leases that no dnsmasq will report. Raises OSError."""
        now = clock.now_microseconds()
        found = [found_event(network_id, self._host, "missed", one, now) for one in leases]
        self.inbox.record(found)

    def end_stopped(self, network_id: str, lease: Lease) -> None:
        """End a lease of a dnsmasq that does not run, so that the next one has none."""
        held = self._files.held(network_id)
        leases = self._table.leases(network_id) if held is None else held
        left = [
            one
            for one in leases
            if one.ip_address != lease.ip_address or not is_same_client(one, lease)
        ]
        self.end(network_id, [lease])
        self._files.write(network_id, left)

    def forget(self, network_id: str) -> None:
        """Nothing of the network is left."""
        self._files.forget(network_id)
        self._comparisons.forget(network_id)
        self._completed.pop(network_id, None)
        self._finds.pop(network_id, None)
        self._ended.pop(network_id, None)
        self._looked_back.discard(network_id)

    def _untold(
        self, network_id: str, ended: Iterable[Ended], recorded: Mapping[str, Lease]
    ) -> list[Ended]:
        """What machines gave back, as dnsmasq said, and nobody recorded."""
        last_end = functools.partial(self._table.last_end, network_id)
        return passing.untold(ended, recorded, last_end) if ended else []

    def _gone_before(self, network_id: str, held: Iterable[Lease]) -> list[tuple[str, str]]:
        """Once in this life: what an earlier one heard dnsmasq give, and what is gone by now."""
        if network_id in self._looked_back:
            return []
        self._looked_back.add(network_id)
        self._logs.words(network_id)  # which reads the ends that the earlier one did not hear
        there = {(one.ip_address, one.mac_address) for one in held}
        return [one for one in self._table.given_before(network_id) if one not in there]

    def _note_find(self, network_id: str) -> None:
        heard = self.inbox.heard(network_id)
        then, finds = self._finds.get(network_id, (heard, 0))
        finds = finds + 1 if then == heard else 1
        self._finds[network_id] = heard, finds
        if finds == FINDS:  # and not again while nothing is told: then it is another cause
            self._unreported.add(network_id)

    def _rebuilt(self, network_id: str, lease_seconds: int) -> Sequence[Lease]:
        """The leases of a dnsmasq that has left a part of its file, or no file at all."""
        answered: dict[str, Answer] = {}
        if last := self._files.last_whole(network_id):
            since, base = last
        else:
            since, base = -math.inf, self._table.leases(network_id)
            known = {one.ip_address for one in base}
            given = self._table.given_before(network_id)
            answered = {ip: Answer(mac) for ip, mac in given if ip not in known}
        answered.update(self._logs.answered(network_id, since))
        part, now = self._files.part(network_id), clock.now_seconds()
        return rebuilt(base, answered, part, now, lease_seconds)

    def _record(self, network_id: str, found: Collection[Difference]) -> float:
        """Record them. Gives the seconds until to try again if the disk refuses."""
        if not found:
            return math.inf
        now = clock.now_microseconds()
        events = [found_event(network_id, self._host, one.action, one.lease, now) for one in found]
        try:
            self.inbox.record(events)
        except OSError as error:
            if self._refusal.begins(str(error)):
                LOG.warning("leases that no hook reported cannot be recorded: %s", error)
            return AGAIN_SECONDS
        self._refusal.ends()
        LOG.warning(
            "network %s: dnsmasq's hook did not report %d events; recorded by what dnsmasq holds",
            network_id,
            len(events),
        )
        return math.inf

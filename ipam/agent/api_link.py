"""Talks to the API in one thread: asks what to serve, reports ports, sends heartbeats.

The wake socket only makes it faster; the poll alone is enough to be right. Networks that a wake
names are read before the poll, which takes longer the more networks a host has. If the API does
not answer, the thread goes on asking, and the rest of the agent serves what was last known.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence

from msgspec import UNSET

from ipam import clock
from ipam.agent.last_known_networks import LastKnownNetworks
from ipam.agent.names.news import NameNews
from ipam.agent.whereabouts import reach_of
from ipam.chunks import chunks
from ipam.client import Client
from ipam.errors import AgentHostInUse, AgentNotFound, AgentReportRequired, IpamError
from ipam.protocol.address_checks import (
    AddressCheckAnswer,
    AskedAddressCheck,
    read_address_checks,
)
from ipam.protocol.dhcp_state import FullNetwork, read_digests, read_networks
from ipam.protocol.dns_lookups import AskedLookup, LookupAnswer, read_lookups
from ipam.protocol.dns_names import CURSOR_HEADER, read_changes
from ipam.protocol.probes import (
    MOST_AT_ONCE as PROBES_PER_REQUEST,
)
from ipam.protocol.probes import AskedProbe, ProbeAnswer, ProbeAnswers, read_asked
from ipam.protocol.recovery import HeldLease, parts_of
from ipam.protocol.refusals import MOST_AT_ONCE as REFUSALS_PER_REQUEST
from ipam.protocol.refusals import SeenRefusal, SeenRefusals
from ipam.protocol.reports import MOST_AT_ONCE as PORTS_PER_REPORT
from ipam.protocol.reports import (
    AgentFacts,
    AgentReport,
    NetworkFacts,
    SeenPort,
    SeenPorts,
    read_agent_id,
)
from ipam.protocol.wake import WakeSocket, Woken
from ipam.protocol.wire import parsed
from ipam.trouble import Trouble

LOG = logging.getLogger(__name__)

NETWORKS_PER_REQUEST = 50
TELL_ALL_SECONDS = 600.0
AFTER_CHANGE_SECONDS = 0.5
"""So long after networks that a wake named all others are asked for: these are served first."""
SOONEST_HEARTBEAT_SECONDS = 1.0
"""The least time between heartbeats that are sent only because a count changed."""


class ApiLink:
    """Keeps `networks` current, and calls `on_change` after each change of it.

    It calls `on_heard` when `heard_at` is another.
    """

    def __init__(
        self,
        client: Client,
        known: LastKnownNetworks,
        names: NameNews,
        *,
        host: str,
        zone: str,
        wake: WakeSocket,
        poll_seconds: float,
        report_seconds: float,
        facts: Callable[[], AgentFacts],
        whereabouts: Callable[[], Mapping[str, NetworkFacts] | None],
        on_change: Callable[[], None],
        answer: Callable[[Sequence[AskedProbe]], list[ProbeAnswer]],
        look_up: Callable[[AskedLookup], LookupAnswer],
        check_addresses: Callable[[AskedAddressCheck], AddressCheckAnswer],
        refusals: Callable[[], list[SeenRefusal]],
        held_leases: Callable[[], Sequence[HeldLease]],
        on_displaced: Callable[[AgentHostInUse], None],
        on_heard: Callable[[], None],
        wake_ip: Callable[[], str] = lambda: "",
    ) -> None:
        """`wake_ip` is the address at which the API may wake it; empty for none."""
        self.networks: Mapping[str, FullNetwork] = known.load()
        self._client = client
        self._known = known
        self._names = names
        self._host = host
        self._zone = zone or None
        self._poll_seconds = poll_seconds
        self._report_seconds = report_seconds
        self._facts = facts
        self._whereabouts = whereabouts
        self._on_change = on_change
        self._answer = answer
        self._look_up = look_up
        self._check_addresses = check_addresses
        self._refusals = refusals
        self._held_leases = held_leases
        self._on_displaced = on_displaced
        self._on_heard = on_heard
        self.heard_at = float("-inf")
        """When the last heartbeat began after which the API has said what to serve."""
        self._other: str | None = None
        self._untold: dict[tuple[str, str], SeenRefusal] = {}
        self._started_at = clock.now_seconds()
        self._agent_id: str | None = None
        self._etag: str | None = None
        self._said: AgentFacts | None = None
        self._told: Mapping[str, NetworkFacts] | None = None
        self._tell_all_at = float("-inf")
        self._heartbeat_at = self._heartbeat_began = float("-inf")
        self._lock = threading.Lock()
        self._reports: dict[str, tuple[int, bool]] = {}
        self._asked = False
        self._trouble = Trouble()
        self._faults: Mapping[str, str] = {}
        self._stopping = False
        self._wake = wake
        self._wake_ip = wake_ip
        self._thread = threading.Thread(target=self._run, name="api-link", daemon=True)

    def introduce(self) -> None:
        """Send the first heartbeat, before anything is served.

        Raises AgentHostInUse if another agent is alive under this host's name. An API that does
        not answer is asked again by the thread.
        """
        try:
            self._heartbeat()
        except AgentHostInUse:
            raise
        except IpamError as error:
            LOG.debug("not introduced yet: %s", error)

    def start(self) -> None:
        """Start the thread."""
        self._wake.bind()
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread after its current request. Does nothing if it was not started."""
        self._stopping = True
        self._wake.interrupt()
        if self._thread.is_alive():
            self._thread.join()

    def report(self, ports: Mapping[str, tuple[int, bool]]) -> None:
        """Report ports: at which revision, and whether DHCP would answer or the tap is missing."""
        with self._lock:
            self._reports.update(ports)
        self._wake.interrupt()

    def ask(self) -> None:
        """Ask the API at once."""
        self._asked = True
        self._wake.interrupt()

    def turn(self) -> None:
        """Send and ask what is due. Raises IpamError if the API does not answer or refuses."""
        self._heartbeat()
        self._send_reports()
        self._known.save_rest()
        self._fetch()
        if self.heard_at != self._heartbeat_began:
            self.heard_at = self._heartbeat_began
            self._on_heard()
        self._send_refusals()

    def _run(self) -> None:
        next_poll = 0.0
        while not self._stopping:
            woken = self._wake.wait(max(0.0, next_poll - time.monotonic()))
            try:
                if time.monotonic() < next_poll and self._does_a_part(woken):
                    if woken is Woken.FROM_OUTSIDE:
                        next_poll = min(next_poll, time.monotonic() + AFTER_CHANGE_SECONDS)
                    continue
                self._asked = False
                self.turn()
                self._recovered()
            except Exception as error:  # noqa: BLE001  # the thread must go on asking
                self._failed(error)
            next_poll = time.monotonic() + self._poll_seconds

    def _does_a_part(self, woken: Woken) -> bool:
        """Do what the wait ended for, if that is all that is to be done now."""
        if woken is Woken.BY_TIME or self._asked or self._trouble or not self._etag:
            return False
        self._send_reports()
        return woken is Woken.FROM_INSIDE or self._fetch_changed(self._wake.changed_networks)

    def _heartbeat(self) -> None:
        facts, networks = self._facts(), self._whereabouts()
        is_news = facts != self._said or (
            networks is not self._told and reach_of(networks) != reach_of(self._told)
        )
        waited = time.monotonic() - self._heartbeat_at
        due = waited >= self._report_seconds or (is_news and waited >= SOONEST_HEARTBEAT_SECONDS)
        if not due and self._agent_id:
            return
        report = AgentReport(
            host=self._host,
            started_at=self._started_at,
            availability_zone=self._zone,
            configurations=parsed(facts),
            wake=self._wake.distant_end(self._wake_ip()),
        )
        if networks is not None and (
            networks != self._told or time.monotonic() >= self._tell_all_at
        ):
            report.networks = parsed(networks)
        body, began = {"agent": parsed(report)}, time.monotonic()
        self._agent_id = read_agent_id(self._client.post("/v2.0/agents", json=body))
        self._said = facts
        if report.networks is not UNSET:
            self._told, self._tell_all_at = networks, time.monotonic() + TELL_ALL_SECONDS
        self._heartbeat_began, self._heartbeat_at = began, time.monotonic()

    def _fetch_changed(self, numbers: Collection[int]) -> bool:
        """Update `networks` by these numbers that a wake named.

        False if all networks are to be asked for: these have not changed, or not for this host.
        """
        if not numbers:
            return False
        path = f"/v2.0/agents/{self._agent_id}/dhcp-state"
        try:
            answer = self._client.get_bytes(path, {"changed": sorted(numbers)})
        except AgentReportRequired:
            return False
        fetched, faults = read_networks(answer)
        news = [row for row in fetched if self._digest_of(row.id) != row.digest]
        if faults or not news:
            return False
        self.networks = {**self.networks, **{row.id: row for row in news}}
        self._on_change()
        for row in news:
            self._known.save(row)
        self._names.ask_early(path, [row.id for row in news])  # which may fail
        return True

    def _digest_of(self, network_id: str) -> str | None:
        known = self.networks.get(network_id)
        return known.digest if known else None

    def _fetch(self) -> None:
        """Update `networks` from the API: reads all digests, then the networks that changed."""
        path = f"/v2.0/agents/{self._agent_id}/dhcp-state"
        asked = {"names_since": self._names.cursor}
        try:
            news = self._client.get_if_changed(path, self._etag, asked)
        except AgentReportRequired:
            self._tell_held()
            raise  # and serve on, until the API has compared what all agents told
        body = news.body
        if body is None:
            self._names.advance(news.headers.get(CURSOR_HEADER))
            self._names.complete(path)
            return
        digests = read_digests(body)
        current = {key: row for key, row in self.networks.items() if key in digests}
        # The first time all networks: statuses on the disk may be of any age.
        moved = [
            key
            for key in digests
            if self._etag is None or key not in current or current[key].digest != digests[key]
        ]
        fetched, faults = self._fetch_in_full(path, moved)
        current.update((row.id, row) for row in fetched)
        if fetched or self._etag is None or current.keys() != self.networks.keys():
            self.networks = current
            self._on_change()
        self._answer_probes(read_asked(body))
        self._answer_lookups(read_lookups(body))
        self._answer_address_checks(read_address_checks(body))
        self._etag = news.etag
        self._tell_of_faults(faults)
        for row in fetched:
            self._known.save(row)
        self._names.take(read_changes(body), digests.keys())
        self._names.advance(news.headers.get(CURSOR_HEADER))
        self._names.complete(path)

    def _tell_held(self) -> None:
        """Tell what this host holds: a backup was restored, and the API knows no later state."""
        parts = parts_of(self.networks, self._held_leases())
        for part in parts:
            self._client.post(f"/v2.0/agents/{self._agent_id}/recovery", json=parsed(part))
        self._etag = None
        LOG.warning(
            "a backup was restored at the API; it was told of %d networks of this host",
            len(self.networks),
        )

    def _fetch_in_full(
        self, path: str, network_ids: Sequence[str]
    ) -> tuple[list[FullNetwork], dict[str, str]]:
        """The networks, and the faults of those that cannot be read, by id."""
        fetched: list[FullNetwork] = []
        faults: dict[str, str] = {}
        for some in chunks(network_ids, NETWORKS_PER_REQUEST):
            answer = self._client.get_bytes(path, {"network_id": some})
            networks, unfit = read_networks(answer)
            fetched += networks
            faults |= unfit
        return fetched, faults

    def _answer_probes(self, asked: Sequence[AskedProbe]) -> None:
        """Say what ports that somebody asks about would get; unanswered ones are asked again."""
        for some in chunks(asked, PROBES_PER_REQUEST):
            body = parsed(ProbeAnswers(self._answer(some)))
            self._client.post(f"/v2.0/agents/{self._agent_id}/probes", json=body)

    def _answer_lookups(self, asked: Sequence[AskedLookup]) -> None:
        for one in asked:
            body = {"dns_answer": parsed(self._look_up(one))}
            self._client.post(f"/v2.0/agents/{self._agent_id}/dns-answer", json=body)

    def _answer_address_checks(self, asked: Sequence[AskedAddressCheck]) -> None:
        for one in asked:
            body = {"address_check": parsed(self._check_addresses(one))}
            self._client.post(f"/v2.0/agents/{self._agent_id}/address-checks", json=body)

    def _tell_of_faults(self, faults: Mapping[str, str]) -> None:
        """Log once what is wrong with a network's description, and once when it is right.

        Networks that could not be read are asked for at each change, so `faults` has all of them.
        """
        for network_id, fault in faults.items():
            if self._faults.get(network_id) != fault:
                LOG.error(
                    "network %s: cannot read what the API says of it, it stays as it is: %s",
                    *(network_id, fault),
                )
        for network_id in self._faults.keys() - faults.keys():
            LOG.info("network %s: nothing is wrong any more with what the API says", network_id)
        self._faults = faults

    def _send_reports(self) -> None:
        with self._lock:
            some = dict(list(self._reports.items())[:PORTS_PER_REPORT])
        for name, wanted in (("down-ports", False), ("ready-ports", True)):
            ports = [
                SeenPort(port_id, revision)
                for port_id, (revision, ready) in some.items()
                if ready is wanted
            ]
            if ports:
                body = parsed(SeenPorts(ports))
                self._client.post(f"/v2.0/agents/{self._agent_id}/{name}", json=body)
        with self._lock:
            for port_id, report in some.items():
                if self._reports.get(port_id) == report:
                    del self._reports[port_id]
            more = bool(self._reports)
        if more:
            self._wake.interrupt()

    def _send_refusals(self) -> None:
        """Tell of machines that DHCP refused, again if that fails; of too many the latest."""
        for one in self._refusals():
            self._untold.pop((one.network_id, one.client), None)
            self._untold[one.network_id, one.client] = one
        some = dict(list(self._untold.items())[-REFUSALS_PER_REQUEST:])
        self._untold = some
        if some:
            body = parsed(SeenRefusals(list(some.values())))
            self._client.post(f"/v2.0/agents/{self._agent_id}/dhcp-refusals", json=body)
            self._untold = {}

    def _failed(self, error: Exception) -> None:
        if isinstance(error, AgentNotFound):  # deleted by an administrator: register again
            self._agent_id = self._etag = self._told = None
        if isinstance(error, AgentHostInUse):
            self._hear_of_another(error)
        if self._trouble.begins(str(error) or repr(error)):
            unforeseen = None if isinstance(error, IpamError) else error
            LOG.warning("serving the last known state: %s", error, exc_info=unforeseen)

    def _hear_of_another(self, refusal: AgentHostInUse) -> None:
        """Give way to the other agent of this host's name, once it is known to be alive.

        The refusal says when the other was heard of. While that stays the same, it may be what
        is left of an agent that has ended, such as this host's own before it was installed anew.
        """
        before, self._other = self._other, str(refusal)
        if before not in (None, self._other):
            self._on_displaced(refusal)

    def _recovered(self) -> None:
        self._other = None
        if self._trouble.ends():
            LOG.warning("the API answers again")

"""Metrics of this process for Prometheus.

Labels have few values: a route is its template, never the path of the request, and `none` for a
method that it does not have. With several worker processes set PROMETHEUS_MULTIPROC_DIR, or a
scrape sees only one of them.
"""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import falcon
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from ipam import clock
from ipam.api.http.operations import REHEARSED, Operation
from ipam.api.service import Service
from ipam.errors import Temporary
from ipam.identity.authentication import REFUSALS
from ipam.store import compute_events, dns_changes, recovery, totals, usage
from ipam.store.outbox import Waiting

PATH: Final = "/metrics"
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE"})
_SPAWNED_BY_MANY = "PROMETHEUS_MULTIPROC_DIR"


class Requests:
    """Middleware that counts requests and measures their time. Put it before all others."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "ipam_http_request_seconds",
            "Time from a request's arrival in the application to its answer.",
            ["method", "route"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._total = Counter(
            "ipam_http_requests",
            "Requests answered.",
            ["method", "route", "status"],
            registry=registry,
        )
        self._in_progress = Gauge(
            "ipam_http_requests_in_progress",
            "Requests being worked on.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._known: dict[tuple[str, str, str], tuple[Any, Any]] = {}

    def process_request(self, req: falcon.Request, _resp: falcon.Response) -> None:
        req.context.started_at = time.perf_counter()
        self._in_progress.inc()

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: object, _succeeded: bool
    ) -> None:
        self._in_progress.dec()
        if REHEARSED in req.env:
            return
        method = req.method if req.method in METHODS else "other"
        # A histogram takes 4 KB: none for each method that a route does not have.
        route = req.uri_template if hasattr(resource, f"on_{method.lower()}") else None
        key = (method, route or "none", str(resp.status)[:3])
        # `labels` checks its arguments each time. There are few, so its results are kept.
        children = self._known.get(key)
        if children is None:
            children = self._known[key] = (
                self._total.labels(*key),
                self._seconds.labels(*key[:2]),
            )
        children[0].inc()
        children[1].observe(time.perf_counter() - req.context.started_at)


class RefusedLogins:
    """Counts requests that were let in for nobody."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._total = Counter(
            "ipam_refused_logins",
            "Requests without credentials, with wrong ones, or put off for too many logins.",
            ["reason"],
            registry=registry,
        )
        for reason in REFUSALS:
            self._total.labels(reason)

    def count(self, reason: str) -> None:
        """Count one."""
        self._total.labels(reason).inc()


class MetricsRoute:
    """GET of the metrics, as [api] metrics allows."""

    def __init__(self, service: Service, registry: CollectorRegistry) -> None:
        self.service = service
        self._registry = registry

    @property
    def operations(self) -> Mapping[str, Operation]:
        public = self.service.settings.api.metrics_public
        shown = Operation("Metrics in Prometheus' text format", text="text/plain", public=public)
        return {"GET": shown}

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        resp.content_type = CONTENT_TYPE_PLAIN_0_0_4
        resp.data = generate_latest(self._scraped())

    def _scraped(self) -> CollectorRegistry:
        if _SPAWNED_BY_MANY not in os.environ:
            return self._registry
        of_all = CollectorRegistry()
        MultiProcessCollector(of_all)  # type: ignore[no-untyped-call]  # as it is published
        of_all.register(CurrentValues(self.service))
        return of_all


class CurrentValues(Collector):
    """Values read at each scrape: of connections, of the allocator, of the database."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        yield from self._pool()
        yield from self._allocator()
        yield from self._database()

    def _pool(self) -> Iterator[Metric]:
        pool = GaugeMetricFamily(
            "ipam_database_connections",
            "Connections of this process to the database.",
            labels=["state"],
        )
        for state, number in self._service.database.connections().items():
            pool.add_metric([state], number)
        yield pool

    def _allocator(self) -> Iterator[Metric]:
        counters = self._service.allocator.counters
        for name, text, number in (
            ("refills", "Searches for candidate addresses.", counters.refills),
            ("collisions", "Candidates that turned out to be taken.", counters.collisions),
            ("exhaustions", "Allocations that found no address.", counters.exhaustions),
        ):
            yield CounterMetricFamily(f"ipam_allocator_{name}", text, value=number)

    def _database(self) -> Iterator[Metric]:
        """Totals; none while the database does not answer, which another metric says."""
        settings, database = self._service.settings.api, self._service.database
        now = clock.now_seconds()
        up = GaugeMetricFamily("ipam_database_up", "Whether the database answered just now.")
        try:
            if settings.metrics_totals:
                yield from _totals(database.read(totals.totals))
                yield from _of_agents(database.read(totals.of_agents))
                yield _recovering(goes_on=database.read(recovery.goes_on))
                yield self._nearly_full()
                yield from _compute_events(database.read(compute_events.waiting))
                yield from self._dns_changes()
            if settings.metrics_per_subnet:
                yield from _of_subnets(database.read(lambda tx: totals.of_subnets(tx, now)))
            if not (settings.metrics_totals or settings.metrics_per_subnet):
                database.ping()
        except Temporary:
            up.add_metric([], 0)
        else:
            up.add_metric([], 1)
        yield up

    def _dns_changes(self) -> Iterator[Metric]:
        zones = self._service.settings.dns.known
        if zones:
            found = self._service.database.read(dns_changes.waiting)
            yield from _dns_changes(found, [zone.name for zone in zones])

    def _nearly_full(self) -> Metric:
        percent = self._service.settings.network.nearly_full_percent
        day = int(time.time()) // clock.SECONDS_PER_DAY
        return GaugeMetricFamily(
            "ipam_subnets_nearly_full",
            "IPv4 subnets with [network] nearly_full_percent or more in use at their last peak.",
            value=self._service.database.read(lambda tx: usage.nearly_full(tx, percent, day)),
        )


def registry(service: Service) -> CollectorRegistry:
    """A registry of this application, so that two applications in a process do not mix."""
    made = CollectorRegistry()
    made.register(CurrentValues(service))
    return made


def _totals(found: Mapping[str, int]) -> Iterator[Metric]:
    for name in totals.COUNTED:
        yield GaugeMetricFamily(f"ipam_{name}", f"All {name}.", value=found[name])
    yield GaugeMetricFamily(
        "ipam_dhcp_refusals",
        "How often DHCP refused the machines listed.",
        value=found["refusals"],
    )
    addresses = GaugeMetricFamily("ipam_addresses", "Addresses by state.", labels=["state"])
    for state in ("owned", "released"):
        addresses.add_metric([state], found[state])
    yield addresses


def _of_agents(found: Mapping[str, totals.OfAgent]) -> Iterator[Metric]:
    wrong = GaugeMetricFamily(
        "ipam_agent_troubles", "What an agent says is not as it should be.", labels=["host"]
    )
    queue = GaugeMetricFamily(
        "ipam_agent_events_waiting",
        "About how many DHCP events waited for one hook at most lately; dnsmasq holds some 375.",
        labels=["host"],
    )
    dropped = CounterMetricFamily(
        "ipam_agent_dropped_frames",
        "Frames that the host's guard has dropped since its agent started: of others' addresses"
        " (spoofed), DHCP beyond the bound (storm), and DHCP that was to pass to or from another"
        " host (fenced).",
        labels=["host", "reason"],
    )
    for host, of_agent in found.items():
        wrong.add_metric([host], of_agent.troubles)
        queue.add_metric([host], of_agent.events_waiting)
        dropped.add_metric([host, "spoofed"], of_agent.spoofed)
        dropped.add_metric([host, "storm"], of_agent.storms)
        dropped.add_metric([host, "fenced"], of_agent.fenced)
    yield wrong
    yield queue
    yield dropped


def _recovering(*, goes_on: bool) -> Metric:
    return GaugeMetricFamily(
        "ipam_recovering",
        "1 while a restored service hears from its agents, and changes nothing.",
        value=int(goes_on),
    )


def _compute_events(found: Waiting) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "ipam_compute_events_waiting", "Events that Nova has not heard yet.", value=found.events
    )
    yield GaugeMetricFamily(
        "ipam_compute_events_oldest_seconds",
        "Age of the oldest of these, 0 without any.",
        value=_age_seconds(found.oldest_at_us),
    )


def _dns_changes(found: Iterable[dns_changes.OfZone], zones: Iterable[str]) -> Iterator[Metric]:
    names = GaugeMetricFamily(
        "ipam_dns_changes_waiting",
        "Names that a zone elsewhere does not have yet as they should be.",
        labels=["zone"],
    )
    failed = GaugeMetricFamily(
        "ipam_dns_changes_failed",
        "Those of these that its name server did not take at the last attempt.",
        labels=["zone"],
    )
    oldest = GaugeMetricFamily(
        "ipam_dns_changes_oldest_seconds", "Age of the oldest, 0 without any.", labels=["zone"]
    )
    waiting = {one.zone: one for one in found}
    for zone in zones:
        one = waiting.get(zone)
        names.add_metric([zone], one.names if one else 0)
        failed.add_metric([zone], one.failed if one else 0)
        oldest.add_metric([zone], _age_seconds(one.oldest_at_us if one else None))
    yield names
    yield failed
    yield oldest


def _age_seconds(made_at_us: int | None) -> float:
    if made_at_us is None:
        return 0.0
    return max(clock.now_microseconds() - made_at_us, 0) / 1_000_000


def _of_subnets(found: Mapping[str, Mapping[str, int]]) -> Iterator[Metric]:
    family = GaugeMetricFamily(
        "ipam_subnet_addresses", "Addresses of a subnet by state.", labels=["subnet", "state"]
    )
    for subnet_id, states in found.items():
        for state, number in states.items():
            family.add_metric([subnet_id, state], number)
    yield family

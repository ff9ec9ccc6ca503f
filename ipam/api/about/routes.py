"""The paths about the service itself: versions, health, metrics."""

from prometheus_client import CollectorRegistry

from ipam.api.about import fixed_answers, health, metrics, versions
from ipam.api.http.operations import Route
from ipam.api.service import Service


def routes(service: Service, numbers: CollectorRegistry) -> list[tuple[str, Route]]:
    """The paths with their routes; `numbers` are what the metrics show."""
    return [
        ("/", versions.VersionsRoute(service)),
        ("/v2.0", versions.VersionRoute(service)),
        (health.PATH, health.HealthRoute(service)),
        (metrics.PATH, metrics.MetricsRoute(service, numbers)),
        *fixed_answers.routes(service),
    ]

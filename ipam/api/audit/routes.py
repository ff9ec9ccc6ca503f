"""The paths of audit events."""

from ipam.api.audit.wire import KIND
from ipam.api.http.operations import Route
from ipam.api.http.routes import read_routes
from ipam.api.http.service import FrameworkService


def routes(service: FrameworkService) -> list[tuple[str, Route]]:
    """The paths with their routes."""
    return read_routes(service, "/v2.0/audit-events", KIND)

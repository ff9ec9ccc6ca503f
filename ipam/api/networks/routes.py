"""The paths of networks, their tags and their IP availabilities."""

from dataclasses import replace
from functools import partial

from ipam.api.http.kind import Kind
from ipam.api.http.list_query import Request
from ipam.api.http.operations import Route
from ipam.api.http.routes import ListRoute, ShowRoute, write_routes
from ipam.api.http.tags import tag_routes
from ipam.api.networks import availability_wire, wire
from ipam.api.networks.actions import NetworkActions
from ipam.api.service import Service


class AvailabilitiesRoute(ListRoute):
    """GET of the availabilities. With ip_version= only subnets of that version count."""

    def showing(self, request: Request) -> Kind:
        """The kind whose views count only the subnets of the IP version asked for."""
        kind, versions = super().showing(request), request.query.filters.get("ip_version")
        if versions is None:
            return kind
        return replace(kind, views=partial(availability_wire.views, versions=versions))


def routes(service: Service) -> list[tuple[str, Route]]:
    """The paths with their routes."""
    path = "/v2.0/network-ip-availabilities"
    return [
        *write_routes(service, "/v2.0/networks", wire.KIND, NetworkActions(service)),
        *tag_routes(service, "/v2.0/networks", wire.KIND),
        (path, AvailabilitiesRoute(service, availability_wire.KIND)),
        (f"{path}/{{resource_id}}", ShowRoute(service, availability_wire.KIND)),
    ]

"""The paths of networks, their tags and their IP availabilities."""

from ipam.api.http.operations import Route
from ipam.api.http.routes import read_routes, write_routes
from ipam.api.http.tags import tag_routes
from ipam.api.networks import availability_wire, wire
from ipam.api.networks.actions import NetworkActions
from ipam.api.service import Service


def routes(service: Service) -> list[tuple[str, Route]]:
    """The paths with their routes."""
    return [
        *write_routes(service, "/v2.0/networks", wire.KIND, NetworkActions(service)),
        *tag_routes(service, "/v2.0/networks", wire.KIND),
        *read_routes(service, "/v2.0/network-ip-availabilities", availability_wire.KIND),
    ]

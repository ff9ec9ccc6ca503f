"""The paths of subnets, their tags and their addresses."""

from ipam.api.http.operations import Route
from ipam.api.http.routes import write_routes
from ipam.api.http.tags import tag_routes
from ipam.api.service import Service
from ipam.api.subnets.actions import SubnetActions
from ipam.api.subnets.address_route import SubnetAddressesRoute
from ipam.api.subnets.wire import KIND


def routes(service: Service) -> list[tuple[str, Route]]:
    """The paths with their routes."""
    return [
        *write_routes(service, "/v2.0/subnets", KIND, SubnetActions(service)),
        ("/v2.0/subnets/{resource_id}/addresses", SubnetAddressesRoute(service)),
        *tag_routes(service, "/v2.0/subnets", KIND),
    ]

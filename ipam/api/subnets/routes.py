"""The paths of subnets, their tags, their addresses, and how full they are."""

from ipam.api.http.operations import Route
from ipam.api.http.routes import read_routes, write_routes
from ipam.api.http.tags import tag_routes
from ipam.api.service import Service
from ipam.api.subnets.actions import SubnetActions
from ipam.api.subnets.address_route import SubnetAddressesRoute
from ipam.api.subnets.usage_wire import kind as usage_kind
from ipam.api.subnets.wire import KIND


def routes(service: Service) -> list[tuple[str, Route]]:
    """The paths with their routes."""
    usage = usage_kind(service.settings.network.nearly_full_percent)
    return [
        *write_routes(service, "/v2.0/subnets", KIND, SubnetActions(service)),
        ("/v2.0/subnets/{resource_id}/addresses", SubnetAddressesRoute(service)),
        *read_routes(service, "/v2.0/subnet-usages", usage),
        *tag_routes(service, "/v2.0/subnets", KIND),
    ]

"""The paths of subnets: their tags, addresses, what their machines are told, how full they are."""

from ipam.api.http.operations import Route
from ipam.api.http.routes import read_routes, write_routes
from ipam.api.http.tags import tag_routes
from ipam.api.ports.wire import KIND as PORT
from ipam.api.service import Service
from ipam.api.subnets.actions import SubnetActions
from ipam.api.subnets.address_route import SubnetAddressesRoute
from ipam.api.subnets.cut_routes import MergeRoute, SplitRoute
from ipam.api.subnets.effective_options_route import EffectiveOptionsRoute
from ipam.api.subnets.usage_wire import kind as usage_kind
from ipam.api.subnets.wire import KIND


def routes(service: Service) -> list[tuple[str, Route]]:
    """The paths with their routes."""
    usage = usage_kind(service.settings.network.nearly_full_percent)
    return [
        *write_routes(service, "/v2.0/subnets", KIND, SubnetActions(service)),
        ("/v2.0/subnets/{resource_id}/split", SplitRoute(service)),
        ("/v2.0/subnets/{resource_id}/merge", MergeRoute(service)),
        ("/v2.0/subnets/{resource_id}/addresses", SubnetAddressesRoute(service)),
        ("/v2.0/subnets/{resource_id}/dhcp-options", EffectiveOptionsRoute(service, KIND)),
        ("/v2.0/ports/{resource_id}/dhcp-options", EffectiveOptionsRoute(service, PORT)),
        *read_routes(service, "/v2.0/subnet-usages", usage),
        *tag_routes(service, "/v2.0/subnets", KIND),
    ]

"""The paths of subnet pools, their prefixes and tags, and of address scopes."""

from ipam.api.http.operations import Route
from ipam.api.http.routes import write_routes
from ipam.api.http.tags import tag_routes
from ipam.api.service import Service
from ipam.api.subnet_pools import address_scope_wire, wire
from ipam.api.subnet_pools.actions import SubnetPoolActions
from ipam.api.subnet_pools.address_scope_actions import AddressScopeActions
from ipam.api.subnet_pools.prefix_routes import PrefixesRoute


def routes(service: Service) -> list[tuple[str, Route]]:
    """The paths with their routes."""
    pools, scopes = SubnetPoolActions(service), AddressScopeActions(service)
    one = "/v2.0/subnetpools/{resource_id}"
    return [
        *write_routes(service, "/v2.0/subnetpools", wire.KIND, pools),
        (f"{one}/add_prefixes", PrefixesRoute(pools, service, add=True)),
        (f"{one}/remove_prefixes", PrefixesRoute(pools, service, add=False)),
        *tag_routes(service, "/v2.0/subnetpools", wire.KIND),
        *write_routes(service, "/v2.0/address-scopes", address_scope_wire.KIND, scopes),
    ]

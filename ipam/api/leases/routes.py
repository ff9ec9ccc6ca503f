"""The paths of leases, their history, who was refused one, and the history of allocations."""

from ipam.api.http.operations import Route
from ipam.api.http.routes import read_routes
from ipam.api.leases import allocation_event_wire, refusal_wire, wire
from ipam.api.leases.event_routes import LeaseEventRoute, LeaseEventsRoute
from ipam.api.leases.holder_route import AddressHoldersRoute
from ipam.api.leases.release_route import LeaseReleaseRoute
from ipam.api.service import Service


def routes(service: Service) -> list[tuple[str, Route]]:
    """The paths with their routes."""
    return [
        *read_routes(service, "/v2.0/allocation-events", allocation_event_wire.KIND),
        *read_routes(service, "/v2.0/leases", wire.KIND),
        ("/v2.0/leases/{resource_id}/release", LeaseReleaseRoute(service)),
        *read_routes(service, "/v2.0/dhcp-refusals", refusal_wire.KIND),
        ("/v2.0/address-holders", AddressHoldersRoute(service)),
        ("/v2.0/lease-events", LeaseEventsRoute(service)),
        ("/v2.0/lease-events/{resource_id}", LeaseEventRoute(service)),
    ]

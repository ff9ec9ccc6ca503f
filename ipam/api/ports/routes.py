"""The paths of ports, their tags and their bindings to hosts."""

from ipam.api.http.operations import Route
from ipam.api.http.routes import write_routes
from ipam.api.http.tags import tag_routes
from ipam.api.ports.actions import PortActions
from ipam.api.ports.binding_actions import Bindings
from ipam.api.ports.binding_routes import ActivateRoute, BindingRoute, BindingsRoute
from ipam.api.ports.probe_route import ProbeRoute
from ipam.api.ports.wire import KIND
from ipam.api.service import Service


def routes(service: Service) -> list[tuple[str, Route]]:
    """The paths with their routes."""
    bindings, path = Bindings(service), "/v2.0/ports/{resource_id}/bindings"
    actions = PortActions(service)
    return [
        *write_routes(service, "/v2.0/ports", actions.kind, actions),
        *tag_routes(service, "/v2.0/ports", KIND),
        ("/v2.0/ports/{resource_id}/probe", ProbeRoute(service)),
        (path, BindingsRoute(bindings)),
        (f"{path}/{{host}}", BindingRoute(bindings)),
        (f"{path}/{{host}}/activate", ActivateRoute(bindings)),
    ]

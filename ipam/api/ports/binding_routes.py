"""The routes of a port's bindings to hosts."""

from collections.abc import Mapping
from typing import Any, Final

import falcon

from ipam.api.http import list_query
from ipam.api.http.bodies import read_json, respond, unwrap
from ipam.api.http.operations import Operation
from ipam.api.ports.binding_actions import Bindings
from ipam.api.ports.binding_wire import BindingCreate, BindingUpdate, BindingView
from ipam.api.ports.wire import KIND
from ipam.api.service import Service

FILTERS: Final = ("host", "status", "vif_type", "vnic_type")


class BindingsRoute:
    """GET and POST of a port's bindings."""

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings
        self.service = bindings.service

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "GET": Operation(
                "List a port's bindings to hosts",
                response={"bindings": list[BindingView]},
                query={
                    **dict.fromkeys(FILTERS, "Show only bindings with this value; repeat."),
                    "fields": "Show only this field; repeat for more.",
                },
                rule="get_port_binding",
                row=KIND,
            ),
            "POST": Operation(
                "Bind a port to a further host, inactively",
                status=201,
                request=({"binding": BindingCreate},),
                response={"binding": BindingView},
                rule="create_port_binding",
                row=KIND,
            ),
        }

    def on_get(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        fields = list_query.shown_fields(req.query_string)
        wanted = list_query.given_values(req.query_string)
        views = [
            view
            for view in self._bindings.list(resource_id)
            if all(
                getattr(view, name) in wanted.get(name, [getattr(view, name)]) for name in FILTERS
            )
        ]
        respond(resp, {"bindings": [list_query.with_fields(view, fields) for view in views]})

    def on_post(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        made = self._bindings.create(resource_id, _body(req, self.service))
        resp.status = falcon.HTTP_201
        respond(resp, {"binding": made})


class BindingRoute:
    """GET, PUT and DELETE of a port's binding to one host."""

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings
        self.service = bindings.service

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "GET": Operation(
                "Show a port's binding to one host",
                response={"binding": BindingView},
                query={"fields": "Show only this field; repeat for more."},
                rule="get_port_binding",
                row=KIND,
            ),
            "PUT": Operation(
                "Change the vnic_type or profile of a port's binding",
                request=({"binding": BindingUpdate},),
                response={"binding": BindingView},
                rule="update_port_binding",
                row=KIND,
            ),
            "DELETE": Operation(
                "Unbind a port from one host",
                status=204,
                rule="delete_port_binding",
                row=KIND,
            ),
        }

    def on_get(
        self, req: falcon.Request, resp: falcon.Response, resource_id: str, host: str
    ) -> None:
        fields = list_query.shown_fields(req.query_string)
        view = self._bindings.show(resource_id, host)
        respond(resp, {"binding": list_query.with_fields(view, fields)})

    def on_put(
        self, req: falcon.Request, resp: falcon.Response, resource_id: str, host: str
    ) -> None:
        changed = self._bindings.update(resource_id, host, _body(req, self.service))
        respond(resp, {"binding": changed})

    def on_delete(
        self, _req: falcon.Request, resp: falcon.Response, resource_id: str, host: str
    ) -> None:
        self._bindings.delete(resource_id, host)
        resp.status = falcon.HTTP_204


class ActivateRoute:
    """PUT that makes a binding the active one."""

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings

    @property
    def operations(self) -> Mapping[str, Operation]:
        activated = Operation(
            "Make this binding the active one, and the active one inactive",
            response={"binding": BindingView},
            rule="update_port_binding",
            row=KIND,
        )
        return {"PUT": activated}

    def on_put(
        self, _req: falcon.Request, resp: falcon.Response, resource_id: str, host: str
    ) -> None:
        respond(resp, {"binding": self._bindings.activate(resource_id, host)})


def _body(req: falcon.Request, service: Service) -> Any:
    return unwrap(read_json(req, service.settings.api.max_body_bytes), "binding")

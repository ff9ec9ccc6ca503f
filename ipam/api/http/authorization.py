"""Finds the caller of a request, and checks whether the rules allow the request.

It fails closed. A method without an operation is refused when the application is made. If the
route applies the rule itself, its answer is sent only if it did.
"""

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import falcon

from ipam.api.http.access import Access, refuse
from ipam.api.http.operations import Operation, Route
from ipam.api.http.service import FrameworkService
from ipam.errors import PolicyNotAuthorized
from ipam.identity.caller import Caller

Authenticate = Callable[[MutableMapping[str, Any]], Caller]


class Authorization:
    """Falcon middleware. An operation without a rule is only for admins.

    It sets `req.context.caller` (None for public operations), `req.context.params` (those of the
    path) and `req.context.access`, which says what the caller may do.
    """

    def __init__(self, service: FrameworkService, authenticate: Authenticate) -> None:
        self._service = service
        self._authenticate = authenticate
        self._operations: dict[str, Mapping[str, Operation]] = {}

    def add_route(self, app: falcon.App[Any, Any], path: str, route: Route) -> None:
        """Serve the route at this path. Raises ValueError for a method without an operation."""
        operations = route.operations
        for name in dir(route):
            method = name.removeprefix("on_").upper()
            if name.startswith("on_") and method not in operations:
                raise ValueError(f"{method} {path} has no operation that says who may call it.")
        self._operations[path] = operations
        app.add_route(path, route)

    def process_resource(
        self, req: falcon.Request, _resp: falcon.Response, _resource: Any, params: dict[str, Any]
    ) -> None:
        req.context.caller = None
        req.context.params = params
        operation = self.operation(req)
        if operation is not None and operation.public:
            return
        caller = req.context.caller = self._authenticate(req.env)
        if not caller.project_id:
            raise PolicyNotAuthorized(f"The token of {caller} is not scoped to a project.")
        if not caller.roles:
            raise PolicyNotAuthorized(f"{caller} has no role, and without one no right.")
        access = req.context.access = Access(self._service, caller)
        if operation is not None:  # for other methods Falcon answers 405
            self._admit(access, operation, params)

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: object, succeeded: bool
    ) -> None:
        if not succeeded or resource is None or resp.complete:  # complete: not the route's answer
            return
        operation = self.operation(req)
        if operation is None or not (operation.checked_inside or operation.of_host):
            return
        if operation.rule not in req.context.access.applied:
            resp.text = resp.data = None
            raise RuntimeError(f"{req.method} {req.path} was answered without {operation.rule}.")

    def operation(self, req: falcon.Request) -> Operation | None:
        """The operation of this request. Raises KeyError for a route that was not added here."""
        return self._operations[str(req.uri_template)].get(req.method)

    def _admit(self, access: Access, operation: Operation, params: Mapping[str, Any]) -> None:
        if operation.checked_inside:
            return
        rule = operation.rule or ("admin_or_service" if operation.service else "default")
        if operation.row is not None:
            access.require_change(operation.row, params["resource_id"], rule)
            return
        relations = set()
        if operation.project and params[operation.project] == access.caller.project_id:
            relations.add("owner")
        grant = self._service.policy.grant(access.caller, rule)
        if operation.of_host and grant:
            return
        if not grant.covers(relations):
            refuse(rule)

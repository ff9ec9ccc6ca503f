"""What happens around each request: its number, who calls, and whether the rules let it pass."""

import uuid
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import falcon

from ipam.api.http.access import Access, refuse
from ipam.api.http.operations import Operation
from ipam.api.http.service import Service
from ipam.errors import PolicyNotAuthorized
from ipam.identity.caller import Caller

Authenticate = Callable[[MutableMapping[str, Any]], Caller]


class Gate:
    """Falcon middleware. What a route's operations name no rule for is for admins alone."""

    def __init__(self, service: Service, authenticate: Authenticate) -> None:
        self._service = service
        self._authenticate = authenticate
        self._operations: dict[int, Mapping[str, Operation]] = {}

    def process_request(self, req: falcon.Request, _resp: falcon.Response) -> None:
        req.context.request_id = f"req-{uuid.uuid4()}"
        req.context.caller = None

    def process_resource(
        self, req: falcon.Request, _resp: falcon.Response, resource: Any, params: dict[str, Any]
    ) -> None:
        operation = self._operations_of(resource).get(req.method)
        if operation is not None and operation.public:
            return
        caller = req.context.caller = self._authenticate(req.env)
        if not caller.project_id:
            raise PolicyNotAuthorized(f"The token of {caller} is not scoped to a project.")
        if operation is not None:  # what a path does not offer is Falcon's 405
            self._admit(caller, operation, params)

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, _resource: object, _succeeded: bool
    ) -> None:
        request_id = getattr(req.context, "request_id", None) or f"req-{uuid.uuid4()}"
        resp.set_header("X-Openstack-Request-Id", request_id)

    def _admit(self, caller: Caller, operation: Operation, params: Mapping[str, Any]) -> None:
        if operation.checked_inside:
            return
        rule = operation.rule or ("admin_or_service" if operation.service else "default")
        if operation.row is not None:
            access = Access(self._service, caller)
            access.require_change(operation.row, params["resource_id"], rule)
            return
        is_own = bool(operation.project) and params[operation.project] == caller.project_id
        if not self._service.policy.grant(caller, rule).covers(("owner",) if is_own else ()):
            refuse(rule)

    def _operations_of(self, resource: Any) -> Mapping[str, Operation]:
        """The operations of a route, which lives as long as the application and never changes."""
        known = self._operations.get(id(resource))
        if known is None:
            known = self._operations[id(resource)] = resource.operations
        return known

"""Keeps changes back while a restored service hears from its agents."""

from typing import Any

import falcon

from ipam.api.http.authorization import Authorization
from ipam.api.http.operations import READING
from ipam.api.service import Service


class Gate:
    """Falcon middleware behind `Authorization`. What agents tell of a recovery passes."""

    def __init__(self, service: Service, authorization: Authorization) -> None:
        self._watch = service.recovery
        self._authorization = authorization

    def process_resource(
        self, req: falcon.Request, _resp: falcon.Response, _resource: Any, _params: dict[str, Any]
    ) -> None:
        if req.method in READING:
            return
        operation = self._authorization.operation(req)
        if operation is None or not operation.in_recovery:
            self._watch.refuse_changes()

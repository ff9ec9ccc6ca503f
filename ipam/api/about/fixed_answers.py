"""Paths whose answer does not depend on the database.

These are the extensions, and Neutron resources that do not exist here, but that Nova and Horizon
ask for without checking the extensions.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import falcon

from ipam.api.about.extensions import Extension, served
from ipam.api.http.bodies import respond
from ipam.api.http.operations import Operation, Route
from ipam.api.service import Service
from ipam.errors import Conflict, ExtensionNotFound


class AutoAllocatedTopologyNotFound(Conflict):
    """There is no such resource here. Nova handles only the status 409."""

    @property
    def type(self) -> str:
        """The name Neutron gives it."""
        return "AutoAllocationFailure"


class FixedAnswer:
    """GET with an answer that depends only on the path."""

    def __init__(
        self,
        summary: str,
        name: str,
        kind: Any,
        answer: Callable[..., Any],
        also: tuple[int, ...] = (),
    ) -> None:
        form = {name: kind}
        self._operation = Operation(summary, response=form, also=also, rule="get_extension")
        self._name = name
        self._answer = answer

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {"GET": self._operation}

    def on_get(self, _req: falcon.Request, resp: falcon.Response, **path: str) -> None:
        respond(resp, {self._name: self._answer(**path)})


def routes(service: Service) -> list[tuple[str, Route]]:
    """The paths with their routes."""
    extensions = served(service.settings.network.vif_type)
    return [
        (
            "/v2.0/extensions",
            FixedAnswer("List extensions", "extensions", list[Extension], lambda: extensions),
        ),
        (
            "/v2.0/extensions/{alias}",
            FixedAnswer(
                "Show one extension", "extension", Extension, partial(_extension, extensions)
            ),
        ),
        ("/v2.0/floatingips", _empty("floating IPs", "floatingips")),
        ("/v2.0/routers", _empty("routers", "routers")),
        ("/v2.0/security-groups", _empty("security groups", "security_groups")),
        ("/v2.0/service-providers", _empty("service providers", "service_providers")),
        (
            "/v2.0/auto-allocated-topology/{project_id}",
            FixedAnswer(
                "Always 409: networks are made by admins",
                "auto_allocated_topology",
                dict,
                _no_auto,
                also=(409,),
            ),
        ),
    ]


def _empty(words: str, name: str) -> FixedAnswer:
    return FixedAnswer(f"List {words}: there are none", name, list[dict[str, Any]], list)


def _extension(extensions: Sequence[Extension], alias: str) -> Extension:
    for extension in extensions:
        if extension.alias == alias:
            return extension
    raise ExtensionNotFound("Extension with this alias could not be found.")


def _no_auto(project_id: str) -> None:  # noqa: ARG001  # a parameter of the path
    raise AutoAllocatedTopologyNotFound("Automatic networks are not offered: name a network.")

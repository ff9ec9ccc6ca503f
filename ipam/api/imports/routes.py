"""The paths of imports."""

from collections.abc import Mapping
from typing import Final

import falcon

from ipam.api.http.bodies import read_json, respond, unwrap
from ipam.api.http.operations import Operation, Route
from ipam.api.http.routes import ListRoute, ShowRoute
from ipam.api.imports.actions import ImportActions
from ipam.api.imports.wire import KIND, ImportCreate, ImportView, Undone
from ipam.api.service import Service

PATH: Final = "/v2.0/imports"


class ImportsRoute(ListRoute):
    """GET and POST of imports."""

    def __init__(self, service: Service, actions: ImportActions) -> None:
        super().__init__(service, KIND)
        self._actions = actions

    @property
    def operations(self) -> Mapping[str, Operation]:
        made = Operation(
            "Import an estate: make all that the body lists in one transaction, or nothing",
            status=201,
            request=({"import": ImportCreate},),
            response={"import": ImportView},
            rule="create_import",
        )
        return {**super().operations, "POST": made}

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        body = unwrap(read_json(req, self.service.settings.api.max_body_bytes), "import")
        resp.status = falcon.HTTP_201
        respond(resp, {"import": self._actions.create(req.context.caller, body)})


class ReportRoute:
    """GET of the lines that were kept with an import."""

    def __init__(self, actions: ImportActions) -> None:
        self._actions = actions

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "GET": Operation(
                "Show the report of an import: what became of each line that was read",
                response={"report": list[str]},
                rule="get_import",
            )
        }

    def on_get(self, _req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        respond(resp, {"report": self._actions.report(resource_id)})


class UndoRoute:
    """PUT that undoes an import."""

    def __init__(self, actions: ImportActions) -> None:
        self._actions = actions

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "PUT": Operation(
                "Undo an import: delete what it made and nobody changed or uses since",
                response={"undone": Undone},
                rule="undo_import",
            )
        }

    def on_put(self, _req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        respond(resp, {"undone": self._actions.undo(resource_id)})


def routes(service: Service) -> list[tuple[str, Route]]:
    """The paths with their routes."""
    actions = ImportActions(service)
    return [
        (PATH, ImportsRoute(service, actions)),
        (f"{PATH}/{{resource_id}}", ShowRoute(service, KIND)),
        (f"{PATH}/{{resource_id}}/report", ReportRoute(actions)),
        (f"{PATH}/{{resource_id}}/undo", UndoRoute(actions)),
    ]

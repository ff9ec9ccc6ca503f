"""Quotas: how many resources of each kind a project may have and has, and the defaults."""

from collections.abc import Mapping
from typing import Any

import falcon
from msgspec import UNSET

from ipam.api.http import writing
from ipam.api.http.attributes import parse
from ipam.api.http.bodies import read_json, respond, unwrap
from ipam.api.http.operations import Operation
from ipam.api.projects.quota_wire import (
    NOT_LIMITS,
    ProjectQuota,
    Quota,
    QuotaUpdate,
    Usage,
    defaults,
)
from ipam.api.service import Service
from ipam.errors import HTTPBadRequest, NotFound
from ipam.store import quotas
from ipam.store.engine.database import Transaction
from ipam.store.engine.write_again import write_again
from ipam.values import NAME_LENGTH, printable


class TenantQuotaNotFound(NotFound):
    """The project has no limits of its own."""


class QuotasRoute:
    """GET of the projects that have limits of their own."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "GET": Operation(
                "List the quotas of projects that have limits of their own",
                response={"quotas": list[ProjectQuota]},
                rule="get_quota",
            )
        }

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        default = defaults(self._service.settings)
        projects = self._service.database.read(quotas.all_limits)
        listed = [
            ProjectQuota(project_id=project, tenant_id=project, **(default | own))
            for project, own in projects.items()
        ]
        respond(resp, {"quotas": listed})


class QuotaRoute:
    """GET, PUT and DELETE of one project's limits."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def operations(self) -> Mapping[str, Operation]:
        quota = {"quota": Quota}
        changed = Operation(
            "Set a project's quotas; with check_limit, not below what is used",
            request=({"quota": QuotaUpdate},),
            response=quota,
            rule="update_quota",
            project="project_id",
        )
        deleted = Operation(
            "Give a project the default quotas again",
            status=204,
            rule="delete_quota",
            project="project_id",
        )
        return {"GET": _shown("Show a project's quotas", Quota), "PUT": changed, "DELETE": deleted}

    def on_get(self, _req: falcon.Request, resp: falcon.Response, project_id: str) -> None:
        project = _checked(project_id)
        own = self._service.database.read(lambda tx: quotas.own_limits(tx, project))
        respond(resp, {"quota": self._with_defaults(own)})

    def on_put(self, req: falcon.Request, resp: falcon.Response, project_id: str) -> None:
        project = _checked(project_id)
        body = unwrap(read_json(req, self._service.settings.api.max_body_bytes), "quota")
        asked = parse(QuotaUpdate, body, method="PUT").result()
        limits = {
            name: value for name, value in writing.given(asked).items() if name not in NOT_LIMITS
        }
        for named in (asked.project_id, asked.tenant_id):
            if named not in (UNSET, project):
                raise HTTPBadRequest("The project of the body is not that of the path.")

        def write(tx: Transaction) -> dict[str, int]:
            before = quotas.own_limits(tx, project)
            for resource, limit in sorted(limits.items()):
                quotas.set_limit(tx, project, resource, limit)
                tx.note(resource, before.get(resource), limit)
            if asked.check_limit is True:
                _refuse_less_than_used(limits, quotas.used(tx, project, sorted(limits)))
            return quotas.own_limits(tx, project)

        own = write_again(self._service.database, write)
        respond(resp, {"quota": self._with_defaults(own)})

    def on_delete(self, _req: falcon.Request, resp: falcon.Response, project_id: str) -> None:
        project = _checked(project_id)

        def write(tx: Transaction) -> None:
            for resource, limit in quotas.own_limits(tx, project).items():
                tx.note(resource, limit, None)
            if not quotas.forget(tx, project):
                raise TenantQuotaNotFound(f"Quota for tenant {project} could not be found.")

        self._service.database.write(write)
        resp.status = falcon.HTTP_204

    def _with_defaults(self, own: dict[str, int]) -> Quota:
        return Quota(**(defaults(self._service.settings) | own))


class DefaultQuotaRoute:
    """GET of the limits of a project that has none of its own."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {"GET": _shown("Show the default quotas", Quota)}

    def on_get(self, _req: falcon.Request, resp: falcon.Response, project_id: str) -> None:
        _checked(project_id)
        respond(resp, {"quota": Quota(**defaults(self._service.settings))})


class QuotaDetailsRoute:
    """GET of a project's limits and of what it uses."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "GET": _shown("Show a project's quotas with what it uses of them", dict[str, Usage])
        }

    def on_get(self, _req: falcon.Request, resp: falcon.Response, project_id: str) -> None:
        project = _checked(project_id)

        def read(tx: Transaction) -> tuple[dict[str, int], dict[str, int]]:
            used = quotas.used(tx, project, quotas.RESOURCES)
            return quotas.own_limits(tx, project), used

        own, used = self._service.database.read(read)
        limits = defaults(self._service.settings) | own
        respond(
            resp, {"quota": {name: Usage(limits[name], used[name]) for name in quotas.RESOURCES}}
        )


class QuotaOfCallerRoute:
    """GET of the caller's own project, which old clients need before they ask for its quota."""

    def __init__(self, word: str) -> None:
        self._word = word

    @property
    def operations(self) -> Mapping[str, Operation]:
        answer = {self._word: dict[str, str]}
        return {
            "GET": Operation("Show the caller's project", response=answer, rule="get_extension")
        }

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        respond(resp, {self._word: {f"{self._word}_id": req.context.caller.project_id}})


def _shown(summary: str, kind: Any) -> Operation:
    return Operation(summary, response={"quota": kind}, rule="get_quota", project="project_id")


def _refuse_less_than_used(limits: Mapping[str, int], used: Mapping[str, int]) -> None:
    faults = [
        f"Quota limit {limit} for {name} must be greater than or equal to already used"
        f" {used[name]}."
        for name, limit in sorted(limits.items())
        if quotas.UNLIMITED < limit < used[name]
    ]
    if faults:
        raise HTTPBadRequest(faults)


def _checked(project_id: str) -> str:
    """The project of a path, if a database can take the text. Raises HTTPBadRequest."""
    try:
        return printable(project_id[: NAME_LENGTH + 1])
    except ValueError as error:
        raise HTTPBadRequest(f"Invalid input for project_id. Reason: {error}.") from None

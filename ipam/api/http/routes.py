"""The routes of every resource: list, show, create, update, delete.

How to add a resource:
1. Write its msgspec Structs (view; create and update if it can be written) with the types of
`ipam.values`. `msgspec.field(name="router:external")` gives a field another name in JSON.
2. In `ipam/store/`, a `listing.Collection` that maps wire names to columns, and a `views` function
   that turns rows into view structs with a constant number of statements.
3. Make a `Kind` of these, and return its paths from `routes` of its package, which `app.routes`
calls: `read_routes` to read, `write_routes` with an `Actions` to write as well.
Any Falcon resource with an `operations` property can be a further route (see `operations.py`).
The list's filters, sort keys, paging and OpenAPI come with the Kind.
"""

import re
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Protocol

import falcon
from msgspec import Struct

from ipam.api.http import idempotency, list_query, long_lists, writing
from ipam.api.http.access import Access
from ipam.api.http.attributes import refuse_long_lists
from ipam.api.http.bodies import read_json, respond, unwrap, unwrap_each
from ipam.api.http.kind import Kind
from ipam.api.http.operations import Operation, Route
from ipam.api.http.service import FrameworkService
from ipam.api.http.urls import public_url
from ipam.errors import CallerError, HTTPBadRequest, NotFound
from ipam.identity.caller import Caller
from ipam.store.engine.database import Transaction
from ipam.store.engine.reading import read_page, read_pieces
from ipam.values import is_uuid


class Actions(Protocol):
    """Writes a resource. Each call is one transaction."""

    create_struct: type[Struct]
    update_struct: type[Struct]

    def create(self, caller: Caller, bodies: Sequence[Any]) -> list[Any]:
        """Create these bodies, all or none. Gives the views of the new resources."""

    def update(self, caller: Caller, resource_id: str, body: Any, revision: int | None) -> Any:
        """The view after the change. `revision` is that of If-Match."""

    def delete(self, resource_id: str, revision: int | None) -> None:
        """Delete the resource."""


class ListRoute:
    """GET of a collection."""

    def __init__(self, service: FrameworkService, kind: Kind) -> None:
        self.service = service
        self.kind = kind

    @property
    def operations(self) -> Mapping[str, Operation]:
        kind = self.kind
        return {
            "GET": Operation(
                f"List {kind.collection.replace('_', ' ')}",
                response={
                    kind.collection: list[kind.view],  # type: ignore[name-defined]  # at run time
                    f"{kind.collection}_links": list[dict[str, str]],
                },
                listed=(kind.rows, kind.view),
                rule=f"get_{kind.name}",
                checked_inside=True,
            )
        }

    def showing(self, request: list_query.Request) -> Kind:
        """The kind with the fields that this request asks for."""
        return self.kind.showing(request.fields)

    def _page_size_max(self) -> int:
        """The most items in one answer, 0 for any number."""
        bounds = (self.service.settings.api.page_size_max, self.kind.page_size_max)
        return min((bound for bound in bounds if bound), default=0)

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        kind = self.kind
        request = list_query.parse_query(
            req.query_string, kind.rows, kind.view, self._page_size_max()
        )
        access, query = req.context.access, request.query
        filters = query.filters.keys() - kind.filterable
        access.require_visible(kind, (*filters, *(name for name, _ in query.sorts)))
        kind = self.showing(request)
        viewer = access.viewer(kind)

        def shown(views: list[Any]) -> list[Any]:
            access.hide(kind, views)
            return [list_query.with_fields(view, request.fields) for view in views]

        def pieces(tx: Transaction) -> Generator[list[Any], None, None]:
            for rows in read_pieces(tx, kind.rows, query, viewer, long_lists.ROWS):
                yield shown(kind.views(tx, rows))

        if long_lists.may_be_long(kind, query):
            long_lists.respond(resp, kind.collection, self.service.database, pieces)
            return
        views = self.service.database.read(
            lambda tx: kind.views(tx, read_page(tx, kind.rows, query, viewer))
        )
        answer: dict[str, Any] = {kind.collection: shown(views)}
        url = public_url(req, self.service.settings) + req.path
        if found := list_query.links(url, request, [view.id for view in views]):
            answer[f"{kind.collection}_links"] = found
        respond(resp, answer)


class ShowRoute:
    """GET of one item."""

    def __init__(self, service: FrameworkService, kind: Kind) -> None:
        self.service = service
        self.kind = kind

    @property
    def operations(self) -> Mapping[str, Operation]:
        name = self.kind.name
        return {
            "GET": Operation(
                f"Show one {name.replace('_', ' ')}",
                response={name: self.kind.view},
                query={"fields": "Show only this field; repeat for more."},
                rule=f"get_{name}",
                checked_inside=True,
            )
        }

    def on_get(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        fields = list_query.shown_fields(req.query_string)
        access, kind = req.context.access, self.kind.showing(fields)
        viewer = access.viewer(kind)
        try:
            view = self.service.database.read(lambda tx: kind.show(tx, resource_id, viewer))
        except NotFound:
            access.explain_missing(kind, resource_id)
            raise
        access.hide(kind, [view])
        respond(resp, {kind.name: list_query.with_fields(view, fields)})


class WriteListRoute(ListRoute):
    """GET and POST of a collection. POST takes one item or, under the plural, several."""

    def __init__(self, service: FrameworkService, kind: Kind, actions: Actions) -> None:
        super().__init__(service, kind)
        self.actions = actions

    @property
    def operations(self) -> Mapping[str, Operation]:
        name, plural, create = self.kind.name, self.kind.collection, self.actions.create_struct
        made = Operation(
            f"Create one {name}, or several under the name {plural}: all of them or none",
            status=201,
            request=(
                {name: create},
                {plural: list[create]},  # type: ignore[valid-type]  # at run time
            ),
            response={name: self.kind.view},
            response_forms=({plural: list[self.kind.view]},),  # type: ignore[name-defined]
            rule=f"create_{name}",
            checked_inside=True,
        )
        return {**super().operations, "POST": made}

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        body = read_json(req, self.service.settings.api.max_body_bytes)
        name, plural = self.kind.name, self.kind.collection
        resp.status = falcon.HTTP_201
        if plural in body and name not in body:
            bodies = body[plural]
            if not isinstance(bodies, list) or not bodies:
                raise HTTPBadRequest(f"Resources required: '{plural}' is not a list with items.")
            if len(bodies) > (most := self.service.settings.api.bulk_size_max):
                raise HTTPBadRequest(
                    f"Invalid input for {plural}. Reason: It has {len(bodies)} items; at most"
                    f" {most} are made by one request."
                )
            each = unwrap_each(bodies, name)
            respond(resp, self._create(req, each, lambda views: {plural: views}))
        else:
            bodies = [unwrap(body, name)]
            respond(resp, self._create(req, bodies, lambda views: {name: views[0]}))

    def _create(
        self, req: falcon.Request, bodies: Sequence[Any], wrap: Callable[[list[Any]], Any]
    ) -> Any:
        """Create these bodies. Gives the answer with what the caller may see."""
        access: Access = req.context.access
        refuse_long_lists(self.actions.create_struct, bodies)
        access.require_new(self.kind, self.actions.create_struct, bodies)

        def answer(views: list[Any]) -> Any:
            access.hide(self.kind, views)
            return wrap(views)

        idempotency.keep(req, 201, answer)
        return answer(self.actions.create(req.context.caller, bodies))


class WriteShowRoute(ShowRoute):
    """GET, PUT and DELETE of one item."""

    def __init__(self, service: FrameworkService, kind: Kind, actions: Actions) -> None:
        super().__init__(service, kind)
        self.actions = actions

    @property
    def operations(self) -> Mapping[str, Operation]:
        name = self.kind.name
        changed = Operation(
            f"Change one {name}; If-Match: revision_number=N refuses to change another revision",
            request=({name: self.actions.update_struct},),
            response={name: self.kind.view},
            rule=f"update_{name}",
            checked_inside=True,
        )
        deleted = Operation(f"Delete one {name}", status=204, rule=f"delete_{name}", row=self.kind)
        return {**super().operations, "PUT": changed, "DELETE": deleted}

    def on_put(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        if not is_uuid(resource_id):
            raise self.kind.missing(resource_id)
        access, kind = req.context.access, self.kind
        body = unwrap(read_json(req, self.service.settings.api.max_body_bytes), kind.name)
        refuse_long_lists(self.actions.update_struct, [body])
        try:
            access.require_change(kind, resource_id, f"update_{kind.name}", body)
        except CallerError:
            # Faults of the body come before what the caller may not do, as in Neutron.
            writing.read_update(self.actions.update_struct, kind.view, body)
            raise
        caller, revision = req.context.caller, wanted_revision(req)
        view = self.actions.update(caller, resource_id, body, revision)
        access.hide(kind, [view])
        respond(resp, {kind.name: view})

    def on_delete(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        self.actions.delete(resource_id, wanted_revision(req))
        resp.status = falcon.HTTP_204


def read_routes(service: FrameworkService, path: str, kind: Kind) -> list[tuple[str, Route]]:
    """The two paths of a kind that is only read. `path` is that of its collection."""
    return [
        (path, ListRoute(service, kind)),
        (f"{path}/{{resource_id}}", ShowRoute(service, kind)),
    ]


def write_routes(
    service: FrameworkService, path: str, kind: Kind, actions: Actions
) -> list[tuple[str, Route]]:
    """The two paths of a kind that is read and written. `path` is that of its collection."""
    return [
        (path, WriteListRoute(service, kind, actions)),
        (f"{path}/{{resource_id}}", WriteShowRoute(service, kind, actions)),
    ]


def wanted_revision(req: falcon.Request) -> int | None:
    """The revision of `If-Match: revision_number=N`. N may be larger than any revision.

    Raises HTTPBadRequest for another form.
    """
    header = req.get_header("If-Match")
    if header is None:
        return None
    match = re.fullmatch(r'\s*"?revision_number=(-?\d{1,99})"?\s*', header, re.ASCII)
    if match is None:
        raise HTTPBadRequest("Invalid input for If-Match. Reason: it is not revision_number=N.")
    return int(match[1])

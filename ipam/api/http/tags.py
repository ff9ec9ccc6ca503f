"""Tags of any resource with the standard columns: Neutron's standard-attr-tag and tag-creation.

How to give a resource tags: `tags: tuple[str, ...] = ()` in its view and `tags: Tags = []` in
its create struct; `tags.for_row` in its new row; `tags.filters(table)` among the special filters
of its Collection; `tags.forget` before a row is deleted; `tag_routes` among the routes.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import falcon
from msgspec import Struct

from ipam.api.http import idempotency, writing
from ipam.api.http.attributes import parse
from ipam.api.http.bodies import read_json, respond
from ipam.api.http.kind import Kind
from ipam.api.http.operations import Operation, Route
from ipam.api.http.service import FrameworkService
from ipam.errors import HTTPBadRequest, TagNotFound
from ipam.store import tags
from ipam.store.engine.database import Transaction
from ipam.values import NAME_LENGTH, TAGS_MAX, Tags

Change: TypeAlias = Callable[[Sequence[str]], Sequence[str]]
"""Gives the tags after a change, from those before it."""


class TagList(Struct):
    """All tags of one resource, or those to add."""

    tags: Tags


class TagsRoute:
    """GET, PUT, POST and DELETE of all the tags of a resource."""

    def __init__(self, service: FrameworkService, kind: Kind) -> None:
        self._store = _Store(service, kind)
        self._service = service
        self._kind = kind

    @property
    def operations(self) -> Mapping[str, Operation]:
        kind, body = self._kind, {"tags": Tags}
        name = kind.name
        may_read, may_write = _rules(kind)
        return {
            "GET": Operation(f"List the tags of one {name}", response=body, **may_read),
            "PUT": Operation(
                f"Replace the tags of one {name}", request=(body,), response=body, **may_write
            ),
            "POST": Operation(
                f"Add tags to one {name}", status=201, request=(body,), response=body, **may_write
            ),
            "DELETE": Operation(f"Remove all tags of one {name}", status=204, **may_write),
        }

    def on_get(self, _req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        respond(resp, {"tags": self._store.read(resource_id)})

    def on_put(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        wanted = self._given(req)
        changed = self._store.change(resource_id, lambda _before: wanted)
        respond(resp, {"tags": changed})

    def on_post(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        more = self._given(req)
        idempotency.keep(req, 201, lambda after: {"tags": after})
        changed = self._store.change(resource_id, lambda before: [*before, *more])
        resp.status = falcon.HTTP_201
        respond(resp, {"tags": changed})

    def on_delete(self, _req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        self._store.change(resource_id, lambda _before: [])
        resp.status = falcon.HTTP_204

    def _given(self, req: falcon.Request) -> list[str]:
        body = read_json(req, self._service.settings.api.max_body_bytes)
        return list(parse(TagList, body, method=req.method).result().tags)


class TagRoute:
    """GET, PUT and DELETE of one tag of a resource."""

    def __init__(self, service: FrameworkService, kind: Kind) -> None:
        self._store = _Store(service, kind)
        self._kind = kind

    @property
    def operations(self) -> Mapping[str, Operation]:
        name = self._kind.name
        may_read, may_write = _rules(self._kind)
        return {
            "GET": Operation(f"Whether one {name} has the tag", status=204, **may_read),
            "PUT": Operation(f"Add a tag to one {name}", status=201, **may_write),
            "DELETE": Operation(f"Remove a tag of one {name}", status=204, **may_write),
        }

    def on_get(
        self, _req: falcon.Request, resp: falcon.Response, resource_id: str, tag: str
    ) -> None:
        if tag not in self._store.read(resource_id):
            raise _missing(tag)
        resp.status = falcon.HTTP_204

    def on_put(
        self, _req: falcon.Request, resp: falcon.Response, resource_id: str, tag: str
    ) -> None:
        new = _checked(tag)
        self._store.change(resource_id, lambda before: [*before, new])
        resp.status = falcon.HTTP_201

    def on_delete(
        self, _req: falcon.Request, resp: falcon.Response, resource_id: str, tag: str
    ) -> None:
        def without(before: Sequence[str]) -> list[str]:
            if tag not in before:
                raise _missing(tag)
            return [each for each in before if each != tag]

        self._store.change(resource_id, without)
        resp.status = falcon.HTTP_204


class _Store:
    """The tags of one kind of resource in the database."""

    def __init__(self, service: FrameworkService, kind: Kind) -> None:
        self._database = service.database
        self._kind = kind
        self._table: Any = kind.rows.pk.table

    def read(self, resource_id: str) -> tuple[str, ...]:
        """The tags. Raises the kind's `not_found`."""
        row = self._database.read(lambda tx: self._kind.row(tx, resource_id))
        return tags.of_row(row)

    def change(self, resource_id: str, change: Change) -> tuple[str, ...]:
        """The tags after a change, which is made with the resource's row locked."""

        def work(tx: Transaction) -> tuple[str, ...]:
            missing = self._kind.missing(resource_id)
            row = writing.locked(tx, self._table, resource_id, None, missing)
            before = tags.of_row(row)
            after = sorted(set(change(before)))
            if len(after) > max(TAGS_MAX, len(before)):
                raise HTTPBadRequest(
                    f"Invalid input for tags. Reason: It would have {len(after)} items; at most"
                    f" {TAGS_MAX} are allowed."
                )
            tags.replace(tx, self._table, row, after)
            return tuple(after)

        return self._database.write(work)


def tag_routes(service: FrameworkService, path: str, kind: Kind) -> list[tuple[str, Route]]:
    """The paths of the tags of one kind; `path` is that of its collection."""
    return [
        (f"{path}/{{resource_id}}/tags", TagsRoute(service, kind)),
        (f"{path}/{{resource_id}}/tags/{{tag}}", TagRoute(service, kind)),
    ]


def _rules(kind: Kind) -> tuple[dict[str, Any], dict[str, Any]]:
    """The rules of tags: those of showing and of changing their resource."""
    return (
        {"rule": f"get_{kind.name}", "row": kind},
        {"rule": f"update_{kind.name}", "row": kind},
    )


def _missing(tag: str) -> TagNotFound:
    return TagNotFound(f"Tag {tag[:NAME_LENGTH]} could not be found.")


def _checked(tag: str) -> str:
    """A tag from a path. Raises HTTPBadRequest."""
    return parse(TagList, {"tags": [tag]}).result().tags[0]

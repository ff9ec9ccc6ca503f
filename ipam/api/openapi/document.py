"""The OpenAPI 3.1 document, made from the routes and the structs that validate bodies."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import falcon
import msgspec

from ipam.api.http import idempotency, list_query
from ipam.api.http.operations import Operation, Route
from ipam.api.openapi.answers import (
    NeutronError,
    SchemaOf,
    chosen_by_fields,
    close,
    loosen,
    object_of,
    responses,
)
from ipam.store.engine.listing import Collection

REF: Final = "#/components/schemas/{name}"
PATH: Final = "/v2.0/openapi.json"
SECURITY: Final = {
    "basic": {"type": "http", "scheme": "basic"},
    "token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"},
}
"""By [api] auth_strategy: a token of Keystone, or a user of the htpasswd file."""

IDEMPOTENCY_KEY: Final = {
    "name": idempotency.HEADER,
    "in": "header",
    "description": "For 24 hours the same caller's same request under this key is answered as the"
    " first one was, with Idempotent-Replayed: true, and not carried out again. Another request"
    " under it is refused with 422, one whose first answer nobody knows with 409.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}


class OpenApiRoute:
    """GET of the document."""

    def __init__(self, table: Sequence[tuple[str, Route]]) -> None:
        self._table = [*table, (PATH, self)]

    @property
    def operations(self) -> Mapping[str, Operation]:
        answer = Operation("This document", response={}, public=True)
        return {"GET": answer}

    @cached_property
    def written(self) -> bytes:
        """The document as it is sent. It is made once."""
        return msgspec.json.encode(describe(self._table))

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        resp.content_type = falcon.MEDIA_JSON
        resp.data = self.written


def describe(table: Sequence[tuple[str, Route]]) -> dict[str, Any]:
    """The document for these routes."""
    types = list(dict.fromkeys([NeutronError, *_types(table)]))
    schemas, components = msgspec.json.schema_components(types, ref_template=REF)
    by_type = dict(zip(map(repr, types), schemas, strict=True))
    loosen(components)

    def schema_of(kind: Any) -> dict[str, Any]:
        return by_type[repr(kind)]

    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "ipam",
            "summary": "The OpenStack Networking API v2.0 for networks, subnets and ports, and"
            " leases around dnsmasq.",
            "version": _version(),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"token": []}, {"basic": []}],
        "paths": {path: _path(path, route, schema_of, components) for path, route in table},
        "components": {"schemas": components, "securitySchemes": SECURITY},
    }
    close(components, document)
    return document


def _types(table: Sequence[tuple[str, Route]]) -> Iterator[Any]:
    for _, route in table:
        for operation in route.operations.values():
            answers = (operation.response or {}, *operation.response_forms)
            for body in (*operation.request, *answers):
                yield from body.values()


def _path(
    path: str, route: Route, schema_of: SchemaOf, components: dict[str, Any]
) -> dict[str, Any]:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    item: dict[str, Any] = {
        method.lower(): _operation(path, method, operation, schema_of, components)
        for method, operation in route.operations.items()
    }
    if names:
        item["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in names
        ]
    return item


def _operation(
    path: str, method: str, operation: Operation, schema_of: SchemaOf, components: dict[str, Any]
) -> dict[str, Any]:
    words = [part.strip("{}").replace("-", "_") for part in path.split("/") if part] or ["root"]
    words = [word.replace("v2.0", "v2").replace(".", "_") for word in words]
    has_fields = operation.listed is not None or "fields" in operation.query
    shown = chosen_by_fields(schema_of, components) if has_fields else schema_of
    result: dict[str, Any] = {
        "operationId": "_".join([method.lower(), *words]),
        "summary": operation.summary,
        "responses": responses(path, method, operation, shown, schema_of(NeutronError)),
    }
    if operation.public:
        result["security"] = []
    parameters = [*_list_parameters(operation), *_query_parameters(operation.query)]
    if method == "POST":
        parameters.append(IDEMPOTENCY_KEY)
    if parameters:
        result["parameters"] = parameters
    if operation.request:
        bodies = [
            object_of(body, schema_of, optional=operation.optional) for body in operation.request
        ]
        schema = bodies[0] if len(bodies) == 1 else {"oneOf": bodies}
        result["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    return result


def _list_parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    if operation.listed is None:
        return
    collection, view = operation.listed
    for name, sortable in list_query.filter_names(collection).items():
        yield {
            "name": name,
            "in": "query",
            "description": "Show only items with this value; repeat for more values.",
            "schema": {
                "type": "array",
                "items": _scalar(
                    list_query.filter_type(collection, view, name) if sortable else str
                ),
            },
        }
    yield from _paging_parameters(collection)


def _paging_parameters(collection: Collection) -> Iterator[dict[str, Any]]:
    keys = {"type": "array", "items": {"type": "string", "enum": sorted(collection.columns)}}
    directions = {"type": "array", "items": {"type": "string", "enum": ["asc", "desc"]}}
    texts = {"type": "array", "items": {"type": "string"}}
    for name, schema, description in (
        ("fields", texts, "Show only this field; repeat for more."),
        ("sort_key", keys, "Sort by this field; repeat for more."),
        ("sort_dir", directions, "One for each sort_key; asc when left out."),
        ("limit", {"type": "integer", "minimum": 0}, "Items on a page; 0 for all."),
        ("marker", {"type": "string"}, "The id of the last item of the page before."),
        ("page_reverse", {"type": "boolean"}, "The page before the marker, not after it."),
    ):
        yield {"name": name, "in": "query", "schema": schema, "description": description}


def _query_parameters(query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for name, description in query.items():
        schema = {"type": "array", "items": {"type": "string"}}
        yield {"name": name, "in": "query", "schema": schema, "description": description}


def _scalar(kind: type | None) -> dict[str, str]:
    return {"type": {bool: "boolean", int: "integer"}.get(kind or str, "string")}


def _version() -> str:
    try:
        return version("dnsmasq-ipam")
    except PackageNotFoundError:
        return "0"

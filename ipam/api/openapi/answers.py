"""The OpenAPI document's parts about answers and bodies: statuses, forms and fields."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from ipam.api.http.operations import Operation
from ipam.identity.default_rules import RULES

SchemaOf = Callable[[Any], dict[str, Any]]
"""The schema of a type."""

DESCRIPTIONS: Final = {
    304: "As it was when its ETag was given",
    400: "The request cannot be understood, or breaks a rule",
    401: "Nobody known asks",
    403: "The rules do not allow it to the caller",
    404: "It, or something that it names, does not exist for the caller",
    409: "It is at odds with what there is, or with a quota",
    412: "It has another revision than If-Match asks for",
    413: "The body is too long",
    422: "The Idempotency-Key stands for another request",
    429: "Too many logins are being checked, or failed; Retry-After says when to come again",
    503: "Something that the service needs is away; Retry-After says when to come again",
}
"""Every status that is no success. The API answers no other."""


class NeutronError(Struct):
    """An error. `type` is for programs, `message` for people."""

    type: Annotated[str, Meta(description="The kind of error, for programs.")]
    message: Annotated[str, Meta(description="What is wrong, for people.")]
    detail: Annotated[str, Meta(description="Always empty; clients want it to be there.")]


def responses(
    path: str,
    method: str,
    operation: Operation,
    schema_of: SchemaOf,
    neutron_error: Mapping[str, Any],
) -> dict[str, Any]:
    """The `responses` of an operation, by status."""
    good: dict[str, Any] = {"description": "Done"}
    if content := _content(operation, schema_of):
        good["content"] = content
    refusal = {
        "type": "object",
        "properties": {"NeutronError": neutron_error},
        "required": ["NeutronError"],
    }
    error = {"application/json": {"schema": refusal}}
    found = {str(operation.status): good}
    for status in sorted({*_usual(path, method, operation), *operation.also}):
        answer: dict[str, Any] = {"description": DESCRIPTIONS[status]}
        if operation.public and status in operation.also:
            answer["content"] = content
        elif status != 304:
            answer["content"] = error
        found[str(status)] = answer
    return found


def object_of(
    body: Mapping[str, Any], schema_of: SchemaOf, *, optional: tuple[str, ...] = ()
) -> dict[str, Any]:
    """A JSON object of these names and types."""
    return {
        "type": "object",
        "properties": {name: schema_of(kind) for name, kind in body.items()},
        "required": [name for name in body if name not in optional],
    }


def _content(operation: Operation, schema_of: SchemaOf) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if operation.text:
        content[operation.text] = {"schema": {"type": "string"}}
    if operation.response is not None:
        links = tuple(name for name in operation.response if name.endswith("_links"))
        forms = [
            object_of(operation.response, schema_of, optional=links),
            *(object_of(form, schema_of) for form in operation.response_forms),
        ]
        schema = forms[0] if len(forms) == 1 else {"anyOf": forms}
        content["application/json"] = {"schema": schema}
    return content


def _usual(path: str, method: str, operation: Operation) -> Iterator[int]:
    """The statuses that follow from the operation's fields."""
    yield 400
    if not operation.public:
        yield from (401, 403, 429, 503)
    if "{" in path or operation.request:
        yield 404
    if method in ("POST", "PUT", "DELETE"):
        yield 409
    if method in ("PUT", "DELETE"):
        yield 412
    if operation.request:
        yield 413
    if method == "POST":
        yield 422


def chosen_by_fields(schema_of: SchemaOf, schemas: dict[str, Any]) -> SchemaOf:
    """The schemas of an answer for which `fields=` works: no field of an item is required."""

    def partial(schema: Any) -> Any:
        if isinstance(schema, list):
            return [partial(each) for each in schema]
        if not isinstance(schema, dict):
            return schema
        if "$ref" not in schema:
            return {name: partial(each) for name, each in schema.items()}
        name = _named(schema)
        schemas[f"{name}Fields"] = {**schemas[name], "title": f"{name}Fields", "required": []}
        return {"$ref": f"{schema['$ref']}Fields"}

    return lambda kind: partial(schema_of(kind))


def loosen(schemas: dict[str, Any]) -> None:
    """Require no field of a view that the rules hide from some callers."""
    for rule, _, _ in RULES:
        kind, _, attribute = rule.removeprefix("get_").partition(":")
        view = schemas.get(f"{kind.title().replace('_', '')}View")
        if rule.startswith("get_") and view and attribute in view.get("required", ()):
            view["required"] = [name for name in view["required"] if name != attribute]


def close(schemas: dict[str, Any], document: Mapping[str, Any]) -> None:
    """Say that bodies take only the attributes that are named."""
    for item in document["paths"].values():
        for method, operation in item.items():
            if method == "parameters":
                continue
            for name in _references(operation.get("requestBody"), schemas):
                if schemas[name].get("type") == "object":
                    schemas[name]["additionalProperties"] = False


def _references(part: Any, schemas: Mapping[str, Any]) -> Iterator[str]:
    """The names of all schemas that a part of the document refers to, directly or not."""
    if isinstance(part, list):
        for each in part:
            yield from _references(each, schemas)
    elif isinstance(part, dict) and "$ref" in part:
        yield _named(part)
        yield from _references(schemas[_named(part)], schemas)
    elif isinstance(part, dict):
        for each in part.values():
            yield from _references(each, schemas)


def _named(reference: Mapping[str, Any]) -> str:
    return str(reference["$ref"]).rpartition("/")[2]

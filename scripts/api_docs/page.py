"""Makes docs/api.md from the routes' operations, the OpenAPI document and the examples."""

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ipam import errors
from ipam.api.http.operations import Operation
from ipam.identity.caller import Caller
from ipam.identity.policy import Policy
from scripts.api_docs.answers import curl, shown_answer
from scripts.api_docs.running import Answered, Api
from scripts.api_docs.words import INTRODUCTION, PROSE, REFUSALS, SECTIONS, TITLES

ROLES: Final = ("admin", "service", "agent", "member", "reader")
RELATIONS: Final = {
    "owner": "its project's",
    "network_owner": "those on its networks",
    "shared": "shared ones",
    "external": "external ones",
    "own_host": "its own host's",
}


@dataclass(slots=True)
class Section:
    """What the page says of one kind of resource."""

    title: str
    operations: list[tuple[str, str, Operation]] = field(default_factory=list)
    examples: list[Answered] = field(default_factory=list)


def page(api: Api, answered: Sequence[Answered], extensions: str) -> str:
    """The whole page."""
    sections = _sections(api, answered)
    told: set[str] = set()
    described = ["\n".join(_section(api, section, told)) for section in sections]
    parts = [INTRODUCTION, _contents(sections), *described, _error_table(), extensions]
    return "\n".join(parts)


def _sections(api: Api, answered: Sequence[Answered]) -> list[Section]:
    """In the order of `words.SECTIONS`; what is not named there comes last."""
    found: dict[str, Section] = {title: Section(title) for title in SECTIONS}
    for path, route in api.table:
        title = _title(path)
        section = found.setdefault(title, Section(title))
        section.operations += [
            (method, path, operation) for method, operation in route.operations.items()
        ]
    for each in answered:
        found[_title(each.operation[1])].examples.append(each)
    return [section for section in found.values() if section.operations]


def _title(path: str) -> str:
    """The section of a path: that of its longest part with a title, or its collection's name."""
    static = "/".join(part for part in path.split("/") if part and not part.startswith("{"))
    if static.endswith("/tags"):
        return "Tags"
    while static:
        if static in TITLES:
            return TITLES[static]
        shorter = static.rpartition("/")[0]
        if shorter in ("", "v2.0"):
            return static.removeprefix("v2.0/").replace("-", " ").replace("_", " ").capitalize()
        static = shorter
    return TITLES[""]


def _contents(sections: Sequence[Section]) -> str:
    titles = [*(section.title for section in sections), "Errors", "Extensions of Neutron"]
    links = [f"[{title}](#{title.lower().replace(' ', '-')})" for title in titles]
    return "Contents: " + ", ".join(links) + ".\n"


def _section(api: Api, section: Section, told: set[str]) -> Iterator[str]:
    """One section; `told` are the structs that the page has told of by now."""
    yield f"## {section.title}\n"
    if prose := PROSE.get(section.title):
        yield prose
    yield "| Request | What it does | Status | Who may |"
    yield "|---|---|---|---|"
    for method, path, operation in section.operations:
        who = _who(api.service.policy, operation)
        yield f"| `{method} {path}` | {operation.summary} | {operation.status} | {who} |"
    yield ""
    yield from _attributes(api, section, told)
    if refusals := REFUSALS.get(section.title, ()):
        names = ", ".join(f"[{error.__name__}](#errors)" for error in refusals)
        yield f"Refused with: {names}.\n"
    for answered in section.examples:
        yield f"{answered.example.title}:\n"
        yield f"```console\n{curl(answered)}\n{shown_answer(answered)}\n```\n"


def _who(policy: Policy, operation: Operation) -> str:
    """Whom the default rules allow an operation, for which rows."""
    if operation.public:
        return "everybody, without signing in"
    rule = operation.rule or ("admin_or_service" if operation.service else "default")
    groups: dict[str, list[str]] = {}
    for role in ROLES:
        caller = Caller("somebody", "project", role, host="its own")
        grant = policy.grant(caller, rule)
        if grant:
            named = [words for name, words in RELATIONS.items() if name in grant.relations]
            groups.setdefault("" if grant.everything else ", ".join(named), []).append(role)
    parts = [", ".join(roles) + (f" ({rows})" if rows else "") for rows, roles in groups.items()]
    return "; ".join(parts)


def _attributes(api: Api, section: Section, told: set[str]) -> Iterator[str]:
    """Tables of what the section's items consist of; one for each kind of item."""
    schemas, filters = api.document["components"]["schemas"], _filters(api, section)
    structs = {name: each for name, each in _structs(section).items() if name not in told}
    told.update(structs)
    for view, (item, create, update) in structs.items():
        if len(structs) > 1:
            yield f"`{item}`:\n"
        yield "| Attribute | Type | Default | Set by | Filter | Meaning |"
        yield "|---|---|---|---|---|---|"
        shown, made, changed = (_new(schemas.get(name, {})) for name in (view, create, update))
        required = schemas.get(create, {}).get("required", ())
        for name in dict.fromkeys([*shown, *made, *changed]):
            schema = {**changed.get(name, {}), **made.get(name, {})} or shown[name]
            post = ("POST!" if name in required else "POST") if name in made else ""
            put = "PUT" if name in changed else ""
            meaning = shown.get(name, schema).get("description", "")
            cells = (
                f"`{name}`",
                type_words(schema, schemas),
                f"`{json.dumps(schema['default'])}`" if "default" in schema else "",
                f"{post} {put}".strip(),
                "yes" if name in filters else "",
                meaning + _guard(api, section, name, (post, put)),
            )
            yield f"| {' | '.join(cells)} |"
        yield ""
    if more := sorted(filters - {name for each in structs for name in _new(schemas[each])}):
        yield "Further filters: " + ", ".join(f"`{name}`" for name in more) + ".\n"


def _new(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    properties: Mapping[str, Any] = schema.get("properties", {})
    return properties


def _structs(section: Section) -> dict[str, tuple[str, str, str]]:
    """By the struct of each kind of item: what it is called, what POST and PUT take for it."""
    found: dict[str, tuple[str, str, str]] = {}
    for method, _, operation in section.operations:
        item, view = _struct_in(operation.response)
        if not view or method not in ("GET", "POST", "PUT"):
            continue
        body = _struct_in(operation.request[0])[1] if operation.request else ""
        name, create, update = found.get(view, (item, "", ""))
        found[view] = (
            min(name, item, key=len),
            body if method == "POST" and body else create,
            body if method == "PUT" and body else update,
        )
    return found


def _struct_in(body: Mapping[str, Any] | None) -> tuple[str, str]:
    """The struct that a body holds, one or a list of them, by its name there and its own."""
    for name, kind in (body or {}).items():
        for each in (kind, *getattr(kind, "__args__", ())):
            if inspect.isclass(each) and hasattr(each, "__struct_fields__"):
                return name, str(each.__name__)
    return "", ""


def _filters(api: Api, section: Section) -> set[str]:
    return {
        parameter["name"]
        for method, path, operation in section.operations
        if operation.listed
        for parameter in api.document["paths"][path][method.lower()]["parameters"]
        if parameter["description"].startswith("Show only items")
    }


def _guard(api: Api, section: Section, attribute: str, methods: tuple[str, str]) -> str:
    """Who alone may see or set the attribute, where a rule of its own says so."""
    policy, verbs = api.service.policy, {"get": "seen"}
    post, put = methods
    verbs |= {"create": "set"} if post else {}
    verbs |= {"update": "changed"} if put else {}
    allowed: dict[str, list[str]] = {}
    for _, _, operation in section.operations:
        verb, _, kind = operation.rule.partition("_")
        rule = f"{verb}_{kind}:{attribute}"
        if verb not in verbs or not policy.has(rule):
            continue
        who = _who(policy, Operation("", rule=rule))
        if verbs[verb] not in allowed.setdefault(who, []):
            allowed[who].append(verbs[verb])
    return "".join(f" May be {' and '.join(done)} by: {who}." for who, done in allowed.items())


def type_words(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """A JSON schema in a few words."""
    if "$ref" in schema:
        properties = schemas[schema["$ref"].rpartition("/")[2]].get("properties", {})
        return "{" + ", ".join(properties) + "}"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(type_words(each, schemas) for each in schema["anyOf"]))
    if "enum" in schema:
        return " or ".join(f"`{each}`" for each in schema["enum"])
    if schema.get("type") == "array":
        items = schema.get("items")
        return "list of " + type_words(items, schemas) if items else "list"
    words = str(schema.get("format", schema.get("type", "any")))
    low, high = (schema.get(f"{side}imum") for side in ("min", "max"))
    if schema.get("type") == "integer" and low is not None and high is not None:
        return f"{low} to {high}"
    longest = schema.get("maxLength")
    return f"{words}, up to {longest}" if longest and "format" not in schema else words


def error_classes() -> list[type[errors.IpamError]]:
    """Every error that a request can end with, by status and name."""
    classes = [
        each
        for each in vars(errors).values()
        if inspect.isclass(each) and issubclass(each, errors.CallerError | errors.Temporary)
    ]
    bases = (errors.CallerError, errors.Temporary, errors.NotFound, errors.Conflict)
    used = [each for each in classes if each not in bases]
    return sorted(used, key=lambda each: (each.status, each.__name__))


def _error_table() -> str:
    lines = ["## Errors\n", "| Status | Type | When |", "|---|---|---|"]
    for each in error_classes():
        sentence = (inspect.getdoc(each) or "").partition("\n")[0]
        lines.append(f"| {each.status} | `{each.__name__}` | {sentence} |")
    return "\n".join(lines) + "\n"

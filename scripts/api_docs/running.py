"""Runs the examples on the real application over SQLite, and makes their answers repeatable."""

import contextlib
import json
import re
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, Final

import falcon.testing

from ipam import settings as ipam_settings
from ipam.api import app
from ipam.api.http import idempotency
from ipam.api.http.operations import Route
from ipam.api.openapi import document as openapi
from ipam.api.service import Service
from ipam.identity.caller import Caller
from ipam.store import schema
from ipam.store.engine.database import Database
from scripts.api_docs.examples import Example

PROJECT: Final = "8f5c1d5b2a3e4c6d9e0f1a2b3c4d5e6f"
CALLERS: Final[Mapping[str, Caller]] = {
    "member": Caller("anna", PROJECT, "member"),
    "admin": Caller("root", "0d9c8b7a6f5e4d3c2b1a09f8e7d6c5b4", "admin"),
    "service": Caller("nova", "5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b", "service"),
    "agent": Caller("agent@host-1", "5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b", "agent", host="host-1"),
}
SHOWN_HEADERS: Final = (idempotency.REPLAYED,)
"""Those that an answer has only where they say something."""
_BY_HEADER: Final = "HTTP_X_EXAMPLE_CALLER"

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?=(\.\d+)?Z)(\.\d+)?")
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MADE_MAC: Final = re.compile(r"\b(fa:16:3e|fe:16:3e)((:[0-9a-f]{2}){3})\b")
_MADE_EUI: Final = re.compile(r"f816:3eff:fe[0-9a-f]{2}:[0-9a-f]{1,4}")
_MADE_NAME: Final = re.compile(r"f816-3eff-fe[0-9a-f]{2}-[0-9a-f]{1,4}")
_DIGEST: Final = re.compile(r'(?<="digest":")[0-9a-f]{32}(?=")')


@dataclass(frozen=True, slots=True)
class Answered:
    """An example with what came of it; ids, times and MAC addresses are those of the page."""

    example: Example
    operation: tuple[str, str]
    """Method and path of the route."""
    path: str
    body: Any
    status: int
    headers: Mapping[str, str]
    text: str


@dataclass(frozen=True, slots=True)
class Api:
    """The application with everything that describes it."""

    service: Service
    table: Sequence[tuple[str, Route]]
    document: Mapping[str, Any]
    client: falcon.testing.TestClient


@contextlib.contextmanager
def fresh_api() -> Iterator[Api]:
    """The application over an empty database."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "ipam.conf"
        file.write_text(f"[DEFAULT]\nstate_path = {name}\nrun_path = {name}\n")
        settings = ipam_settings.load([str(file)])
        database = Database(f"sqlite:///{name}/ipam.sqlite")
        try:
            schema.upgrade(database)
            service = app.make_service(settings, database)
            client = falcon.testing.TestClient(
                app.create_app(
                    settings,
                    authenticate=lambda environ: CALLERS[environ[_BY_HEADER]],
                    database=database,
                )
            )
            table = app.routes(service)
            route = openapi.OpenApiRoute(table)
            document = json.loads(route.written)
            yield Api(service, [*table, (openapi.PATH, route)], document, client)
        finally:
            database.dispose()


def run(api: Api, examples: Sequence[Example]) -> list[Answered]:
    """Every example with its answer. Raises AssertionError where one has another status."""
    kept: dict[str, Any] = {}
    steady = _Steady()
    return [_run_one(api, example, kept, steady) for example in examples]


def _run_one(api: Api, example: Example, kept: dict[str, Any], steady: "_Steady") -> Answered:
    path, body = Template(example.path).substitute(kept), _filled(example.body, kept)
    result = api.client.simulate_request(
        example.method,
        path.partition("?")[0],
        query_string=path.partition("?")[2],
        body=None if body is None else json.dumps(body),
        host="127.0.0.1",
        port=9696,
        headers={**example.headers, "X-Example-Caller": example.caller},
    )
    said = f"{example.title}: {example.method} {path}: {result.status_code} {result.text[:500]}"
    assert result.status_code == example.status, said
    for name, place in example.keep.items():
        kept[name] = _found(result.json, place)
    return Answered(
        example,
        (example.method, _template(api.table, path.partition("?")[0])),
        steady(path),
        json.loads(steady(json.dumps(body))),
        result.status_code,
        {name: result.headers[name] for name in SHOWN_HEADERS if name in result.headers},
        steady(result.text),
    )


def _filled(value: Any, kept: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {_filled(name, kept): _filled(each, kept) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, kept) for each in value]
    if isinstance(value, str) and value.startswith("$"):
        return kept[value[1:]]
    return value


def _found(answer: Any, place: str) -> Any:
    for word in place.split("."):
        answer = answer[int(word)] if word.isdecimal() else answer[word]
    return answer


def _template(table: Sequence[tuple[str, Route]], path: str) -> str:
    """The route that serves a path: of several that fit, the one with fewest parameters."""
    fitting = [
        template
        for template, _ in table
        if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template)), path)
    ]
    return min(fitting, key=lambda template: template.count("{"))


class _Steady:
    """Texts with what is different in each run replaced by what is the same in each."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        text = _TIME.sub(lambda found: "2026-01-31T12:00:00" + ".000000" * bool(found[2]), text)
        text = _UUID.sub(lambda found: self._same(found[0], _new_uuid), text)
        text = _MADE_MAC.sub(lambda found: found[1] + self._same(found[2], _new_mac), text)
        text = _MADE_EUI.sub("f816:3eff:fe00:1", text)
        text = _MADE_NAME.sub("f816-3eff-fe00-1", text)
        return _DIGEST.sub(lambda found: self._same(found[0], _new_digest), text)

    def _same(self, value: str, new: Any) -> str:
        return self._known.setdefault(value, new(len(self._known)))


def _new_uuid(number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"example {number}"))


def _new_mac(number: int) -> str:
    return f":00:00:{number % 256:02x}"


def _new_digest(number: int) -> str:
    return f"{number:032x}"

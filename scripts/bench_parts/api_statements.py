"""Counts the SQL statements of an operation in this process, without BEGIN and COMMIT."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import falcon.testing
import msgspec
import sqlalchemy
from sqlalchemy import event

from ipam import settings
from ipam.api.app import create_app
from ipam.identity.caller import Caller
from ipam.store.engine.database import Database
from scripts.bench_parts.api_load import Load

ROUNDS = 10
"""The median counts: once in 64 allocations a refill of candidates comes on top."""


class HasOperations(Protocol):
    """What is to be counted."""

    def operations(self) -> dict[str, tuple[Load, int]]:
        """Each operation by name."""


def counted(config: Path, url: sqlalchemy.URL, site: HasOperations) -> dict[str, int]:
    """Statements of each operation, by name."""
    database = Database(url.render_as_string(hide_password=False))
    caller = Caller(user_id="bench", project_id="bench", role="admin")
    app = create_app(
        settings.load([str(config)]), authenticate=lambda _environ: caller, database=database
    )
    client = falcon.testing.TestClient(app)
    result = {}
    with counter(database) as seen:
        for name, (load, _) in site.operations().items():
            counts = []
            arguments = load.prepare(ROUNDS)
            for argument in arguments:
                seen.clear()
                load.work(InProcess(client), argument)  # type: ignore[arg-type]  # as a Wire
                counts.append(len(seen))
            load.cleanup()
            result[name] = sorted(counts)[len(counts) // 2]
    database.dispose()
    return result


class InProcess:
    """A Wire to the application in this process."""

    def __init__(self, client: falcon.testing.TestClient, token: str = "") -> None:
        self._client = client
        self._headers = {"X-Auth-Token": token}

    def call(self, method: str, path: str, body: Any = None) -> bytes:
        path, _, query = path.partition("?")
        raw = None if body is None else msgspec.json.encode(body)
        result = self._client.simulate_request(
            method, path, query_string=query, body=raw, headers=self._headers
        )
        if result.status_code >= 300:
            raise RuntimeError(f"{method} {path}: {result.status} {result.text[:300]}")
        content: bytes = result.content
        return content


@contextmanager
def counter(database: Database) -> Iterator[list[str]]:
    """A list that grows by each statement."""
    seen: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_more: object) -> None:
        seen.append(statement)

    engines = (database.engine, database._aside)  # noqa: SLF001  # refills count too
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)

"""Watches what a database is asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from ipam.store.engine.database import Database


@contextmanager
def statements(database: Database) -> Iterator[list[tuple[str, int]]]:
    """The texts of the statements that are executed meanwhile, each with its parameters' number.

    PostgreSQL and MariaDB have theirs before the driver sees them.
    """
    seen: list[tuple[str, int]] = []

    def note(_connection: Any, _cursor: Any, text: str, parameters: Any, *_more: Any) -> None:
        seen.append((text, len(parameters)))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", note)

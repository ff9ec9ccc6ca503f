"""What SQLAlchemy and the drivers keep of statements: bounded in octets, whatever clients ask for.

A statement that was compiled takes about 30 octets for each character of its text, and drivers
keep texts for each connection. Counting entries alone, as both do, bounds neither.
"""

import threading
from typing import Any, Final

from cachetools import LRUCache

OCTETS_OF_CHARACTER: Final = 30
COMPILED_OCTETS_MAX: Final = 12 * 2**20
"""Room for about 300 statements of lists. The program's own are about as many, and shorter."""
COMPILED_LENGTH_MAX: Final = 20_000
"""A longer text is compiled each time: it is rare, and would take the room of many others."""
PREPARED_LENGTH_MAX: Final = 4096
"""The longest text that PostgreSQL prepares. Of these, psycopg keeps 100 for each connection."""


class CompiledStatements(LRUCache[Any, Any]):
    """SQLAlchemy's `compiled_cache`. Threads may share it."""

    def __init__(self, most_octets: int = COMPILED_OCTETS_MAX) -> None:
        super().__init__(most_octets, getsizeof=_octets)
        self._lock = threading.Lock()

    def get(self, key: Any, default: Any = None) -> Any:
        """The compiled statement, if it is kept."""
        with self._lock:
            return super().get(key, default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        if len(str(compiled.string)) > COMPILED_LENGTH_MAX:
            return
        with self._lock:
            super().__setitem__(key, compiled)


def _octets(compiled: Any) -> int:
    return OCTETS_OF_CHARACTER * len(str(compiled.string))


def bounded_cursor() -> type[Any]:
    """A cursor class of psycopg that does not have long statements prepared."""
    from psycopg import Cursor  # noqa: PLC0415  # only where PostgreSQL is used

    class BoundedCursor(Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
            if len(query) > PREPARED_LENGTH_MAX:
                options["prepare"] = False
            return super().execute(query, params, **options)

    return BoundedCursor

"""What SQLAlchemy and the drivers keep of statements: bounded in octets, whatever clients ask for.

A statement that was compiled takes about 60 octets for each character of its text, its key
included, and drivers keep texts for each connection. Counting entries alone, as both do, bounds
neither.
"""

import itertools
import threading
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

OCTETS_OF_CHARACTER: Final = 60
COMPILED_OCTETS_MAX: Final = 5 * 2**20
"""Room for 70 statements of lists, or for thrice the 57 that a boot of Nova makes."""
COMPILED_LENGTH_MAX: Final = 20_000
"""A longer text is compiled each time: it is rare, and would take the room of many others."""
PREPARED_LENGTH_MAX: Final = 4096
"""The longest text that PostgreSQL prepares (`postgresql_cursor`). Of these, psycopg keeps 100 for
each connection."""
OFTEN: Final = "/* often */"
"""In a text of few forms that is sent so often that it is prepared at any length."""


@dataclass(slots=True)
class _Kept:
    compiled: Any
    octets: int
    used_at: int


class CompiledStatements(MutableMapping[Any, Any]):
    """SQLAlchemy's `compiled_cache`. Threads may share it.

    A hit computes one hash, because the keys are long; so the order of use is kept as numbers.
    """

    def __init__(self, most_octets: int = COMPILED_OCTETS_MAX) -> None:
        self._most_octets = most_octets
        self._kept: dict[Any, _Kept] = {}
        self._clock = itertools.count()
        self._lock = threading.Lock()
        self.octets = 0

    def get(self, key: Any, default: Any = None) -> Any:
        """The compiled statement, if it is kept."""
        found = self._kept.get(key)
        if found is None:
            return default
        found.used_at = next(self._clock)
        return found.compiled

    def __getitem__(self, key: Any) -> Any:
        return self._kept[key].compiled

    def __setitem__(self, key: Any, compiled: Any) -> None:
        length = len(str(compiled.string))
        if length > COMPILED_LENGTH_MAX:
            return
        with self._lock:
            self._drop(key)
            self._kept[key] = _Kept(compiled, length * OCTETS_OF_CHARACTER, next(self._clock))
            self.octets += self._kept[key].octets
            if self.octets > self._most_octets:
                self._shrink()

    def __delitem__(self, key: Any) -> None:
        with self._lock:
            self._drop(key)

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._kept))

    def __len__(self) -> int:
        return len(self._kept)

    def _drop(self, key: Any) -> None:
        if (gone := self._kept.pop(key, None)) is not None:
            self.octets -= gone.octets

    def _shrink(self) -> None:
        """Drop what was not used for longest, a quarter of all, so that this comes seldom."""
        for key in sorted(self._kept, key=lambda each: self._kept[each].used_at):
            if self.octets <= self._most_octets * 3 // 4:
                break
            self._drop(key)

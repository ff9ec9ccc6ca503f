"""What a transaction locks and changes, for those who record who changed what."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Notes:
    """What one attempt at a transaction has noted. The rows are those before the change."""

    held: dict[tuple[str, int], Any] = field(default_factory=dict)
    """The rows that were locked, by table and number."""
    touched: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    """The new values of columns, by table and number."""
    said: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    """Further changes of the request's object, from what to what, that no column shows."""

    def touch(self, table: str, pk: int, values: Mapping[str, Any]) -> None:
        """Note new values of a row."""
        self.touched.setdefault((table, pk), {}).update(values)

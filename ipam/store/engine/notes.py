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
    is_same: bool = False
    """Whether something was set to what it was."""
    deleted: Any = None
    """The row that the transaction deletes, with what belongs to it."""

    def say(self, attribute: str, before: object, after: object) -> None:
        """Note a change that no column shows, if it is one."""
        if before == after:
            self.is_same = True
        else:
            self.said[attribute] = (before, after)

    def touch(self, table: str, pk: int, values: Mapping[str, Any]) -> None:
        """Note new values of a row."""
        self.touched.setdefault((table, pk), {}).update(values)

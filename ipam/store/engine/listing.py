"""The types of listing, the same for every resource: collections, queries, rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Row,
    Select,
    SmallInteger,
    select,
)

from ipam.store.engine.database import Transaction

Record: TypeAlias = Row[Any]
"""A row of a collection's statement: its selected columns by name."""

SpecialFilter: TypeAlias = Callable[[Transaction, Sequence[str]], ColumnElement[bool]]
"""A filter that is not a plain column. Takes the raw values, raises HTTPBadRequest on a bad
one."""

Relation: TypeAlias = Callable[[str], Sequence[ColumnElement[bool]]]
"""A relation of rows to the project with this id: conditions, of which any one is enough."""


_BITS: Final = {SmallInteger: 15, BigInteger: 63}
"""Of the numbers of other types: 31."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who reads: a project, and the relations to it that make a row visible."""

    project_id: str
    relations: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class Collection:
    """How the rows of a resource are read."""

    source: FromClause
    selected: Sequence[ColumnElement[Any]]
    columns: Mapping[str, ColumnElement[Any]]
    """The columns to filter and sort by, by their names in the API."""
    id: ColumnElement[Any]
    pk: ColumnElement[Any]
    special: Mapping[str, SpecialFilter] = field(default_factory=dict)
    newest_first: bool = False
    relations: Mapping[str, Relation] = field(default_factory=dict)
    """The relations a row can have to a project, except `owner`, which is its project_id."""
    verbatim: frozenset[str] = frozenset()
    """The names of the `columns` whose values the API shows unchanged."""
    references: Mapping[str, ColumnElement[Any]] = field(default_factory=dict)
    """For `columns` of another table: the column here that has the number of the row there. A
    filter looks that number up first, so that an index of this column and `pk` gives the rows in
    order, and a page reads no more than it shows."""

    def largest(self, name: str) -> int:
        """The largest number in this column. Servers do not compare it with a larger one."""
        kind = self.columns[name].type
        bits = next((bits for sort, bits in _BITS.items() if isinstance(kind, sort)), 31)
        return int(2**bits - 1)

    def select(self) -> Select[Any]:
        """The statement for all rows."""
        return _all_rows(self)

    def only(self, names: Sequence[str]) -> "Collection":
        """The collection with only these of its `columns`, in this order."""
        return replace(self, selected=tuple(self.columns[name] for name in names))

    def related(self, relation: str, project_id: str) -> Sequence[ColumnElement[bool]]:
        """The conditions of a relation, of which any one is enough.

        Empty for an unknown relation.
        """
        if relation in self.relations:
            return self.relations[relation](project_id)
        if relation == "owner" and "project_id" in self.columns:
            return (self.columns["project_id"] == project_id,)
        return ()


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What a list request asks for, parsed."""

    filters: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    sorts: Sequence[tuple[str, bool]] = ()
    """A column's name in the API, and whether it sorts in descending order."""
    limit: int | None = None
    marker: str | None = None
    reverse: bool = False
    """The page before the marker instead of the one after it."""


# Statements are kept: making one and finding its compiled form takes as long as running it.
STATEMENTS_KEPT: Final = 64
"""Per kind of statement. Collections made for one request do not push out the others."""


@lru_cache(maxsize=STATEMENTS_KEPT)
def _all_rows(collection: Collection) -> Select[Any]:
    return select(*collection.selected).select_from(collection.source)

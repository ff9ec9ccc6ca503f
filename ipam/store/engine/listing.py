"""What can be listed, what a list asks for and what it gives: for every resource alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, FromClause, Row, Select, select

from ipam.store.engine.database import Transaction

Record: TypeAlias = Row[Any]
"""A row of a collection's statement: its selected columns by name."""

SpecialFilter: TypeAlias = Callable[[Transaction, Sequence[str]], ColumnElement[bool]]
"""A filter that is no plain column: takes the raw values, raises HTTPBadRequest on a bad one."""

Relation: TypeAlias = Callable[[str], Sequence[ColumnElement[bool]]]
"""How a row may stand to a project with this id: conditions, any one of which makes it so."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who reads: a project, and the ways in which what it may see stands to it."""

    project_id: str
    relations: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class Collection:
    """How the rows of a resource are read."""

    source: FromClause
    selected: Sequence[ColumnElement[Any]]
    columns: Mapping[str, ColumnElement[Any]]
    """Wire name to column, for what can be filtered and sorted by."""
    id: ColumnElement[Any]
    pk: ColumnElement[Any]
    special: Mapping[str, SpecialFilter] = field(default_factory=dict)
    newest_first: bool = False
    relations: Mapping[str, Relation] = field(default_factory=dict)
    """The ways a row can stand to a project, but for `owner`: that is its project_id."""
    verbatim: frozenset[str] = frozenset()
    """Those of `columns` whose values the API shows as they stand."""

    def select(self) -> Select[Any]:
        """The statement for all rows."""
        return _all_rows(self)

    def only(self, names: Sequence[str]) -> "Collection":
        """The same rows with these of `columns` alone, in this order."""
        return replace(self, selected=tuple(self.columns[name] for name in names))

    def related(self, relation: str, project_id: str) -> Sequence[ColumnElement[bool]]:
        """The conditions of one relation, any one of which is enough; none if it has no such."""
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
    """Wire name and whether it descends."""
    limit: int | None = None
    marker: str | None = None
    reverse: bool = False
    """The page before the marker instead of the one after it."""


# Made once: to make a statement, and to find what it was compiled to, takes as long as to run it.
STATEMENTS_KEPT: Final = 256
"""Of each sort; collections that are made for one request push out each other, not these."""


@lru_cache(maxsize=STATEMENTS_KEPT)
def _all_rows(collection: Collection) -> Select[Any]:
    return select(*collection.selected).select_from(collection.source)

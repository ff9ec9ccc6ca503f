"""Lists from the database: filters, sort keys and marker paging for every resource, in one place.

A page is cut by the values of its sort keys (and the row's number where they tie), not by OFFSET:
the cost of a page does not grow with its place, and rows that come or go do not shift it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Row,
    Select,
    String,
    and_,
    bindparam,
    case,
    false,
    or_,
    select,
    union,
)
from sqlalchemy.types import LargeBinary

from ipam import model
from ipam.chunks import chunks
from ipam.errors import HTTPBadRequest
from ipam.store.engine.database import Transaction
from ipam.store.engine.rows_by_number import ByNumbers

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


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in their order, and whether more follow in the direction that was asked for."""

    rows: Sequence[Record]
    more: bool


@dataclass(frozen=True, slots=True)
class _Key:
    column: ColumnElement[Any]
    descending: bool


@dataclass(frozen=True, slots=True)
class _Shape:
    """All that a list's statement depends on but for the values in it."""

    collection: Collection
    relations: frozenset[str] | None
    few: bool
    """Whether a filter leaves few rows to look at."""
    filters: tuple[tuple[str, bool], ...]
    """The names of those on plain columns, and whether each has one value."""
    sorts: tuple[tuple[str, bool], ...]
    reverse: bool


SELECTIVE: Final = frozenset(
    {"id", "project_id", "tenant_id", "network_id", "device_id", "fixed_ips", "port_id"}
)
"""Filters with an index, that leave few rows: each is then looked at whether it may be seen."""


def read_page(
    tx: Transaction, collection: Collection, query: ListQuery, viewer: Viewer | None = None
) -> Page:
    """The rows that a query asks for, of those that the viewer may see (None may see all).

    Raises HTTPBadRequest when its marker does not exist.
    """
    relations = viewer.relations if viewer else None
    special = [name for name in query.filters if name in collection.special]
    plain = {name: query.filters[name] for name in query.filters if name not in special}
    shape = _Shape(
        collection,
        relations,
        few=not SELECTIVE.isdisjoint(query.filters),
        filters=tuple((name, len(values) == 1) for name, values in plain.items()),
        sorts=tuple(query.sorts),
        reverse=query.reverse,
    )
    statement, keys = _of_shape(shape)
    for name in special:
        statement = statement.where(collection.special[name](tx, query.filters[name]))
    if query.marker is not None:
        statement = statement.where(
            _after(keys, _marker_values(tx, collection, keys, query, viewer))
        )
    if query.limit:
        statement = statement.limit(query.limit + 1)
    parameters = {"viewer": viewer.project_id if viewer else "", **_filter_values(shape, plain)}
    rows = list(tx.execute(statement, parameters).all())
    more = bool(query.limit) and len(rows) > (query.limit or 0)
    rows = rows[: query.limit] if more else rows
    return Page(rows[::-1] if query.reverse else rows, more)


def read_one(
    tx: Transaction, collection: Collection, resource_id: str, viewer: Viewer | None = None
) -> Record | None:
    """The row with this id, if the viewer may see it (None may see all)."""
    statement = _by_id(collection, viewer.relations if viewer else None)
    parameters = {"the_id": resource_id, "viewer": viewer.project_id if viewer else ""}
    return tx.execute(statement, parameters).one_or_none()


def relations(
    tx: Transaction, collection: Collection, ids: Sequence[str], project_id: str
) -> dict[str, frozenset[str]]:
    """How each of the rows with these ids stands to the project; rows that exist alone."""
    found: dict[str, frozenset[str]] = {}
    for some in chunks(ids):
        parameters = {"viewer": project_id, "ids": some}
        for row in tx.execute(_relations(collection), parameters):
            ways = row._mapping  # noqa: SLF001  # SQLAlchemy's name for its public mapping
            found[row.the_id] = frozenset(name for name in ways if ways[name] == 1)
    return found


def read_many(tx: Transaction, collection: Collection, pks: Sequence[int]) -> Sequence[Record]:
    """The rows with these numbers, in the order of the numbers given."""
    place = {pk: n for n, pk in enumerate(pks)}
    rows: list[Record] = []
    for statement, parameters in _by_numbers(collection).each(tx, pks):
        rows.extend(tx.execute(statement, parameters).all())
    return sorted(rows, key=lambda row: place[row.pk])


_VIEWER: Any = bindparam("viewer", type_=String())

# Made once: to make a statement, and to find what it was compiled to, takes as long as to run it.
STATEMENTS_KEPT: Final = 256
"""Of each sort; collections that are made for one request push out each other, not these."""


@lru_cache(maxsize=STATEMENTS_KEPT)
def _all_rows(collection: Collection) -> Select[Any]:
    return select(*collection.selected).select_from(collection.source)


@lru_cache(maxsize=STATEMENTS_KEPT)
def _visible(collection: Collection, relations: frozenset[str] | None, few: bool) -> Select[Any]:
    """All rows that stand to the viewer like this; `few` where other conditions leave few."""
    viewer = None if relations is None else Viewer(_VIEWER, relations)
    if few:
        return _each_if_visible(collection.select(), collection, viewer)
    return _all_visible(collection, viewer)


@lru_cache(maxsize=STATEMENTS_KEPT)
def _relations(collection: Collection) -> Select[Any]:
    """Of some rows the id, and 1 under the name of each relation in which it stands."""
    ways = [
        case((or_(false(), *collection.related(name, _VIEWER)), 1), else_=0).label(name)
        for name in sorted({"owner", *collection.relations})
    ]
    statement = select(collection.id.label("the_id"), *ways).select_from(collection.source)
    return statement.where(collection.id.in_(bindparam("ids", expanding=True)))


@lru_cache(maxsize=STATEMENTS_KEPT)
def _by_id(collection: Collection, relations: frozenset[str] | None) -> Select[Any]:
    viewer = None if relations is None else Viewer(_VIEWER, relations)
    statement = _each_if_visible(collection.select(), collection, viewer)
    return statement.where(collection.id == bindparam("the_id"))


@lru_cache(maxsize=STATEMENTS_KEPT)
def _by_numbers(collection: Collection) -> ByNumbers:
    return ByNumbers(collection.select(), collection.pk)


@lru_cache(maxsize=STATEMENTS_KEPT)
def _of_shape(shape: _Shape) -> tuple[Select[Any], Sequence[_Key]]:
    """The statement for the rows, in order, and its sort keys; values are parameters."""
    collection = shape.collection
    statement = _visible(collection, shape.relations, shape.few)
    for number, (name, is_single) in enumerate(shape.filters):
        column = collection.columns[name]
        value: Any = bindparam(f"filter_{number}", type_=column.type, expanding=not is_single)
        statement = statement.where(column == value if is_single else column.in_(value))
    keys = _keys(collection, shape.sorts, reverse=shape.reverse)
    order = (key.column.desc() if key.descending else key.column.asc() for key in keys)
    return statement.order_by(*order), keys


def _filter_values(shape: _Shape, filters: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    found = {}
    for number, (name, is_single) in enumerate(shape.filters):
        values = filters[name]
        if isinstance(shape.collection.columns[name].type, LargeBinary):
            values = [model.pack(value) for value in values]
        found[f"filter_{number}"] = values[0] if is_single else list(values)
    return found


def _keys(
    collection: Collection, sorts: Sequence[tuple[str, bool]], *, reverse: bool
) -> list[_Key]:
    keys = []
    for name, descending in sorts:
        column = collection.columns[name]
        if getattr(column, "nullable", False):
            # The databases disagree on where NULL sorts and none compares it: it gets its own key.
            is_null: ColumnElement[Any] = case((column.is_(None), 1), else_=0)
            keys.append(_Key(is_null, descending))
        keys.append(_Key(column, descending))
    keys.append(_Key(collection.pk, collection.newest_first and not sorts))
    if reverse:
        keys = [_Key(key.column, not key.descending) for key in keys]
    return keys


def _each_if_visible(
    statement: Select[Any], collection: Collection, viewer: Viewer | None
) -> Select[Any]:
    """The statement with a condition on each row: for statements that look at few."""
    if viewer is None:
        return statement
    return statement.where(or_(false(), *_conditions(collection, viewer)))


def _all_visible(collection: Collection, viewer: Viewer | None) -> Select[Any]:
    """The statement for all rows that the viewer may see, found from the indexes.

    A condition with `or` over two tables would have every database read the whole table.
    """
    if viewer is None:
        return collection.select()
    conditions = _conditions(collection, viewer)
    if len(conditions) < 2:
        return _each_if_visible(collection.select(), collection, viewer)
    ways = [
        select(collection.pk.label("pk")).select_from(collection.source).where(condition)
        for condition in conditions
    ]
    visible = union(*ways).subquery("visible")
    source = collection.source.join(visible, visible.c.pk == collection.pk)
    return select(*collection.selected).select_from(source)


def _conditions(collection: Collection, viewer: Viewer) -> list[ColumnElement[bool]]:
    return [
        condition
        for relation in sorted(viewer.relations)
        for condition in collection.related(relation, viewer.project_id)
    ]


def _marker_values(
    tx: Transaction,
    collection: Collection,
    keys: Sequence[_Key],
    query: ListQuery,
    viewer: Viewer | None,
) -> Sequence[Any]:
    columns = [key.column.label(f"key_{n}") for n, key in enumerate(keys)]
    statement = select(*columns).select_from(collection.source)
    row = tx.execute(
        _each_if_visible(statement, collection, viewer).where(collection.id == query.marker)
    ).one_or_none()
    if row is None:
        raise HTTPBadRequest(f"Invalid input for marker. Reason: no item has id {query.marker!r}.")
    return tuple(row)


def _after(keys: Sequence[_Key], values: Sequence[Any]) -> ColumnElement[bool]:
    """Rows whose keys come after these values: greater in one key, equal in all before it."""
    alternatives = []
    equal: list[ColumnElement[bool]] = []
    for key, value in zip(keys, values, strict=True):
        if value is None:
            equal.append(key.column.is_(None))
            continue
        greater = key.column < value if key.descending else key.column > value
        alternatives.append(and_(*equal, greater))
        equal.append(key.column == value)
    return or_(*alternatives)

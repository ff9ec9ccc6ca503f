"""The statements that read lists. Each shape of a list has one statement, made once.

Values are parameters. A page begins after the sort keys of its marker (and the row's number where
keys are equal), not at an OFFSET: a late page costs no more than the first, and rows that are
added or deleted do not shift it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
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
from ipam.chunks import padded
from ipam.store.engine.listing import STATEMENTS_KEPT, Collection, Viewer
from ipam.store.engine.rows_by_number import ByNumbers

_VIEWER: Any = bindparam("viewer", type_=String())


@dataclass(frozen=True, slots=True)
class Key:
    """One of the values that order a page and decide where it begins."""

    column: ColumnElement[Any]
    descending: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """All that a list's statement depends on, except the values in it."""

    collection: Collection
    relations: frozenset[str] | None
    few: bool
    """Whether a filter leaves few rows to look at."""
    filters: tuple[tuple[str, bool], ...]
    """The names of the filters on plain columns, and whether each has exactly one value."""
    sorts: tuple[tuple[str, bool], ...]
    reverse: bool


@lru_cache(maxsize=STATEMENTS_KEPT)
def _visible(collection: Collection, relations: frozenset[str] | None, few: bool) -> Select[Any]:
    """All rows in one of these relations to the viewer. `few`: other conditions leave few rows."""
    viewer = None if relations is None else Viewer(_VIEWER, relations)
    if few:
        return each_if_visible(collection.select(), collection, viewer)
    return _all_visible(collection, viewer)


@lru_cache(maxsize=STATEMENTS_KEPT)
def relations(collection: Collection) -> Select[Any]:
    """The id of some rows, and a column per relation that is 1 where the row has the relation."""
    ways = [
        case((or_(false(), *collection.related(name, _VIEWER)), 1), else_=0).label(name)
        for name in sorted({"owner", *collection.relations})
    ]
    statement = select(collection.id.label("the_id"), *ways).select_from(collection.source)
    return statement.where(collection.id.in_(bindparam("ids", expanding=True)))


@lru_cache(maxsize=STATEMENTS_KEPT)
def by_id(collection: Collection, relations: frozenset[str] | None) -> Select[Any]:
    """The row with the id `the_id`, if it has one of these relations to the viewer (None: any)."""
    viewer = None if relations is None else Viewer(_VIEWER, relations)
    statement = each_if_visible(collection.select(), collection, viewer)
    return statement.where(collection.id == bindparam("the_id"))


@lru_cache(maxsize=STATEMENTS_KEPT)
def by_numbers(collection: Collection) -> ByNumbers:
    """The rows with some numbers, in any order."""
    return ByNumbers(collection.select(), collection.pk)


@lru_cache(maxsize=STATEMENTS_KEPT)
def of_shape(shape: Shape) -> tuple[Select[Any], Sequence[Key]]:
    """The statement for the rows, in order, and its sort keys."""
    collection = shape.collection
    statement = _visible(collection, shape.relations, shape.few)
    for number, (name, is_single) in enumerate(shape.filters):
        column = collection.columns[name]
        value: Any = bindparam(f"filter_{number}", type_=column.type, expanding=not is_single)
        condition = column == value if is_single else column.in_(value)
        if is_single and name in collection.references:
            there: Any = column.table
            found = select(there.c.pk).where(condition).correlate(None).scalar_subquery()
            condition = collection.references[name] == found
        statement = statement.where(condition)
    keys = _keys(collection, shape.sorts, reverse=shape.reverse)
    order = (key.column.desc() if key.descending else key.column.asc() for key in keys)
    return statement.order_by(*order), keys


def filter_values(shape: Shape, filters: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """The values of these filters as parameters of the statement of this shape."""
    found = {}
    for number, (name, is_single) in enumerate(shape.filters):
        values = filters[name]
        if isinstance(shape.collection.columns[name].type, LargeBinary):
            values = [model.pack(value) for value in values]
        found[f"filter_{number}"] = values[0] if is_single else padded(values)
    return found


def _keys(
    collection: Collection, sorts: Sequence[tuple[str, bool]], *, reverse: bool
) -> list[Key]:
    keys = []
    for name, descending in sorts:
        column = collection.columns[name]
        if getattr(column, "nullable", False):
            # Databases sort NULL differently and cannot compare it, so it gets a key of its own.
            is_null: ColumnElement[Any] = case((column.is_(None), 1), else_=0)
            keys.append(Key(is_null, descending))
        keys.append(Key(column, descending))
    keys.append(Key(collection.pk, collection.newest_first and not sorts))
    if reverse:
        keys = [Key(key.column, not key.descending) for key in keys]
    return keys


def each_if_visible(
    statement: Select[Any], collection: Collection, viewer: Viewer | None
) -> Select[Any]:
    """The statement with a condition on each row. Use it where few rows are looked at."""
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
        return each_if_visible(collection.select(), collection, viewer)
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


def keys_of(
    collection: Collection, keys: Sequence[Key], viewer: Viewer | None, row_id: str
) -> Select[Any]:
    """The values of these keys in one row, if the viewer may see it."""
    columns = [key.column.label(f"key_{number}") for number, key in enumerate(keys)]
    statement = select(*columns).select_from(collection.source)
    return each_if_visible(statement, collection, viewer).where(collection.id == row_id)


def after(keys: Sequence[Key], values: Sequence[Any]) -> ColumnElement[bool]:
    """Rows whose keys come after these values: greater in one key, equal in all before it."""
    condition: ColumnElement[bool] = false()
    for key, value in zip(reversed(keys), reversed(values), strict=True):
        if value is None:
            condition = and_(key.column.is_(None), condition)
            continue
        # SQLAlchemy compares nothing with a bare True, but a column of booleans has an order.
        place: Any = bindparam(None, value, type_=key.column.type)
        greater = key.column < place if key.descending else key.column > place
        condition = or_(greater, and_(key.column == place, condition))
    return condition

"""Reads lists and single rows of every resource."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Select

from ipam.chunks import alternatives
from ipam.errors import HTTPBadRequest
from ipam.store.engine import list_statements
from ipam.store.engine.database import Transaction
from ipam.store.engine.list_statements import Shape
from ipam.store.engine.listing import Collection, ListQuery, Record, Viewer

SELECTIVE: Final = frozenset(
    {"id", "project_id", "tenant_id", "network_id", "device_id", "fixed_ips", "port_id"}
)
"""Filters that use an index and leave few rows, so that visibility is checked row by row."""


def read_page(
    tx: Transaction, collection: Collection, query: ListQuery, viewer: Viewer | None = None
) -> list[Record]:
    """The rows of a query that the viewer may see, in the order asked for.

    The viewer None may see all. Raises HTTPBadRequest when the marker does not exist.
    """
    rows = list(tx.execute(*_statement(tx, collection, query, viewer)).all())
    return rows[::-1] if query.reverse else rows


def read_pieces(
    tx: Transaction,
    collection: Collection,
    query: ListQuery,
    viewer: Viewer | None,
    rows: int,
) -> Iterator[Sequence[Record]]:
    """The rows of `read_page`, so many at a time, of one state, as the database finds them.

    Nothing else may be read meanwhile. Needs `Database.read_in_pieces`, and no `reverse`.
    """
    assert not query.reverse, "the last rows come first"
    statement, parameters = _statement(tx, collection, query, viewer)
    with tx.execute(statement.execution_options(yield_per=rows), parameters) as found:
        yield from found.partitions()


def _statement(
    tx: Transaction, collection: Collection, query: ListQuery, viewer: Viewer | None
) -> tuple[Select[Any], Mapping[str, Any]]:
    """The statement of a list, and its parameters."""
    relations = viewer.relations if viewer else None
    names = sorted(query.filters)  # in any order they are one statement
    special = [name for name in names if name in collection.special]
    plain = {name: query.filters[name] for name in names if name not in special}
    shape = Shape(
        collection,
        relations,
        few=not SELECTIVE.isdisjoint(query.filters),
        filters=tuple((name, len(values) == 1) for name, values in plain.items()),
        sorts=tuple(query.sorts),
        reverse=query.reverse,
    )
    statement, keys = list_statements.of_shape(shape)
    for name in special:
        statement = statement.where(collection.special[name](tx, query.filters[name]))
    if query.marker is not None:
        place = list_statements.keys_of(collection, keys, viewer, query.marker)
        statement = statement.where(list_statements.after(keys, _marked(tx, place, query.marker)))
    if query.limit:
        statement = statement.limit(query.limit)
    viewing = viewer.project_id if viewer else ""
    return statement, {"viewer": viewing, **list_statements.filter_values(shape, plain)}


def read_one(
    tx: Transaction, collection: Collection, resource_id: str, viewer: Viewer | None = None
) -> Record | None:
    """The row with this id, if the viewer may see it (None may see all)."""
    statement = list_statements.by_id(collection, viewer.relations if viewer else None)
    parameters = {"the_id": resource_id, "viewer": viewer.project_id if viewer else ""}
    return tx.execute(statement, parameters).one_or_none()


def relations(
    tx: Transaction, collection: Collection, ids: Sequence[str], project_id: str
) -> dict[str, frozenset[str]]:
    """The relations to the project of each row with one of these ids. Skips unknown ids."""
    found: dict[str, frozenset[str]] = {}
    for some in alternatives(ids):
        parameters = {"viewer": project_id, "ids": some}
        for row in tx.execute(list_statements.relations(collection), parameters).mappings():
            found[row["the_id"]] = frozenset(name for name in row if row[name] == 1)
    return found


def read_many(tx: Transaction, collection: Collection, pks: Sequence[int]) -> Sequence[Record]:
    """The rows with these numbers, in the order of the numbers given."""
    place = {pk: n for n, pk in enumerate(pks)}
    rows: list[Record] = []
    for statement, parameters in list_statements.by_numbers(collection).each(tx, pks):
        rows.extend(tx.execute(statement, parameters).all())
    return sorted(rows, key=lambda row: place[row.pk])


def _marked(tx: Transaction, place: Select[Any], marker: str) -> Sequence[Any]:
    row = tx.execute(place).one_or_none()
    if row is None:
        raise HTTPBadRequest(f"Invalid input for marker. Reason: no item has id {marker!r}.")
    return tuple(row)

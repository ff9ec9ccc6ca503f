"""Statements on tags, which any resource whose table has the standard columns can have.

They are stored twice: in the row's own `tags`, so that showing them costs no statement, and in the
table `tag`, where filters find them. Both change in one transaction, under the row's lock.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, delete, func, insert, not_, select

from ipam.chunks import padded
from ipam.errors import HTTPBadRequest
from ipam.store import tables
from ipam.store.engine import rows
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record, SpecialFilter
from ipam.values import TAGS_MAX

_T = tables.tag


def filters(table: Table) -> Mapping[str, SpecialFilter]:
    """The four filters of Neutron. Each takes tags joined by commas, and may be repeated.

    However many tags they name, each is one condition. They raise HTTPBadRequest for more tags
    than a resource can have.
    """

    def has_any(wanted: Sequence[str]) -> ColumnElement[bool]:
        return table.c.pk.in_(_tagged(table, wanted))

    def has_all(wanted: Sequence[str]) -> ColumnElement[bool]:
        counted = _tagged(table, wanted).group_by(_T.c.resource_pk)
        return table.c.pk.in_(counted.having(func.count() == len(wanted)))

    return {
        "tags": _combined("tags", has_all),
        "tags-any": _combined("tags-any", has_any),
        "not-tags": _combined("not-tags", lambda wanted: not_(has_all(wanted))),
        "not-tags-any": _combined("not-tags-any", lambda wanted: not_(has_any(wanted))),
    }


def _tagged(table: Table, wanted: Sequence[str]) -> Select[Any]:
    """The number of each resource of the table, once for each of these tags that it has."""
    of_kind = select(_T.c.resource_pk).where(_T.c.resource_type == table.name)
    return of_kind.where(_T.c.tag.in_(padded(wanted)))


def _combined(
    name: str, condition: Callable[[Sequence[str]], ColumnElement[bool]]
) -> SpecialFilter:
    def build(_tx: Transaction, texts: Sequence[str]) -> ColumnElement[bool]:
        wanted = list(dict.fromkeys(tag for text in texts for tag in text.split(",")))
        if len(wanted) > TAGS_MAX:
            raise HTTPBadRequest(
                f"Invalid input for {name}. Reason: it names {len(wanted)} tags; a resource has at"
                f" most {TAGS_MAX}."
            )
        return condition(wanted)

    return build


def of_row(row: Record) -> tuple[str, ...]:
    """The tags of a resource's row, sorted."""
    return tuple(row.tags or ())


def for_row(tags: Sequence[str]) -> list[str] | None:
    """The value of the column `tags` of a new row."""
    return sorted(set(tags)) or None


def add_new(tx: Transaction, table: Table, new: Sequence[Record]) -> None:
    """Add the tags of rows inserted with `for_row`. Runs no statement when there are no tags."""
    entries = [
        {"resource_type": table.name, "resource_pk": row.pk, "tag": tag}
        for row in new
        for tag in of_row(row)
    ]
    if entries:
        tx.execute(insert(_T), entries)


def replace(tx: Transaction, table: Table, row: Record, tags: Sequence[str]) -> bool:
    """Give a resource, whose row the caller has locked, these tags; whether that is a change."""
    before, after = set(of_row(row)), set(tags)
    if before == after:
        return False
    mine = and_(_T.c.resource_type == table.name, _T.c.resource_pk == row.pk)
    if gone := sorted(before - after):
        tx.execute(delete(_T).where(mine, _T.c.tag.in_(gone)))
    entries = [
        {"resource_type": table.name, "resource_pk": row.pk, "tag": tag}
        for tag in sorted(after - before)
    ]
    if entries:
        tx.execute(insert(_T), entries)
    rows.touch(tx, table, row.pk, {"tags": for_row(tags)})
    return True


def forget(tx: Transaction, table: Table, pk: int) -> None:
    """Delete the tags of a resource that is deleted in this transaction."""
    tx.execute(delete(_T).where(_T.c.resource_type == table.name, _T.c.resource_pk == pk))

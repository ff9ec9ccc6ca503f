"""Statements on quotas: how many resources of a kind a project may have.

A limit is checked after the insert, in the same transaction, which is rolled back if there are too
many. Without a limit that costs nothing: the statement that reads the inserted rows also reads the
project's own limit. The row of a limit is also the lock under which the project's resources are
counted, so two requests cannot both take the last place.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import Table, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ipam.errors import OverQuota
from ipam.store import tables
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Collection, Record
from ipam.store.engine.rows_by_number import ByNumbers

_T = tables.quota

UNLIMITED: Final = -1

COUNTED: Final[Mapping[str, Table]] = {
    "network": tables.network,
    "subnet": tables.subnet,
    "port": tables.port,
    "subnetpool": tables.subnetpool,
    "rbac_policy": tables.rbac_policy,
}
"""What can be limited, with the table whose rows count."""

ABSENT: Final = ("router", "floatingip", "security_group", "security_group_rule")
"""Limits that clients read and write although ipam has no such resources."""

RESOURCES: Final = (*COUNTED, *ABSENT)


def read_made(
    tx: Transaction, collection: Collection, pks: Sequence[int], resource: str, default: int
) -> Sequence[Record]:
    """The inserted rows, in the order of the numbers given. Raises OverQuota."""
    place = {pk: n for n, pk in enumerate(pks)}
    found: list[Record] = []
    for statement, parameters in _with_maximum(collection, resource).each(tx, pks):
        found.extend(tx.execute(statement, parameters).all())
    maxima = {row.project_id: row.quota_maximum for row in found}
    for project_id, maximum in sorted(maxima.items()):
        if _limit(maximum, default) >= 0:
            _hold(tx, project_id, resource, default)
    return sorted(found, key=lambda row: place[row.pk])


@cache
def _with_maximum(collection: Collection, resource: str) -> ByNumbers:
    """The rows with these numbers, each with its project's own limit."""
    table: Any = collection.pk.table
    own = (
        select(_T.c.maximum)
        .where(_T.c.project_id == table.c.project_id, _T.c.resource == resource)
        .correlate(table)
        .scalar_subquery()
    )
    return ByNumbers(collection.select().add_columns(own.label("quota_maximum")), collection.pk)


def _hold(tx: Transaction, project_id: str, resource: str, default: int) -> None:
    """Raise OverQuota when the project has too many, counting the new ones."""
    limit = _limit(_lock(tx, project_id, resource), default)
    if 0 <= limit < used(tx, project_id, [resource])[resource]:
        raise OverQuota(f"Quota exceeded for resources: ['{resource}'].")


def _limit(own: int | None, default: int) -> int:
    return default if own is None else own


def _lock(tx: Transaction, project_id: str, resource: str) -> int | None:
    """The project's own limit, locked until the transaction ends."""
    mine = (_T.c.project_id == project_id, _T.c.resource == resource)
    held = select(_T.c.maximum).where(*mine).with_for_update()
    row = tx.execute(held).one_or_none()
    if row is None:
        tx.execute(
            _insert_unless_there(tx.dialect), {"project_id": project_id, "resource": resource}
        )
        row = tx.execute(held).one_or_none()
    return None if row is None else row.maximum


def used(tx: Transaction, project_id: str, resources: Sequence[str]) -> dict[str, int]:
    """How many of each resource the project has."""
    counts = [
        select(func.count())
        .select_from(COUNTED[name])
        .where(COUNTED[name].c.project_id == project_id)
        .scalar_subquery()
        .label(name)
        for name in resources
        if name in COUNTED
    ]
    counted = tx.execute(select(*counts)).mappings().one() if counts else {}
    return {name: counted.get(name, 0) for name in resources}


def own_limits(tx: Transaction, project_id: str) -> dict[str, int]:
    """The limits that are the project's own."""
    rows = tx.execute(_OWN_LIMITS, {"the_project": project_id})
    return {row.resource: row.maximum for row in rows}


_OWN_LIMITS: Final = select(_T.c.resource, _T.c.maximum).where(
    _T.c.project_id == bindparam("the_project"), _T.c.maximum.is_not(None)
)


def all_limits(tx: Transaction) -> dict[str, dict[str, int]]:
    """The own limits of every project that has any."""
    found: dict[str, dict[str, int]] = {}
    rows = tx.execute(
        select(_T).where(_T.c.maximum.is_not(None)).order_by(_T.c.project_id, _T.c.resource)
    )
    for row in rows:
        found.setdefault(row.project_id, {})[row.resource] = row.maximum
    return found


def set_limit(tx: Transaction, project_id: str, resource: str, maximum: int) -> None:
    """Give the project a limit of its own. Transactions that count resources wait meanwhile."""
    _lock(tx, project_id, resource)
    mine = (_T.c.project_id == project_id, _T.c.resource == resource)
    tx.execute(update(_T).where(*mine).values(maximum=maximum))


def forget(tx: Transaction, project_id: str) -> bool:
    """Delete the project's own limits; whether there were any."""
    there = tx.execute(delete(_T).where(_T.c.project_id == project_id, _T.c.maximum.is_not(None)))
    return there.rowcount > 0


def _insert_unless_there(dialect: str) -> Any:
    match dialect:
        case "postgresql":
            return postgresql.insert(_T).on_conflict_do_nothing()
        case "sqlite":
            return sqlite.insert(_T).on_conflict_do_nothing()
        case _:
            return insert(_T).prefix_with("IGNORE")

"""Statements on quotas: how many resources of a kind a project may have.

A limit is checked after the insert, in the same transaction, which is rolled back if there are too
many. Without a limit that costs nothing: a statement that the creation needs anyway also reads the
project's own limits. The row of a limit is also the lock under which the project's resources are
counted, so two requests cannot both take the last place.

The row remembers the count, and one statement adds to it if there is room. What is deleted is not
taken off, so the count may be too high but not too low. Resources are counted again only when it
reaches the limit, or is older than COUNT_HOLDS_SECONDS: a creation costs the same however many
there are.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Table,
    Update,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from ipam import clock
from ipam.errors import OverQuota
from ipam.store import tables
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Collection, Record
from ipam.store.engine.rows_by_number import ByNumbers

_T = tables.quota
_IP = tables.ip_address

UNLIMITED: Final = -1

COUNT_HOLDS_SECONDS: Final = 60
"""After this time also those are counted that nobody added: what the service made for itself, as
ports of DHCP servers, and what was made while there was no limit."""

COUNTED: Final[Mapping[str, Table]] = {
    "network": tables.network,
    "subnet": tables.subnet,
    "port": tables.port,
    "subnetpool": tables.subnetpool,
    "rbac_policy": tables.rbac_policy,
}
"""What can be limited and is counted by the rows of a table."""

FIXED_IPS: Final = "fixed_ip"
"""The addresses of a project's ports, which are limited apart from the ports."""

LIMITED: Final = (*COUNTED, FIXED_IPS)

ABSENT: Final = ("router", "floatingip", "security_group", "security_group_rule")
"""Limits that clients read and write although ipam has no such resources."""

RESOURCES: Final = (*LIMITED, *ABSENT)

OF_PORTS: Final = ("port", FIXED_IPS)
"""What new ports count against."""


def read_made(
    tx: Transaction,
    collection: Collection,
    pks: Sequence[int],
    resource: str,
    defaults: Mapping[str, int],
) -> Sequence[Record]:
    """The inserted rows, in the order of the numbers given. Raises OverQuota.

    `defaults` are the limits of projects without their own. New ports are not read: see `take`.
    """
    place = {pk: n for n, pk in enumerate(pks)}
    found: list[Record] = []
    for statement, parameters in _with_maxima(collection, resource).each(tx, pks):
        found.extend(tx.execute(statement, parameters).all())
    owners: dict[str, list[Record]] = {}
    for row in found:
        owners.setdefault(row.project_id, []).append(row)
    for project_id, new in sorted(owners.items()):
        take(tx, project_id, {resource: len(new)}, own_limits_in(new[0], (resource,)), defaults)
    return sorted(found, key=lambda row: place[row.pk])


def own_limits_of(
    project: ColumnElement[str], resources: Sequence[str]
) -> list[ColumnElement[Any]]:
    """For a statement: the limits of this project that are its own, NULL where it has none."""
    return [
        select(_T.c.maximum)
        .where(_T.c.project_id == project, _T.c.resource == name)
        .correlate_except(_T)
        .scalar_subquery()
        .label(f"quota_{name}")
        for name in resources
    ]


def own_limits_in(row: Record, resources: Sequence[str]) -> dict[str, int | None]:
    """The limits in a row of a statement that has `own_limits_of` among its columns."""
    return {name: getattr(row, f"quota_{name}") for name in resources}


def check(
    tx: Transaction, project_id: str, added: Mapping[str, int], defaults: Mapping[str, int]
) -> None:
    """Raise OverQuota if the project, which just got so many, has more than it may have."""
    take(tx, project_id, added, own_limits(tx, project_id), defaults)


def take(
    tx: Transaction,
    project_id: str,
    added: Mapping[str, int],
    own: Mapping[str, int | None],
    defaults: Mapping[str, int],
) -> None:
    """Like `check`, with the project's own limits as they were read a moment ago."""
    limited = {
        name: number
        for name, number in added.items()
        if number and _limit(own.get(name), defaults[name]) >= 0
    }
    if limited:
        _hold(tx, project_id, limited, defaults)


@cache
def _with_maxima(collection: Collection, resource: str) -> ByNumbers:
    """The rows with these numbers, each with its project's own limits as `quota_…`."""
    table: Any = collection.pk.table
    own = own_limits_of(table.c.project_id, (resource,))
    return ByNumbers(collection.select().add_columns(*own), collection.pk)


def _hold(
    tx: Transaction, project_id: str, added: Mapping[str, int], defaults: Mapping[str, int]
) -> None:
    """Raise OverQuota when the project has too many, counting the new ones: `added`."""
    now = clock.now_seconds()
    values: dict[str, Any] = {"the_project": project_id, "the_oldest": now - COUNT_HOLDS_SECONDS}
    for name, number in added.items():
        values |= {f"new_{name}": number, f"default_{name}": defaults[name]}
    if tx.execute(_add(tuple(sorted(added)), tx.dialect), values).rowcount == len(added):
        return
    own = _lock(tx, project_id, tuple(sorted(added)))
    limits = {name: _limit(own[name], defaults[name]) for name in added}
    counted = used(tx, project_id, sorted(name for name in added if limits[name] >= 0))
    over = sorted(name for name, number in counted.items() if number > limits[name])
    if over:
        raise OverQuota(f"Quota exceeded for resources: {over}.")
    for name, number in counted.items():
        mine = {"the_project": project_id, "the_resource": name}
        tx.execute(_REMEMBER, {**mine, "most_used": number, "counted_at": now})


@cache
def _add(resources: tuple[str, ...], dialect: str) -> Update:
    """Adds the new ones to the counts that are fresh and leave room for them."""
    new = {name: bindparam(f"new_{name}", type_=BigInteger()) for name in resources}
    room = (
        and_(
            _T.c.resource == name,
            _T.c.most_used + new[name]
            <= func.coalesce(_T.c.maximum, bindparam(f"default_{name}", type_=BigInteger())),
        )
        for name in resources
    )
    fresh = _T.c.counted_at > bindparam("the_oldest", type_=BigInteger())
    adding = (
        update(_T)
        .where(_T.c.project_id == bindparam("the_project"), fresh, or_(*room))
        .values(most_used=_T.c.most_used + case(new, value=_T.c.resource))
    )
    if dialect != "postgresql" or len(resources) == 1:
        return adding
    # It would lock the rows in any order. The others go by the primary key.
    held = _locking(resources).subquery("held")
    return adding.where(_T.c.resource == held.c.resource)


_REMEMBER: Final = update(_T).where(
    _T.c.project_id == bindparam("the_project"), _T.c.resource == bindparam("the_resource")
)
"""Sets the columns that the parameters name, too."""


def _limit(own: int | None, default: int) -> int:
    return default if own is None else own


def _lock(tx: Transaction, project_id: str, resources: tuple[str, ...]) -> dict[str, int | None]:
    """The project's own limits, locked until the transaction ends."""
    locking, mine = _locking(resources), {"the_project": project_id}
    own = {row.resource: row.maximum for row in tx.execute(locking, mine)}
    if missing := [name for name in resources if name not in own]:
        new = [{"project_id": project_id, "resource": name} for name in sorted(missing)]
        tx.execute(_insert_unless_there(tx.dialect), new)
        own = {row.resource: row.maximum for row in tx.execute(locking, mine)}
    return {name: own.get(name) for name in resources}


@cache
def _locking(resources: tuple[str, ...]) -> Select[Any]:
    """The rows of a project's limits of these, locked; all writers lock in one order."""
    return (
        select(_T.c.resource, _T.c.maximum)
        .where(
            _T.c.project_id == bindparam("the_project"),
            or_(*(_T.c.resource == name for name in resources)),
        )
        .order_by(_T.c.resource)
        .with_for_update()
    )


def used(tx: Transaction, project_id: str, resources: Sequence[str]) -> dict[str, int]:
    """How many of each resource the project has."""
    names = tuple(name for name in resources if name in LIMITED)
    row: Sequence[int] = ()
    if names:
        row = tx.execute(_counts(names), {"the_project": project_id}).one()
    return dict.fromkeys(resources, 0) | dict(zip(names, row, strict=True))


@cache
def _counts(resources: tuple[str, ...]) -> Select[Any]:
    """One row with the number of each of these that a project has."""
    return select(*(_count(name).scalar_subquery().label(name) for name in resources))


def _count(resource: str) -> Select[Any]:
    table = tables.port if resource == FIXED_IPS else COUNTED[resource]
    source: FromClause = table
    if resource == FIXED_IPS:
        source = table.join(_IP, _IP.c.owner_pk == table.c.pk)
    counted = select(func.count()).select_from(source)
    return counted.where(table.c.project_id == bindparam("the_project"))


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
    _lock(tx, project_id, (resource,))
    mine = (_T.c.project_id == project_id, _T.c.resource == resource)
    tx.execute(update(_T).where(*mine).values(maximum=maximum, counted_at=0))


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

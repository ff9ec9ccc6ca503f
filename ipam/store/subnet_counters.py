"""How many addresses of each subnet are in use, without counting them.

Each event of an address (`allocation_event`) says by how much it changes the counters of its
subnet. The worker adds events up into `subnet_usage`, and a count is that row and the events that
are not in it yet, read by one statement. So it is of one moment, whatever runs beside it, and no
request that gives an address writes to a row that another one writes to.

Only addresses in the allocation pools are `used` or `held`. Events are judged by the pools of now,
so a change of the pools counts anew.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    func,
    insert,
    literal_column,
    select,
    true,
    union_all,
    update,
)

from ipam import model
from ipam.chunks import alternatives
from ipam.store import allocation_ledger, tables
from ipam.store.allocation_history import ALLOCATED, RELEASED
from ipam.store.engine.database import Transaction

_IP, _PORT, _POOL = tables.ip_address.c, tables.port.c, tables.allocation_pool.c
_COUNTER, _EVENT = tables.subnet_usage.c, tables.allocation_event.c

KEPT: Final = ("owned", "used", "held", "dynamic")
"""What has a counter. `cooling` ends with time alone, so it is counted, by its index."""


@dataclass(frozen=True, slots=True)
class Count:
    """The addresses of a subnet that are not free."""

    owned: int = 0
    """Those that a port has, also outside of the pools."""
    used: int = 0
    """Those of the pools that a port has."""
    held: int = 0
    """Those used by ports without a device: reservations."""
    dynamic: int = 0
    """Those of machines that nobody announced, in dynamic ranges outside of the pools."""
    cooling: int = 0
    """Those of the pools that were given back a short time ago."""


def _pool_of(subnet_pk: ColumnElement[Any], ip: ColumnElement[Any]) -> ColumnElement[bool]:
    return and_(_POOL.subnet_pk == subnet_pk, ip.between(_POOL.first, _POOL.last))


def _in_pool(number: ColumnElement[int]) -> ColumnElement[int]:
    return case((_POOL.subnet_pk.is_not(None), number), else_=0)


_NONE: Final[ColumnElement[int]] = literal_column("0")
_ONE: Final[ColumnElement[int]] = literal_column("1")
_STEP: Final = case((_EVENT.action == ALLOCATED, 1), (_EVENT.action == RELEASED, -1), else_=0)


def _counted(of: ColumnElement[bool]) -> Select[Any]:
    """What is in the counters."""
    kept = (_COUNTER[name] for name in KEPT)
    return select(_COUNTER.subnet_pk, *kept, _NONE.label("cooling")).where(of)


def _uncounted(of: ColumnElement[bool]) -> Select[Any]:
    """What is not in the counters yet."""
    return (
        select(
            _EVENT.uncounted_in.label("subnet_pk"),
            _STEP.label("owned"),
            _in_pool(_STEP).label("used"),
            _in_pool(_EVENT.held_change).label("held"),
            _EVENT.dynamic_change.label("dynamic"),
            _NONE.label("cooling"),
        )
        .select_from(tables.allocation_event)
        .outerjoin(tables.allocation_pool, _pool_of(_EVENT.uncounted_in, _EVENT.ip_address))
        .where(_EVENT.uncounted_in.is_not(None), of)
    )


def _cooling(of: ColumnElement[bool]) -> Select[Any]:
    none = (_NONE.label(name) for name in KEPT)
    return (
        select(_IP.subnet_pk, *none, func.count().label("cooling"))
        .select_from(tables.ip_address)
        .join(tables.allocation_pool, _pool_of(_IP.subnet_pk, _IP.ip))
        .where(_IP.owner_pk.is_(None), _IP.free_at > bindparam("now"), of)
        .group_by(_IP.subnet_pk)
    )


def _true(of: ColumnElement[bool]) -> Select[Any]:
    """What the counters and what is not in them yet are to be together."""
    held = case((_PORT.device_id == "", 1), else_=0)
    dynamic = case((_PORT.device_owner == model.LEASE_PORT_OWNER, 1), else_=0)
    return (
        select(
            _IP.subnet_pk,
            func.count().label("owned"),
            func.sum(_in_pool(_ONE)).label("used"),
            func.sum(_in_pool(held)).label("held"),
            func.sum(dynamic).label("dynamic"),
        )
        .select_from(tables.ip_address)
        .join(tables.port, _PORT.pk == _IP.owner_pk)
        .outerjoin(tables.allocation_pool, _pool_of(_IP.subnet_pk, _IP.ip))
        .where(of)
        .group_by(_IP.subnet_pk)
    )


def _without(part: Select[Any]) -> Select[Any]:
    """The part, to be taken away."""
    inner = part.subquery()
    return select(inner.c.subnet_pk, *((-inner.c[name]).label(name) for name in KEPT))


def _summed(*parts: Select[Any]) -> Select[Any]:
    """The sums of each column of the parts, a row for each subnet."""
    every = union_all(*parts).subquery()
    number, *rest = every.c
    return select(number, *(func.sum(each).label(each.name) for each in rest)).group_by(number)


_ANY: Final = true()
_THESE: Final[ColumnElement[Any]] = bindparam("subnets", expanding=True)
_ALL_NOW: Final = _summed(_counted(_ANY), _uncounted(_ANY), _cooling(_ANY))
_SOME_NOW: Final = _summed(
    _counted(_COUNTER.subnet_pk.in_(_THESE)),
    _uncounted(_EVENT.uncounted_in.in_(_THESE)),
    _cooling(_IP.subnet_pk.in_(_THESE)),
)
_EXACT: Final = _summed(
    _true(_IP.subnet_pk == bindparam("the_subnet")),
    _without(_uncounted(_EVENT.uncounted_in == bindparam("the_subnet"))),
)
_OWNED_PARTS: Final = union_all(
    select(_COUNTER.owned), select(_STEP).where(_EVENT.uncounted_in.is_not(None))
).subquery()
ALL_OWNED: Final = select(func.coalesce(func.sum(_OWNED_PARTS.c.owned), 0))
"""How many addresses ports have in all subnets."""
_DIFFERENCES: Final = _summed(_true(_ANY), _without(_uncounted(_ANY)), _without(_counted(_ANY)))


def current(
    tx: Transaction, now: int, subnet_pks: Sequence[int] | None = None
) -> dict[int, Count]:
    """The counts of these subnets at this time (epoch seconds). None: of all with any."""
    if subnet_pks is None:
        return _read(tx, _ALL_NOW, {"now": now})
    found = dict.fromkeys(subnet_pks, Count())
    for some in alternatives(subnet_pks):
        found |= _read(tx, _SOME_NOW, {"now": now, "subnets": some})
    return found


def pool_sizes(tx: Transaction) -> Counter[int]:
    """How many addresses the pools of each subnet have."""
    sizes = Counter[int]()
    for subnet_pk, first, last in tx.execute(select(_POOL.subnet_pk, _POOL.first, _POOL.last)):
        sizes[subnet_pk] += int.from_bytes(last) - int.from_bytes(first) + 1
    return sizes


def open_(tx: Transaction, subnet_pk: int) -> None:
    """Begin to count the addresses of a new subnet."""
    tx.execute(insert(tables.subnet_usage), {"subnet_pk": subnet_pk, **dict.fromkeys(KEPT, 0)})


def close(tx: Transaction, subnet_pk: int) -> None:
    """Count nothing more of a subnet that is deleted next: SQLite may give its number again."""
    allocation_ledger.subnet_removed(tx, subnet_pk)
    mine = update(tables.allocation_event).where(_EVENT.uncounted_in == subnet_pk)
    tx.execute(mine.values(uncounted_in=None))


def count_anew(tx: Transaction, subnet_pk: int) -> None:
    """Set the counters to what the tables of addresses, ports and pools say."""
    allocation_ledger.write_now(tx)
    if not _lock(tx, [subnet_pk]) and not _opened_late(tx, subnet_pk):
        return
    row = tx.execute(_EXACT, {"the_subnet": subnet_pk}).one_or_none()
    values = {name: int(getattr(row, name)) if row else 0 for name in KEPT}
    mine = update(tables.subnet_usage).where(_COUNTER.subnet_pk == subnet_pk)
    tx.execute(mine.values(values))


def wrong(tx: Transaction) -> list[int]:
    """The subnets whose counters are not what the tables say. Reads every address."""
    found = tx.execute(_DIFFERENCES)
    return sorted(row.subnet_pk for row in found if any(getattr(row, name) for name in KEPT))


def add_up(tx: Transaction, *, limit: int) -> int:
    """Add at most so many events to the counters of their subnets; how many were."""
    query = (
        select(_EVENT.pk, _EVENT.uncounted_in)
        .where(_EVENT.uncounted_in.is_not(None))
        .order_by(_EVENT.uncounted_in)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    events = tx.execute(query).all()
    _lock(tx, sorted({event.uncounted_in for event in events}))  # so that no pools change now
    for some in alternatives([event.pk for event in events]):
        these = _EVENT.pk.in_(some)
        for row in tx.execute(_summed(_uncounted(these))).all():
            values = {name: _COUNTER[name] + int(getattr(row, name)) for name in KEPT}
            mine = update(tables.subnet_usage).where(_COUNTER.subnet_pk == row.subnet_pk)
            tx.execute(mine.values(values))
        tx.execute(update(tables.allocation_event).where(these).values(uncounted_in=None))
    return len(events)


def _lock(tx: Transaction, subnet_pks: Sequence[int]) -> list[int]:
    """Keep others from changing these counters; which there are."""
    found: list[int] = []
    for some in alternatives(subnet_pks):
        query = select(_COUNTER.subnet_pk).where(_COUNTER.subnet_pk.in_(some))
        locked = query.order_by(_COUNTER.subnet_pk).with_for_update()
        found.extend(tx.execute(locked).scalars())
    return found


def _opened_late(tx: Transaction, subnet_pk: int) -> bool:
    """Have counters for a subnet that a version without them has made; False without a subnet."""
    subnet = select(tables.subnet.c.pk).where(tables.subnet.c.pk == subnet_pk)
    if tx.execute(subnet.with_for_update()).first() is None:
        return False
    if not _lock(tx, [subnet_pk]):  # or another did it while this one waited
        open_(tx, subnet_pk)
    return True


def _read(tx: Transaction, statement: Select[Any], values: dict[str, Any]) -> dict[int, Count]:
    found = {}
    for row in tx.execute(statement, values):
        subnet_pk, *numbers = row
        found[subnet_pk] = Count(*map(int, numbers))
    return found

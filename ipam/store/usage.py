"""Counts the addresses of subnets by state, and keeps the peak of each day.

Only addresses inside the allocation pools count: the others cannot be given.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from sqlalchemy import ColumnElement, and_, case, delete, func, insert, or_, select, update

from ipam import model
from ipam.chunks import alternatives, chunks
from ipam.store import tables
from ipam.store.engine.database import Transaction

MOST_WALKED: Final = 20_000
"""Among how many addresses in use the largest free block is looked for."""

Pool: TypeAlias = tuple[bytes, bytes]
"""The first and the last address."""

POOLS_AT_ONCE: Final = 50
"""How many pools one statement counts in. Bounds written out let planners use the indexes."""

_IP, _PORT, _POOL = tables.ip_address.c, tables.port.c, tables.allocation_pool.c
_DAY: Final = tables.subnet_usage_day
_IN_POOL: Final = and_(_POOL.subnet_pk == _IP.subnet_pk, _IP.ip.between(_POOL.first, _POOL.last))


@dataclass(frozen=True, slots=True)
class Count:
    """The addresses of a subnet's pools that are not free."""

    used: int = 0
    """Those that a port has."""
    cooling: int = 0
    held: int = 0
    """Those used by ports without a device: reservations."""
    dynamic: int = 0
    """Those of machines that nobody announced, in dynamic ranges outside of the pools."""


def counts(tx: Transaction, pools: Mapping[int, Sequence[Pool]], now: int) -> dict[int, Count]:
    """The counts of these subnets with their pools at this time (epoch seconds)."""
    used, cooling, held = Counter[int](), Counter[int](), Counter[int]()
    each = [(pk, first, last) for pk, some in pools.items() for first, last in some]
    for some in chunks(each, POOLS_AT_ONCE):
        inside = or_(
            *(and_(_IP.subnet_pk == pk, _IP.ip.between(first, last)) for pk, first, last in some)
        )
        states = select(
            _IP.subnet_pk,
            func.count(_IP.owner_pk).label("used"),
            func.count(case((_IP.free_at > now, 1))).label("cooling"),
        )
        for row in tx.execute(states.where(inside).group_by(_IP.subnet_pk)):
            used[row.subnet_pk] += row.used
            cooling[row.subnet_pk] += row.cooling
        held.update(_by_subnet(tx, inside, _PORT.device_id == "", list(pools)))
    dynamic = Counter[int]()
    for subnet_pks in alternatives(list(pools)):
        mine = _IP.subnet_pk.in_(subnet_pks)
        owner = _PORT.device_owner == model.LEASE_PORT_OWNER
        dynamic.update(_by_subnet(tx, mine, owner, subnet_pks))
    return {pk: Count(used[pk], cooling[pk], held[pk], dynamic[pk]) for pk in pools}


def _by_subnet(
    tx: Transaction,
    inside: ColumnElement[bool],
    ports: ColumnElement[bool],
    subnet_pks: Sequence[int],
) -> dict[int, int]:
    """How many such addresses such ports have, by subnet."""
    networks = select(tables.subnet.c.network_pk).where(tables.subnet.c.pk.in_(subnet_pks))
    query = (
        select(_IP.subnet_pk, func.count().label("number"))
        .join_from(tables.port, tables.ip_address, _IP.owner_pk == _PORT.pk)
        .where(_PORT.network_pk.in_(networks), ports, inside)
        .group_by(_IP.subnet_pk)
    )
    return {row.subnet_pk: row.number for row in tx.execute(query)}


def taken(tx: Transaction, subnet_pk: int, now: int) -> list[bytes]:
    """The addresses of a subnet that are used or cooling, in order."""
    query = (
        select(_IP.ip)
        .where(_IP.subnet_pk == subnet_pk, or_(_IP.owner_pk.is_not(None), _IP.free_at > now))
        .order_by(_IP.ip)
    )
    return list(tx.execute(query).scalars())


def peaks(tx: Transaction, subnet_pks: Sequence[int], since: int) -> dict[int, dict[int, int]]:
    """The most addresses used at once, by subnet and day, from this day on."""
    found: dict[int, dict[int, int]] = {pk: {} for pk in subnet_pks}
    for some in alternatives(subnet_pks):
        query = select(_DAY).where(_DAY.c.subnet_pk.in_(some), _DAY.c.day >= since)
        for row in tx.execute(query):
            found[row.subnet_pk][row.day] = row.used
    return found


def sample(tx: Transaction, day: int) -> int:
    """Raise the peaks of this day to what is used now; how many subnets were looked at."""
    query = (
        select(_IP.subnet_pk, func.count().label("used"))
        .join(tables.allocation_pool, _IN_POOL)
        .where(_IP.owner_pk.is_not(None))
        .group_by(_IP.subnet_pk)
    )
    used = dict.fromkeys(tx.execute(select(tables.subnet.c.pk)).scalars(), 0)
    used |= {row.subnet_pk: row.used for row in tx.execute(query)}
    of_day = select(_DAY.c.subnet_pk, _DAY.c.used).where(_DAY.c.day == day)
    known = {row.subnet_pk: row.used for row in tx.execute(of_day)}
    _insert(tx, day, {pk: number for pk, number in used.items() if pk not in known})
    for pk, number in used.items():
        if number > known.get(pk, number):
            mine = and_(_DAY.c.subnet_pk == pk, _DAY.c.day == day, _DAY.c.used < number)
            tx.execute(update(_DAY).where(mine).values(used=number))
    return len(used)


def _insert(tx: Transaction, day: int, used: Mapping[int, int]) -> None:
    rows = [{"subnet_pk": pk, "day": day, "used": number} for pk, number in used.items()]
    for some in chunks(rows):
        tx.execute(insert(_DAY), list(some))


def nearly_full(tx: Transaction, percent: int, day: int) -> int:
    """How many IPv4 subnets had so many percent in use at the last peak, of this day or before."""
    subnet = tables.subnet.c
    versions = {row.pk: row.ip_version for row in tx.execute(select(subnet.pk, subnet.ip_version))}
    sizes: dict[int, int] = {}
    for row in tx.execute(select(_POOL.subnet_pk, _POOL.first, _POOL.last)):
        if versions.get(row.subnet_pk) == 4:
            size = int.from_bytes(row.last) - int.from_bytes(row.first) + 1
            sizes[row.subnet_pk] = sizes.get(row.subnet_pk, 0) + size
    last = select(_DAY).where(_DAY.c.day >= day - 1).order_by(_DAY.c.day)
    used = {row.subnet_pk: row.used for row in tx.execute(last)}
    return sum(100 * used.get(pk, 0) >= percent * size for pk, size in sizes.items())


def forget(tx: Transaction, *, before: int, limit: int) -> int:
    """Delete at most so many peaks of days before this one; how many were."""
    query = select(_DAY.c.subnet_pk, _DAY.c.day).where(_DAY.c.day < before).limit(limit)
    old = tx.execute(query).all()
    for row in old:
        tx.execute(delete(_DAY).where(_DAY.c.subnet_pk == row.subnet_pk, _DAY.c.day == row.day))
    return len(old)

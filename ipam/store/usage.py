"""Says which addresses of a subnet are taken, and keeps the peak of each day.

Only addresses inside the allocation pools count: the others cannot be given.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import and_, bindparam, delete, insert, or_, select, update

from ipam.chunks import alternatives, chunks
from ipam.store import subnet_counters, tables
from ipam.store.engine.database import Transaction
from ipam.store.tables import Address

_IP = tables.ip_address.c
_DAY: Final = tables.subnet_usage_day
_TAKEN: Final = or_(_IP.owner_pk.is_not(None), _IP.free_at > bindparam("now"))
_ALL_TAKEN: Final = (
    select(_IP.ip).where(_IP.subnet_pk == bindparam("the_subnet"), _TAKEN).order_by(_IP.ip)
)
_FIRST_TAKEN: Final = _ALL_TAKEN.where(
    _IP.ip.between(bindparam("first", type_=Address), bindparam("last", type_=Address))
).limit(1)


def taken(tx: Transaction, subnet_pk: int, now: int) -> list[bytes]:
    """The addresses of a subnet that are used or cooling, in order."""
    return list(tx.execute(_ALL_TAKEN, {"the_subnet": subnet_pk, "now": now}).scalars())


def first_taken(
    tx: Transaction, subnet_pk: int, now: int, first: bytes, last: bytes
) -> bytes | None:
    """The first address from one to another that is used or cooling; None if all are free."""
    values = {"the_subnet": subnet_pk, "now": now, "first": first, "last": last}
    return tx.execute(_FIRST_TAKEN, values).scalar()


def peaks(tx: Transaction, subnet_pks: Sequence[int], since: int) -> dict[int, dict[int, int]]:
    """The most addresses used at once, by subnet and day, from this day on."""
    found: dict[int, dict[int, int]] = {pk: {} for pk in subnet_pks}
    for some in alternatives(subnet_pks):
        query = select(_DAY).where(_DAY.c.subnet_pk.in_(some), _DAY.c.day >= since)
        for row in tx.execute(query):
            found[row.subnet_pk][row.day] = row.used
    return found


def sample(tx: Transaction, day: int, now: int) -> int:
    """Raise the peaks of this day to what is used now; how many subnets were looked at."""
    used = dict.fromkeys(tx.execute(select(tables.subnet.c.pk)).scalars(), 0)
    counts = subnet_counters.current(tx, now)
    used |= {pk: count.used for pk, count in counts.items() if pk in used}
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
    of_ipv4 = set(tx.execute(select(subnet.pk).where(subnet.ip_version == 4)).scalars())
    sizes = {pk: size for pk, size in subnet_counters.pool_sizes(tx).items() if pk in of_ipv4}
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

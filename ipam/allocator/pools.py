"""Statements on all of a subnet's addresses: its pools, the lowest free one, old lists."""

from collections.abc import Sequence
from functools import partial

from sqlalchemy import delete, false, insert, or_, select, update

from ipam.allocator import ranges, refill_policy, statements
from ipam.allocator.ranges import AddressRange
from ipam.allocator.selection import Machine, preferred
from ipam.errors import SubnetNotFound
from ipam.model import AddressSelection
from ipam.store.engine.database import Database, Transaction
from ipam.store.tables import ip_address, ip_candidates, ip_cursor

HELD_UNTIL = 253402300799
"""The last second of the year 9999, the last year that an ISO time can express."""
LOOK_AT = 1024
"""How many addresses one statement looks at in the search for the lowest free one."""


def write_cursors(tx: Transaction, subnet_pk: int, pools: Sequence[AddressRange]) -> None:
    """Replace the cursors of a subnet by new ones at the start of each pool.

    A refill skips addresses that have a row already.
    """
    tx.execute(delete(ip_cursor).where(ip_cursor.c.subnet_pk == subnet_pk))
    tx.execute(delete(ip_candidates).where(ip_candidates.c.subnet_pk == subnet_pk))
    rows = [{"subnet_pk": subnet_pk, **each._asdict()} for each in refill_policy.shards(pools)]
    if rows:
        tx.execute(insert(ip_cursor), rows)


def delete_unowned(tx: Transaction, subnet_pk: int) -> None:
    """Delete all that the allocator keeps of a subnet, except addresses that have an owner."""
    for table in (ip_cursor, ip_candidates):
        tx.execute(delete(table).where(table.c.subnet_pk == subnet_pk))
    owned = ip_address.c
    tx.execute(delete(ip_address).where(owned.subnet_pk == subnet_pk, owned.owner_pk.is_(None)))


def forget_outside(tx: Transaction, subnet_pk: int, usable: AddressRange) -> None:
    """Delete the addresses without an owner that are not in this range."""
    owned, (first, last) = ip_address.c, usable
    outside = or_(owned.ip < first, owned.ip > last)
    tx.execute(
        delete(ip_address).where(owned.subnet_pk == subnet_pk, owned.owner_pk.is_(None), outside)
    )


def move(tx: Transaction, subnet_pk: int, new_subnet_pk: int, within: AddressRange) -> None:
    """Take the addresses of this range into another subnet, with owners and cooldowns."""
    mine = (ip_address.c.subnet_pk == subnet_pk, ip_address.c.ip.between(*within))
    tx.execute(update(ip_address).where(*mine).values(subnet_pk=new_subnet_pk))


def fence(tx: Transaction, subnet_pk: int, within: Sequence[AddressRange], *, until: int) -> None:
    """Have nobody get an address of these ranges who did not get it yet.

    Released ones have no row any more. Candidates have one, on which an insert fails that began
    before their list was deleted, and waits for this transaction.
    """
    owned = ip_address.c
    for each in within:
        mine = (owned.subnet_pk == subnet_pk, owned.ip.between(*each))
        tx.execute(delete(ip_address).where(*mine, owned.owner_pk.is_(None)))
    lists = select(ip_candidates.c.addresses).where(ip_candidates.c.subnet_pk == subnet_pk)
    candidates = [ip for joined in tx.execute(lists).scalars() for ip in ranges.part(joined)]
    fenced = [ip for ip in candidates if ranges.contains(within, ip)]
    statements.insert_free(tx, subnet_pk, fenced, free_at=until)


def take_lowest(tx: Transaction, subnet_pk: int, owner_pk: int, now: int) -> bytes | None:
    """The lowest free address of the pools, which the owner now has; None when there is none.

    It looks at all addresses below the one it finds.
    """
    statements.lock_subnet(tx, subnet_pk, alone=False)
    for pool in statements.open_pools_of(tx, subnet_pk):
        rest: AddressRange | None = pool
        while rest is not None:
            window = ranges.head(rest, LOOK_AT)
            rows = statements.rows_within(tx, subnet_pk, window)
            for ip in ranges.addresses(window):
                if _take(tx, subnet_pk, ip, owner_pk, row=rows.get(ip), cooled_by=now):
                    return ip
            rest = None if window[1] == rest[1] else (ranges.after(window[1]), rest[1])
    return None


def take_preferred(
    tx: Transaction,
    subnet_pk: int,
    owner_pk: int,
    selection: AddressSelection,
    machine: Machine,
    *,
    now: int,
) -> bytes | None:
    """An address that the selection prefers, which the owner now has; None when all are taken.

    The address that a machine prefers most is given to it even while it cools, because it was
    most likely its own.
    """
    statements.lock_subnet(tx, subnet_pk, alone=False)
    ips = preferred(selection, statements.open_pools_of(tx, subnet_pk), machine)
    rows = statements.rows_of(tx, subnet_pk, ips)
    for ip in ips:
        is_own = selection != "random" and ip == ips[0]
        cooled_by = HELD_UNTIL - 1 if is_own else now
        if _take(tx, subnet_pk, ip, owner_pk, row=rows.get(ip), cooled_by=cooled_by):
            return ip
    return None


def _take(
    tx: Transaction,
    subnet_pk: int,
    ip: bytes,
    owner_pk: int,
    *,
    row: tuple[int | None, int | None] | None,
    cooled_by: int,
) -> bool:
    """Whether the owner now has the address, whose row was this: owner and end of cooldown."""
    if row is None:
        return statements.insert_given(tx, subnet_pk, ip, owner_pk)
    _, free_at = row
    is_free = free_at is not None and free_at <= cooled_by
    return is_free and statements.take_over(tx, subnet_pk, ip, owner_pk, cooled_by)


def take_longest_cooled(tx: Transaction, subnet_pk: int, owner_pk: int) -> bytes | None:
    """The released address of the pools whose cooldown ends first, which the owner now has.

    None when there is none, or when other transactions are taking all there are.
    """
    pools = [ip_address.c.ip.between(*pool) for pool in statements.pools_of(tx, subnet_pk)]
    query = (
        select(ip_address.c.ip)
        .where(
            ip_address.c.subnet_pk == subnet_pk,
            ip_address.c.owner_pk.is_(None),
            or_(false(), *pools),
        )
        .order_by(ip_address.c.free_at, ip_address.c.ip)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    while (found := tx.execute(query).scalar()) is not None:
        if statements.take_over(tx, subnet_pk, bytes(found), owner_pk, now=None):
            return bytes(found)
    return None


def take_held(tx: Transaction, subnet_pk: int, owner_pk: int, free_at: int) -> bytes | None:
    """The released address whose cooldown ends at `free_at`, now the owner's; None without one."""
    query = select(ip_address.c.ip).where(
        ip_address.c.subnet_pk == subnet_pk,
        ip_address.c.owner_pk.is_(None),
        ip_address.c.free_at == free_at,
    )
    found = tx.execute(query.limit(1)).scalar()
    if found is None:
        return None
    ip = bytes(found)
    return ip if statements.take_over(tx, subnet_pk, ip, owner_pk, now=None) else None


def free_lists(database: Database, taken_before: int) -> int:
    """Turn candidate lists made before this time into free addresses; how many lists.

    A running process that still uses one of these lists notices at its next allocation.
    """
    table = ip_candidates.c
    query = select(table.subnet_pk, table.id).where(table.taken_at < taken_before)
    old = database.read(lambda tx: tx.execute(query).all())
    return sum(
        database.write(partial(_free, subnet_pk=subnet_pk, list_id=list_id))
        for subnet_pk, list_id in old
    )


def _free(tx: Transaction, *, subnet_pk: int, list_id: int) -> int:
    table = ip_candidates.c
    try:
        statements.lock_subnet(tx, subnet_pk, alone=False)
    except SubnetNotFound:
        return 0
    same = (table.subnet_pk == subnet_pk, table.id == list_id)
    joined = tx.execute(select(table.addresses).where(*same).with_for_update()).scalar()
    if joined is None:
        return 0
    unused = statements.without_row(tx, subnet_pk, ranges.part(bytes(joined)))
    statements.insert_free(tx, subnet_pk, unused)
    tx.execute(delete(ip_candidates).where(*same))
    return 1

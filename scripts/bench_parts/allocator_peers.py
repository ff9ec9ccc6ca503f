"""How two other systems choose an address, written anew from a description of their algorithms.

Their own code does more around it. Measured beside ours in the same tables they show what the
choice alone costs.
"""

import random
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import netaddr
from sqlalchemy import insert, select, text

from ipam.allocator import ranges, statements
from ipam.store import tables
from ipam.store.engine.database import Transaction

NEUTRON_WINDOW: Final = 1_000
NETBOX_BATCH: Final = 5_000
NETBOX_LOCK: Final = 4_711

_A: Final = tables.ip_address.c


def neutron(tx: Transaction, subnet_pk: int, owner_pk: int) -> bytes:
    """As Neutron's driver for its own database: all addresses in use, as a set, from all.

    It then takes one of the first thousand that are left at random. The key refuses doubles, and
    the whole request is tried again.
    """
    used = netaddr.IPSet(
        netaddr.IPAddress(int.from_bytes(ip))
        for (ip,) in tx.execute(select(_A.ip).where(_A.subnet_pk == subnet_pk))
    )
    free = netaddr.IPSet()
    for first, last in statements.pools_of(tx, subnet_pk):
        pool = netaddr.IPRange(int.from_bytes(first), int.from_bytes(last))
        free |= netaddr.IPSet(pool) - used
    window = [address for _, address in zip(range(NEUTRON_WINDOW), free, strict=False)]
    ip = random.choice(window).packed
    tx.execute(insert(tables.ip_address), _row(subnet_pk, ip, owner_pk))
    return ip


def netbox(tx: Transaction, subnet_pk: int, owner_pk: int) -> bytes:
    """As NetBox: the addresses in order, 5,000 at a time, until there is a gap, under one lock."""
    if tx.dialect == "postgresql":
        tx.execute(text(f"SELECT pg_advisory_xact_lock({NETBOX_LOCK})"))
    else:
        tx.execute(
            select(tables.subnet.c.pk).where(tables.subnet.c.pk == subnet_pk).with_for_update()
        )
    ((first, last), *_) = statements.pools_of(tx, subnet_pk)
    before = ranges.after(first, -1)
    for one, following in pairwise([before, *_ordered(tx, subnet_pk, before), ranges.after(last)]):
        if ranges.after(one) != following:
            ip = ranges.after(one)
            tx.execute(insert(tables.ip_address), _row(subnet_pk, ip, owner_pk))
            return ip
    raise LookupError("no gap")


def _ordered(tx: Transaction, subnet_pk: int, after: bytes) -> Iterator[bytes]:
    while True:
        query = select(_A.ip).where(_A.subnet_pk == subnet_pk, _A.ip > after)
        batch = list(tx.execute(query.order_by(_A.ip).limit(NETBOX_BATCH)).scalars())
        yield from batch
        if len(batch) < NETBOX_BATCH:
            return
        after = batch[-1]


def _row(subnet_pk: int, ip: bytes, owner_pk: int) -> dict[str, object]:
    return {"subnet_pk": subnet_pk, "ip": ip, "owner_pk": owner_pk}

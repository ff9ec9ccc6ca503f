"""Statements on the ranges of subnets: their allocation pools and dynamic ranges."""

from collections.abc import Sequence

from sqlalchemy import Table, delete, insert, select

from ipam.chunks import alternatives
from ipam.store import tables
from ipam.store.engine.database import Transaction

_POOL = tables.allocation_pool
_RANGE = tables.dynamic_range

Range = tuple[bytes, bytes]


def pools(tx: Transaction, subnet_pks: Sequence[int]) -> dict[int, list[Range]]:
    """The allocation pools of each subnet, lowest first."""
    return _ranges_of(tx, _POOL, subnet_pks)


def set_pools(tx: Transaction, subnet_pk: int, new: Sequence[Range]) -> None:
    """Replace the allocation pools."""
    _set_ranges(tx, _POOL, subnet_pk, new)


def dynamic_ranges(tx: Transaction, subnet_pks: Sequence[int]) -> dict[int, list[Range]]:
    """The dynamic ranges of each subnet, lowest first."""
    return _ranges_of(tx, _RANGE, subnet_pks)


def set_dynamic_ranges(tx: Transaction, subnet_pk: int, new: Sequence[Range]) -> None:
    """Replace the dynamic ranges."""
    _set_ranges(tx, _RANGE, subnet_pk, new)


def _ranges_of(tx: Transaction, table: Table, subnet_pks: Sequence[int]) -> dict[int, list[Range]]:
    found: dict[int, list[Range]] = {pk: [] for pk in subnet_pks}
    for some in alternatives(subnet_pks):
        query = select(table).where(table.c.subnet_pk.in_(some)).order_by(table.c.first)
        for row in tx.execute(query):
            found[row.subnet_pk].append((row.first, row.last))
    return found


def _set_ranges(tx: Transaction, table: Table, subnet_pk: int, new: Sequence[Range]) -> None:
    tx.execute(delete(table).where(table.c.subnet_pk == subnet_pk))
    if new:
        rows = [{"subnet_pk": subnet_pk, "first": first, "last": last} for first, last in new]
        tx.execute(insert(table), rows)

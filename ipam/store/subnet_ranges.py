"""Statements on the ranges of subnets: their allocation pools, dynamic and static ranges."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Table,
    bindparam,
    delete,
    insert,
    literal_column,
    select,
    union_all,
)

from ipam.chunks import alternatives
from ipam.store import tables
from ipam.store.engine.database import Transaction

_POOL = tables.allocation_pool
_RANGE = tables.dynamic_range
_STATIC = tables.static_range

Range = tuple[bytes, bytes]


class StaticRange(NamedTuple):
    """Addresses that are given only to who names them, for whom and for what."""

    first: bytes
    last: bytes
    label: str
    owner: str


def set_pools(tx: Transaction, subnet_pk: int, new: Sequence[Range]) -> None:
    """Replace the allocation pools."""
    _set_ranges(tx, _POOL, subnet_pk, new)


def dynamic_ranges(tx: Transaction, subnet_pks: Sequence[int]) -> dict[int, list[Range]]:
    """The dynamic ranges of each subnet, lowest first."""
    found: dict[int, list[Range]] = {pk: [] for pk in subnet_pks}
    for some in alternatives(subnet_pks):
        query = select(_RANGE).where(_RANGE.c.subnet_pk.in_(some)).order_by(_RANGE.c.first)
        for row in tx.execute(query):
            found[row.subnet_pk].append((row.first, row.last))
    return found


def set_dynamic_ranges(tx: Transaction, subnet_pk: int, new: Sequence[Range]) -> None:
    """Replace the dynamic ranges."""
    _set_ranges(tx, _RANGE, subnet_pk, new)


def set_static_ranges(tx: Transaction, subnet_pk: int, new: Sequence[StaticRange]) -> None:
    """Replace the static ranges."""
    tx.execute(delete(_STATIC).where(_STATIC.c.subnet_pk == subnet_pk))
    if new:
        tx.execute(insert(_STATIC), [{"subnet_pk": subnet_pk, **one._asdict()} for one in new])


@dataclass(frozen=True, slots=True)
class Ranges:
    """All ranges of a subnet, each kind lowest first."""

    pools: list[Range] = field(default_factory=list)
    dynamic: list[Range] = field(default_factory=list)
    static: list[StaticRange] = field(default_factory=list)


def every(tx: Transaction, subnet_pks: Sequence[int]) -> dict[int, Ranges]:
    """The ranges of each subnet. It costs one statement."""
    found = {pk: Ranges() for pk in subnet_pks}
    for some in alternatives(subnet_pks):
        for kind, subnet_pk, first, last, label, owner in tx.execute(_EVERY, {"subnets": some}):
            ranges, read = found[subnet_pk], (bytes(first), bytes(last))
            match kind:
                case "pool":
                    ranges.pools.append(read)
                case "dynamic":
                    ranges.dynamic.append(read)
                case _:
                    ranges.static.append(StaticRange(*read, label, owner))
    return found


_NOTHING: Final[ColumnElement[str]] = literal_column("''")
_PARTS: Final = (
    ("pool", _POOL, (_NOTHING, _NOTHING)),
    ("dynamic", _RANGE, (_NOTHING, _NOTHING)),
    ("static", _STATIC, (_STATIC.c.label, _STATIC.c.owner)),
)
_EVERY: Final = union_all(
    *(
        select(
            literal_column(f"'{kind}'"),
            table.c.subnet_pk,
            table.c.first.label("first"),
            table.c.last,
            *(word.label(name) for word, name in zip(words, ("label", "owner"), strict=True)),
        ).where(table.c.subnet_pk.in_(bindparam("subnets", expanding=True)))
        for kind, table, words in _PARTS
    )
).order_by("first")


def _set_ranges(tx: Transaction, table: Table, subnet_pk: int, new: Sequence[Range]) -> None:
    tx.execute(delete(table).where(table.c.subnet_pk == subnet_pk))
    if new:
        rows = [{"subnet_pk": subnet_pk, "first": first, "last": last} for first, last in new]
        tx.execute(insert(table), rows)

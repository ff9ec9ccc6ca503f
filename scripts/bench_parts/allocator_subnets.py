"""Subnets of any size, used to any part, for the benchmark of the allocator."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sqlalchemy import MetaData, Table

from ipam.allocator import ranges
from ipam.allocator.ranges import AddressRange
from ipam.model import pack
from ipam.store import tables
from ipam.store.engine.bulk import insert_all
from ipam.store.engine.database import Database, Transaction
from tests.allocator.subnets import Ground, make_ground, write_pools

AT_ONCE: Final = 50_000
PORTS: Final = 1_000
"""So many own the addresses, in turn: an index on owners is as large as with many."""
COLUMNS: Final = ("subnet_pk", "ip", "owner_pk", "free_at")


@dataclass(frozen=True)
class Filling:
    """The state of a subnet: the first addresses have owners, then some were released."""

    first: str
    last: str
    used: int = 0
    released: int = 0

    @property
    def pool(self) -> AddressRange:
        return pack(self.first), pack(self.last)

    @property
    def free(self) -> int:
        return ranges.size(self.pool) - self.used


def percent(first: str, last: str, full: float) -> Filling:
    """A pool that is used to so many percent; the rest was never used."""
    size = ranges.size((pack(first), pack(last)))
    return Filling(first, last, round(size * full / 100))


def make(database: Database, filling: Filling, *, floor: bool = False) -> Ground:
    """A subnet in this state; with `floor`, the table of the floor has the same rows."""
    ground = make_ground(database, [], PORTS)
    low, high = filling.pool

    def write(tx: Transaction, *, rows: Sequence[tuple[Any, ...]]) -> None:
        insert_all(tx, tables.ip_address, COLUMNS, rows)
        if floor:
            insert_all(tx, floor_table(), COLUMNS, rows)

    rows = list(_rows(ground, filling))
    for start in range(0, len(rows), AT_ONCE):
        database.write(partial(write, rows=rows[start : start + AT_ONCE]))
    database.write(lambda tx: write_pools(tx, ground.subnet, [(low, high)]))
    rest = filling.used + filling.released
    if rest < ranges.size((low, high)):
        never_used = [(ranges.after(low, rest), high)]
        database.write(lambda tx: ground.allocator.open_pools(tx, ground.subnet, never_used))
    return ground


def _rows(ground: Ground, filling: Filling) -> Iterator[tuple[Any, ...]]:
    """The released addresses lie among those in use, as after a year."""
    low, _ = filling.pool
    rows = filling.used + filling.released
    free = set(random.sample(range(rows), filling.released))
    for number in range(rows):
        owner = None if number in free else ground.ports[number % PORTS]
        free_at = 0 if number in free else None
        yield ground.subnet, ranges.after(low, number), owner, free_at


def floor_table() -> Table:
    """A table equal to `ip_address`, in which each insert is a floor."""
    copies = MetaData()
    for table in (tables.subnet, tables.port):
        table.to_metadata(copies)  # the copy's foreign keys lead to the real tables
    floor = tables.ip_address.to_metadata(copies, name="bench_floor")
    for item in (*floor.indexes, *floor.constraints):
        item.name = f"bench_{item.name}"  # names of indexes are shared by all tables
    return floor

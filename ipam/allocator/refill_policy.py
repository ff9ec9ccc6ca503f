"""How many addresses to take at a time, and which. Pure: numbers in, numbers and choices out."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from zlib import crc32

from ipam.allocator import ranges
from ipam.allocator.ranges import AddressRange

LIST_SIZE: Final = 64
"""A refill takes some ten statements: at 64 addresses it adds a few per cent to an allocation, and
a process that dies holds up 64 addresses at most until the pool runs short."""

LONGEST_LIST: Final = 4000
"""16 bytes each fit the 65,535 of a MariaDB BLOB."""

SHARDS: Final = 16
ADDRESSES_PER_SHARD: Final = 1024
"""So many processes can advance cursors side by side; a small pool is not worth more than one."""

FIRST_WINDOW: Final = 64
LONGEST_WINDOW: Final = 4096
"""How many addresses one look takes in: wide, where all of them turned out to be used."""

RECYCLE_AFTER_SECONDS: Final = 86400
"""A pool that is never used up (an IPv6 /64) would keep a row for each address it ever released.
So what is free for a day is given out again before addresses that were never used."""


class Cursor(NamedTuple):
    """The never-used end of one shard of an allocation pool."""

    shard: int
    next: bytes
    last: bytes

    @property
    def pool(self) -> AddressRange:
        return (self.next, self.last)


def shards(pools: Sequence[AddressRange]) -> list[Cursor]:
    """The cursors of fresh pools."""
    pieces = [
        piece
        for pool in pools
        for piece in ranges.split(pool, _clamp(ranges.size(pool) // ADDRESSES_PER_SHARD, SHARDS))
    ]
    return [Cursor(number, first, last) for number, (first, last) in enumerate(pieces)]


def choose(cursors: Sequence[Cursor], worker: str) -> Cursor:
    """The cursor a worker prefers: another one than most others do."""
    return cursors[crc32(worker.encode()) % len(cursors)]


def goal(wanted: int) -> int:
    """How many addresses a refill looks for when `wanted` are needed at once."""
    return min(max(LIST_SIZE, 2 * wanted), LONGEST_LIST)


def share_of_unused(wanted: int, remaining: int) -> int:
    """How many never-used addresses to take when so many remain: most of them stay for others."""
    return _clamp(max(wanted, min(goal(wanted), remaining // 4)), min(remaining, LONGEST_LIST))


def share_of_released(wanted: int, found: int) -> int:
    """How many released addresses to take when `found` of the `goal` were to be had."""
    return found if found >= goal(wanted) else _clamp(max(wanted, found // 8), found)


def share_of_seized(wanted: int, unused: int) -> int:
    """How many addresses of another process's list to keep; it finds the rest under its name."""
    return _clamp(max(wanted, (unused + 1) // 2), unused)


def _clamp(number: int, ceiling: int) -> int:
    return max(1, min(number, ceiling))

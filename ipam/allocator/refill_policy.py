"""How many addresses to take at a time, and which. Pure: numbers in, numbers and choices out."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from zlib import crc32

from ipam.allocator import ranges
from ipam.allocator.ranges import AddressRange

LIST_SIZE: Final = 64
LARGE_LIST_SIZE: Final = 256
"""A refill takes about ten statements, and finds so many addresses where many are free. A process
that dies keeps a list from others until the pool runs short."""
PARTS_OF_LARGE_LISTS: Final = 64
"""So many large lists leave something of the addresses that were never used."""

LONGEST_LIST: Final = 4000
"""So many addresses of 16 bytes fit the 65,535 bytes of a MariaDB BLOB."""

SHARDS: Final = 16
ADDRESSES_PER_SHARD: Final = 1024
"""Each shard has a cursor, and processes advance different cursors side by side. A small pool
needs only one."""

FIRST_WINDOW: Final = 64
LONGEST_WINDOW: Final = 4096
"""How many addresses one statement looks at, at most. The window widens while all are used."""

RECYCLE_AFTER_SECONDS: Final = 86400
"""A pool that is never used up (an IPv6 /64) would keep a row for each address it ever released.
So an address that is free for a day is given again before addresses that were never used."""


class Cursor(NamedTuple):
    """The part of one shard of an allocation pool that was never used."""

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
    """The cursor a worker prefers. Different workers mostly prefer different ones."""
    return cursors[crc32(worker.encode()) % len(cursors)]


def goal(wanted: int) -> int:
    """How many addresses a refill looks for when `wanted` are needed at once."""
    return min(max(LARGE_LIST_SIZE, 2 * wanted), LONGEST_LIST)


def enough(wanted: int) -> int:
    """How many addresses are worth a refill when `wanted` are needed at once."""
    return min(max(LIST_SIZE, 2 * wanted), LONGEST_LIST)


def share_of_unused(wanted: int, remaining: int) -> int:
    """How many never-used addresses to take of those that remain. Most of them stay for others."""
    small = min(enough(wanted), remaining // 4)
    large = min(goal(wanted), remaining // PARTS_OF_LARGE_LISTS)
    return _clamp(max(wanted, small, large), min(remaining, LONGEST_LIST))


def share_of_released(wanted: int, found: int) -> int:
    """How many released addresses to take when `found` of the `goal` were found."""
    if found >= goal(wanted):
        return found
    some = enough(wanted)
    return _clamp(max(wanted, some if found >= some else found // 8), found)


def share_of_seized(wanted: int, unused: int) -> int:
    """How many addresses of another process's list to keep. The rest stays under its name."""
    return _clamp(max(wanted, (unused + 1) // 2), unused)


def _clamp(number: int, ceiling: int) -> int:
    return max(1, min(number, ceiling))

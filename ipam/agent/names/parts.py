"""Decides in how many files a network's names are. Pure.

A change writes one file, and dnsmasq reads it. Few names are in few files, as a file costs as much
as several names. When they have become many they are spread over more files, never over fewer:
dnsmasq remembers each file name that it ever saw, and searches them one by one.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ipam.agent.names.book import BUCKETS

MOST_OF_A_FILE: Final = 32
"""On average: beyond this the names are spread."""
FEW_OF_A_FILE: Final = 8
"""On average, after they were spread."""
_NAME: Final = re.compile(r"([0-9a-f]{3})(?:-([0-9a-f]{1,4}))?")


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """A file with the names of successive buckets."""

    number: int
    of: int
    """How many files there are: a power of two, `BUCKETS` at most."""

    @property
    def name(self) -> str:
        """The file's name."""
        return f"{self.number:03x}" if self.of == BUCKETS else f"{self.number:03x}-{self.of:x}"

    @property
    def buckets(self) -> tuple[int, int]:
        """Its first and last bucket."""
        each = BUCKETS // self.of
        return self.number * each, (self.number + 1) * each - 1


def part_named(name: str) -> Part | None:
    """The part whose file has this name; None for a file that is none."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    number, of = int(found[1], 16), int(found[2], 16) if found[2] else BUCKETS
    part = Part(number, of)
    return part if 0 < of <= BUCKETS and of.bit_count() == 1 and number < of else None


def part_of(bucket: int, of: int) -> Part:
    """The part with the bucket, where there are so many."""
    return Part(bucket * of // BUCKETS, of)


def parts_for(names: int, has: int = 0) -> int:
    """In how many files so many names are, of which some are in `has` files."""
    if has and names <= MOST_OF_A_FILE * has:
        return has
    wanted = 1 << max(-(-names // FEW_OF_A_FILE) - 1, 0).bit_length()
    return min(max(wanted, has, 1), BUCKETS)


def in_order(there: Iterable[str], wanted: Iterable[Part]) -> list[tuple[str, Part | None]]:
    """The files to write, by name; those without a part are to be empty.

    A file is emptied just before its names are in others, so that they are not away for long. An
    address is never in two: dnsmasq forgets the reverse look-up of one that it reads twice.
    """
    names = {one.name: one for one in wanted}

    def place(name: str) -> tuple[int, bool]:
        part = part_named(name)
        return part.buckets[0] if part else 0, name in names

    return [(name, names.get(name)) for name in sorted({*there, *names}, key=place)]

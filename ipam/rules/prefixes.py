"""Arithmetic on the prefixes of subnet pools: free parts, overlaps, sizes. Pure.

Prefixes are CIDR texts without host bits. Each call has prefixes of one IP version.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from ipam import model

IPV6_QUOTA_PREFIXLEN: Final = 64
"""Neutron counts a quota in /32 for IPv4 and in /64 for IPv6."""


class Prefix(NamedTuple):
    """A network as integers: its first address, its length, and the bits of its IP version."""

    first: int
    length: int
    bits: int

    @property
    def size(self) -> int:
        """How many addresses the prefix has."""
        return 1 << (self.bits - self.length)

    @property
    def last(self) -> int:
        """Its last address."""
        return self.first + self.size - 1

    @property
    def ends(self) -> tuple[bytes, bytes]:
        """Its first and its last address, packed."""
        octets = self.bits // 8
        return self.first.to_bytes(octets), self.last.to_bytes(octets)

    def __str__(self) -> str:
        return f"{model.unpack(self.first.to_bytes(self.bits // 8))}/{self.length}"


def parse(cidr: str) -> Prefix:
    """The prefix of a CIDR."""
    base, _, length = cidr.partition("/")
    packed = model.pack(base)
    return Prefix(int.from_bytes(packed), int(length), len(packed) * 8)


def has(cidr: str, address: bytes) -> bool:
    """Whether the packed address is in the prefix."""
    prefix = parse(cidr)
    if len(address) * 8 != prefix.bits:
        return False
    return prefix.first <= int.from_bytes(address) <= prefix.last


def compact(cidrs: Iterable[str]) -> list[str]:
    """The fewest prefixes with the same addresses, lowest first."""
    prefixes = sorted(map(parse, cidrs))
    return [
        str(block)
        for first, last in _joined(prefixes)
        for block in blocks(first, last, prefixes[0].bits)
    ]


def subtract(cidrs: Iterable[str], removed: Iterable[str]) -> list[str]:
    """The fewest prefixes with the addresses of `cidrs` that are not in `removed`."""
    return [str(block) for block in _free_blocks(map(parse, cidrs), map(parse, removed))]


def overlaps(cidrs: Iterable[str], others: Iterable[str]) -> tuple[str, str] | None:
    """One of `cidrs` and one of `others` that share addresses, if there are such."""
    both = [(parse(cidr), 0) for cidr in cidrs] + [(parse(cidr), 1) for cidr in others]
    reach: list[Prefix | None] = [None, None]
    for prefix, side in sorted(both):
        other = reach[1 - side]
        if other is not None and other.last >= prefix.first:
            pair = (str(prefix), str(other))
            return pair if side == 0 else (pair[1], pair[0])
        mine = reach[side]
        if mine is None or mine.last < prefix.last:
            reach[side] = prefix
    return None


def covers(cidrs: Iterable[str], others: Iterable[str]) -> bool:
    """Whether all addresses of `others` are in `cidrs`."""
    return not subtract(others, cidrs)


def free_prefix(pool: Iterable[str], used: Iterable[str], length: int) -> str | None:
    """A prefix of this length in the pool that shares no address with those in use.

    It is from the smallest free block that has room, the lowest of these, so that large blocks
    stay whole. None if no block has room.
    """
    best: Prefix | None = None
    for block in _free_blocks(map(parse, pool), map(parse, used)):
        if block.length <= length and (best is None or block.length > best.length):
            best = block
    return None if best is None else str(Prefix(best.first, length, best.bits))


def is_free(pool: Iterable[str], used: Iterable[str], cidr: str) -> bool:
    """Whether all of this prefix is in the pool and none of it is in use."""
    return covers(pool, [cidr]) and overlaps([cidr], used) is None


def addresses(cidrs: Iterable[str]) -> int:
    """The sum of the numbers of addresses of these prefixes, even if they overlap."""
    return sum(parse(cidr).size for cidr in cidrs)


def quota_addresses(quota: int, ip_version: int) -> int:
    """How many addresses a quota of a subnet pool allows."""
    return quota if ip_version == 4 else quota << (128 - IPV6_QUOTA_PREFIXLEN)


def blocks(first: int, last: int, bits: int) -> Iterator[Prefix]:
    """The aligned blocks that make up a range, lowest first."""
    while first <= last:
        aligned = (first & -first).bit_length() - 1 if first else bits
        fitting = (last - first + 1).bit_length() - 1
        power = min(aligned, fitting)
        yield Prefix(first, bits - power, bits)
        first += 1 << power


def _joined(prefixes: Sequence[Prefix]) -> Iterator[tuple[int, int]]:
    """The ranges that sorted prefixes cover, with neighbours joined."""
    reach: tuple[int, int] | None = None
    for prefix in prefixes:
        if reach is not None and prefix.first <= reach[1] + 1:
            reach = (reach[0], max(reach[1], prefix.last))
            continue
        if reach is not None:
            yield reach
        reach = (prefix.first, prefix.last)
    if reach is not None:
        yield reach


def _free_blocks(pool: Iterable[Prefix], used: Iterable[Prefix]) -> Iterator[Prefix]:
    """The unused blocks of the pool, as large as possible, lowest first."""
    prefixes = sorted(pool)
    taken = list(_joined(sorted(used)))
    at = 0
    for first, last in _joined(prefixes):
        bits, low = prefixes[0].bits, first
        while at < len(taken) and taken[at][1] < low:
            at += 1
        while at < len(taken) and taken[at][0] <= last:
            if taken[at][0] > low:
                yield from blocks(low, taken[at][0] - 1, bits)
            low = taken[at][1] + 1
            if low > last:
                break
            at += 1
        if low <= last:
            yield from blocks(low, last, bits)

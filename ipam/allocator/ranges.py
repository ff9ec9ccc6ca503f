"""Arithmetic on packed addresses and inclusive ranges of them. Pure."""

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

AddressRange = tuple[bytes, bytes]
"""First and last address, both packed, both inside; first <= last, of one IP version."""


def size(pool: AddressRange) -> int:
    """How many addresses a range has."""
    return _number(pool[1]) - _number(pool[0]) + 1


def contains(pools: Sequence[AddressRange], address: bytes) -> bool:
    """Whether any of the ranges has the address."""
    return any(first <= address <= last for first, last in pools)


def after(address: bytes, steps: int = 1) -> bytes:
    """The address so many steps further. Raises OverflowError past the last of its IP version."""
    return (_number(address) + steps).to_bytes(len(address), "big")


def at(pools: Sequence[AddressRange], number: int) -> bytes:
    """The address with so many others of the ranges before it. Raises IndexError past the last."""
    for pool in pools:
        if number < size(pool):
            return after(pool[0], number)
        number -= size(pool)
    raise IndexError(number)


def addresses(pool: AddressRange) -> Iterator[bytes]:
    """Each address of a range, lowest first."""
    width = len(pool[0])
    for number in range(_number(pool[0]), _number(pool[1]) + 1):
        yield number.to_bytes(width, "big")


def head(pool: AddressRange, length: int) -> AddressRange:
    """The first `length` addresses of a range, or all of it."""
    return (pool[0], after(pool[0], min(length, size(pool)) - 1))


def split(pool: AddressRange, parts: int) -> list[AddressRange]:
    """The range in `parts` pieces, in order, whose sizes differ by one at most.

    Fewer pieces when the range has fewer addresses.
    """
    parts = min(parts, size(pool))
    start, total = _number(pool[0]), size(pool)
    bounds = [start + total * part // parts for part in range(parts + 1)]
    width = len(pool[0])
    return [
        (low.to_bytes(width, "big"), (high - 1).to_bytes(width, "big"))
        for low, high in pairwise(bounds)
    ]


def take(
    pool: AddressRange, window: int, used: Collection[bytes], wanted: int
) -> tuple[list[bytes], AddressRange | None]:
    """Up to `wanted` unused addresses among the first `window`, and the rest of the range.

    The rest begins after the last address looked at. It is None at the end of the range.
    """
    looked_at = head(pool, window)
    found: list[bytes] = []
    end = looked_at[1]
    for address in addresses(looked_at):
        if address in used:
            continue
        found.append(address)
        if len(found) == wanted:
            end = address
            break
    return found, None if end == pool[1] else (after(end), pool[1])


def join(packed: Sequence[bytes]) -> bytes:
    """Addresses of one IP version as one value: the length of an address, then all of them."""
    return bytes([len(packed[0])]) + b"".join(packed)


def part(joined: bytes) -> list[bytes]:
    """The addresses that `join` put together."""
    width = joined[0]
    return [joined[at : at + width] for at in range(1, len(joined), width)]


def _number(address: bytes) -> int:
    return int.from_bytes(address, "big")

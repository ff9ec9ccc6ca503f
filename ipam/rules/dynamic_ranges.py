"""Decides which part of a subnet's dynamic ranges each host gives. Pure."""

from collections.abc import Sequence

from ipam import model
from ipam.rules import subnets as subnet_rules

Range = tuple[bytes, bytes]
"""First and last address, packed."""


def part(ranges: Sequence[Range], number: int, parts: int) -> list[tuple[str, str]]:
    """The part with this number, from 0, of so many. All differ in size by one address at most.

    The parts are disjoint and are together all of the ranges. Which hosts there are does not
    matter: a host keeps its number, and its part while there are as many.
    """
    numbers = [(int.from_bytes(first), int.from_bytes(last)) for first, last in ranges]
    total = sum(last - first + 1 for first, last in numbers)
    start, end = total * number // parts, total * (number + 1) // parts
    found = []
    for first, last in numbers:
        low, high = max(first, first + start), min(last, first + end - 1)
        if low <= high:
            found.append((subnet_rules.text(low, 4), subnet_rules.text(high, 4)))
        size = last - first + 1
        start, end = start - size, end - size
    return found


def without(ranges: Sequence[Range], taken: Sequence[Range]) -> list[Range]:
    """What is left of the ranges, in order."""
    if not taken:
        return list(ranges)
    left = subnet_rules.without(texts(ranges), texts(taken))
    return [(model.pack(first), model.pack(last)) for first, last in left]


def texts(ranges: Sequence[Range]) -> list[tuple[str, str]]:
    """The ranges as text."""
    return [(model.unpack(first), model.unpack(last)) for first, last in ranges]

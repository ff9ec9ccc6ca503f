"""What a wake says beside that there is something new: the numbers of the networks that changed.

It only saves looking through all networks. Whoever cannot read it looks at everything.
"""

from collections.abc import Collection, Iterable
from typing import Final

MOST_NETWORKS: Final = 16
"""For more than these a wake says nothing: looking at everything is cheaper."""
LONGEST: Final = MOST_NETWORKS * 20
"""Octets of the numbers of so many networks."""


def octets_of(network_numbers: Collection[int]) -> bytes:
    """The octets that name these networks; none for too many."""
    if len(network_numbers) > MOST_NETWORKS:
        return b""
    return " ".join(map(str, network_numbers)).encode()


def numbers_of(wakes: Iterable[bytes]) -> frozenset[int]:
    """The numbers of the networks that these wakes name.

    None if a wake names no network, or cannot be read, or if all together name too many.
    """
    found: set[int] = set()
    for octets in wakes:
        words = octets.split()
        if not words or len(octets) > LONGEST or not all(map(bytes.isdigit, words)):
            return frozenset()
        found.update(map(int, words))
    return frozenset(found if len(found) <= MOST_NETWORKS else ())

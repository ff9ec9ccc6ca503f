"""Looks for the largest free block of each subnet of an answer, within bounds."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Final

from ipam.rules.usage import TooScatteredError, largest_free
from ipam.store import usage
from ipam.store.engine.database import Transaction
from ipam.store.subnet_ranges import Range

MOST_READ: Final = 20_000
"""How many addresses in use one answer reads."""
READ_AT_ONCE: Final = 500
"""So many are read faster than they are asked for."""
MOST_ASKED: Final = 200
"""How many questions one answer asks of the database, each a look into an index."""


@dataclass(slots=True)
class FreeBlockSearch:
    """The searches of one answer."""

    tx: Transaction
    now: int
    left_to_read: int = MOST_READ
    left_to_ask: int = MOST_ASKED

    def largest(self, subnet_pk: int, pools: Sequence[Range], in_use: int) -> str | None:
        """The largest free prefix of a subnet; None if there is none, or if it was not found."""
        if in_use > READ_AT_ONCE:
            try:
                block = largest_free(
                    pools, partial(self._ask, subnet_pk), questions=self.left_to_ask
                )
            except TooScatteredError:
                pass
            else:
                return str(block) if block else None
        if in_use > self.left_to_read:
            return None
        self.left_to_read -= in_use
        taken = usage.taken(self.tx, subnet_pk, self.now)
        block = largest_free(pools, partial(_first, taken), questions=inf)
        return str(block) if block else None

    def _ask(self, subnet_pk: int, first: bytes, last: bytes) -> bytes | None:
        self.left_to_ask -= 1
        return usage.first_taken(self.tx, subnet_pk, self.now, first, last)


def _first(taken: Sequence[bytes], first: bytes, last: bytes) -> bytes | None:
    at = bisect_left(taken, first)
    return taken[at] if at < len(taken) and taken[at] <= last else None

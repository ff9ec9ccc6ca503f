"""Finds ids of segments that no network has, and inserts networks with them."""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from ipam.rules.segments import IdRange, Segment
from ipam.store import tables
from ipam.store.engine import rows
from ipam.store.engine.database import Transaction
from ipam.store.engine.retry import is_duplicate_key

_T = tables.network.c

LOOKS: Final = 3
AT_A_TIME: Final = 32
"""While a tenth of the ids is free, three looks at so many random ids find none in 1 of 25,000
cases. Only after that, all used ids are read."""


class SegmentTaken(Exception):  # noqa: N818  # what happened, not whose fault it is
    """Another network has the segment of the new network."""


def add_networks(tx: Transaction, new: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert networks; their numbers. Raises SegmentTaken."""
    try:
        return rows.insert_many(tx, tables.network, new)
    except IntegrityError as error:
        if is_duplicate_key(error, "uq_network_segment"):
            raise SegmentTaken from error
        raise


def free_id(
    tx: Transaction, place: Segment, ranges: Sequence[IdRange], taken: Collection[int] = ()
) -> int | None:
    """An id in the ranges that no network uses; None when all are in use.

    `place` is a segment without an id. Two requests may get the same id: the unique key then
    decides, and the loser asks again.
    """
    if not ranges:
        return None
    for _ in range(LOOKS):
        numbers = {_random_id(ranges) for _ in range(AT_A_TIME)} - set(taken)
        free = numbers - _used(tx, place, numbers)
        if free:
            return random.choice(sorted(free))  # noqa: S311  # which one is no secret
    used = _used(tx, place, None) | set(taken)
    left = [n for low, high in ranges for n in range(low, high + 1) if n not in used]
    return random.choice(left) if left else None  # noqa: S311  # no secret


def _random_id(ranges: Sequence[IdRange]) -> int:
    sizes = [high - low + 1 for low, high in ranges]
    ((low, high),) = random.choices(ranges, weights=sizes)  # noqa: S311  # no secret
    return random.randint(low, high)  # noqa: S311  # no secret


def _used(tx: Transaction, place: Segment, numbers: Collection[int] | None) -> set[int]:
    """The ids among `numbers` (None: all ids) that a network has."""
    if numbers is None:
        query = select(_T.provider_segmentation_id).where(
            _T.segment.startswith(place.key, autoescape=True)
        )
    else:
        keys = [replace(place, id=number).key for number in sorted(numbers)]
        query = select(_T.provider_segmentation_id).where(_T.segment.in_(keys))
    return {int(number) for number in tx.execute(query).scalars()}

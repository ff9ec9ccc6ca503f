"""Chooses the segments of new networks, and tries again when another request was first."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from ipam.rules import segments as segment_rules
from ipam.rules.segments import VLAN, Segment
from ipam.settings import NetworkSettings
from ipam.store import segments
from ipam.store.engine.database import Database, Transaction
from ipam.store.engine.write_again import write_despite
from ipam.store.segments import SegmentTaken

T = TypeVar("T")

ATTEMPTS: Final = 10
"""Random choices rarely collide, and a later attempt sees the segments of the earlier one."""


def wished(body: Any, settings: NetworkSettings) -> Segment:
    """The segment that the body of a POST asks for."""
    kind = body.provider_network_type or settings.default_network_type
    return Segment(kind, body.provider_physical_network or None, body.provider_segmentation_id)


def settled(
    tx: Transaction, wanted: Sequence[Segment], settings: NetworkSettings
) -> list[Segment]:
    """The segments, with an id chosen for those without one. Raises NoNetworkAvailable."""
    chosen: list[Segment] = []
    for segment in wanted:
        chosen.append(_choose(tx, segment, settings, chosen) if segment.wants_id else segment)
    return chosen


def write(database: Database, work: Callable[[Transaction], T], wanted: Sequence[Segment]) -> T:
    """Like `database.write`, but tries again if another request took a chosen id first.

    Raises the error for a segment in use if the request named its id.
    """
    attempts = ATTEMPTS if any(segment.wants_id for segment in wanted) else 1
    try:
        return write_despite(database, work, SegmentTaken, attempts=attempts)
    except SegmentTaken as error:
        raise segment_rules.refusal(wanted) from error


def _choose(
    tx: Transaction, segment: Segment, settings: NetworkSettings, chosen: Sequence[Segment]
) -> Segment:
    ranges = settings.network_vlan_ranges if segment.type == VLAN else settings.vni_ranges
    for place, ids in segment_rules.places(segment, ranges):
        taken = segment_rules.ids_of(place, chosen)
        number = segments.free_id(tx, place, ids, taken)
        if number is not None:
            return replace(place, id=number)
    raise segment_rules.none_left(segment, ranges)

"""The segments of new networks: what was asked for, ids that are chosen, and who was first."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from ipam.errors import FlatNetworkInUse, IpamError, NoNetworkAvailable, TunnelIdInUse, VlanIdInUse
from ipam.rules import segments as segment_rules
from ipam.rules.segments import FLAT, LOCAL, VLAN, Segment
from ipam.store import segments
from ipam.store.engine.database import Database, Transaction
from ipam.store.segments import SegmentTaken

T = TypeVar("T")

ATTEMPTS: Final = 10
"""Two that choose at random collide rarely, and the second choice knows of the first."""


def check(settings: Any) -> None:
    """Raise ValueError, naming the setting, for a range of ids that is none."""
    for name, read in (
        ("vni_ranges", segment_rules.vni_ranges),
        ("vlan_ranges", segment_rules.vlan_ranges),
    ):
        try:
            read(settings[name])
        except ValueError as error:
            raise ValueError(f"[network] {name}: {error}") from error


def wished(body: Any, settings: Any) -> Segment:
    """Where the body of a POST wants its network."""
    kind = body.provider_network_type or settings.default_network_type
    return Segment(kind, body.provider_physical_network, body.provider_segmentation_id)


def settled(tx: Transaction, wanted: Sequence[Segment], settings: Any) -> list[Segment]:
    """The segments with ids chosen where none was named. Raises NoNetworkAvailable."""
    chosen: list[Segment] = []
    for segment in wanted:
        chosen.append(_choose(tx, segment, settings, chosen) if segment.wants_id else segment)
    return chosen


def write(database: Database, work: Callable[[Transaction], T], wanted: Sequence[Segment]) -> T:
    """As `database.write`, again while another request was first with an id that was chosen.

    Raises what says that a segment is in use, where it was asked for by name.
    """
    attempts = ATTEMPTS if any(segment.wants_id for segment in wanted) else 1
    for _ in range(attempts):
        try:
            return database.write(work)
        except SegmentTaken:
            continue
    named = [each for each in wanted if each.type != LOCAL and not each.wants_id]
    raise _in_use(named[0]) if named else _none_left()


def _choose(
    tx: Transaction, segment: Segment, settings: Any, chosen: Sequence[Segment]
) -> Segment:
    if segment.type == VLAN:
        ranges = segment_rules.vlan_ranges(settings.vlan_ranges)
    else:
        ranges = segment_rules.vni_ranges(settings.vni_ranges)
    for physical, pieces in ranges.items():
        if segment.physical_network not in (None, physical):
            continue
        place = replace(segment, physical_network=physical or None)
        taken = [each.id for each in chosen if replace(each, id=None) == place and each.id]
        number = segments.free_id(tx, segment.type, physical, pieces, taken)
        if number is not None:
            return replace(place, id=number)
    raise _none_left()


def _none_left() -> IpamError:
    return NoNetworkAvailable(
        "Unable to create the network. No available network found in maximum allowed attempts:"
        " no id of the configured ranges is free."
    )


def _in_use(segment: Segment) -> IpamError:
    if segment.type == FLAT:
        return FlatNetworkInUse(
            "Unable to create the flat network. Physical network"
            f" {segment.physical_network} is in use."
        )
    if segment.type == VLAN:
        return VlanIdInUse(
            f"Unable to create the network. The VLAN {segment.id} on physical network"
            f" {segment.physical_network} is in use."
        )
    return TunnelIdInUse(f"Unable to create the network. The tunnel ID {segment.id} is in use.")

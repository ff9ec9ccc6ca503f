"""Decides which records the zones elsewhere have, and which of them are not so. Pure.

A port has records if it has a `dns_name` that its own machine did not choose, if there is a
domain, and if its address is in a subnet with `dns_publish_fixed_ip`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from ipam.rules import dns_zones
from ipam.rules.dns_zones import Place, Zone

Record: TypeAlias = tuple[str, str]
"""The type of a record, and its value: an address, or a name with its final dot."""
Records: TypeAlias = frozenset[Record]

ADDRESSES: Final = frozenset({"A", "AAAA"})
POINTERS: Final = frozenset({"PTR"})
MARKER: Final = "DHCID"
"""The type of the record that tells whose a name is: RFC 4701."""
GUARDED: Final = (*sorted(ADDRESSES | POINTERS), "CNAME", MARKER, "DNAME", "NS")
"""Somebody else's name is one with a record of these types: it keeps ours out, or would mix."""

MOST_OF_A_NAME: Final = 100
"""So many records a name has at most: more are of no use, and an update has room for 64 KiB."""
FEWEST_DRASTIC: Final = 20
"""So few names may always go at once."""


@dataclass(frozen=True, slots=True)
class Published:
    """An address, and the name that it has elsewhere."""

    name: str
    """In full, without a final dot."""
    address: str


def types_of(zone: Zone) -> frozenset[str]:
    """The types of the records that ports have in a zone."""
    return POINTERS if zone.is_reverse else ADDRESSES


def records(zones: Sequence[Zone], published: Iterable[Published]) -> dict[Place, Records]:
    """The records of these addresses in the zones, and of no others.

    A name that several addresses have has all of them, up to MOST_OF_A_NAME.
    """
    found: dict[Place, set[Record]] = {}
    for one in published:
        if place := dns_zones.place_of_name(zones, one.name):
            kind = "AAAA" if ":" in one.address else "A"
            found.setdefault(place, set()).add((kind, one.address))
        if place := dns_zones.place_of_address(zones, one.address):
            found.setdefault(place, set()).add(("PTR", f"{one.name}."))
    return {
        place: frozenset(sorted(of_place)[:MOST_OF_A_NAME]) for place, of_place in found.items()
    }


def changed(before: Mapping[Place, Records], after: Mapping[Place, Records]) -> set[Place]:
    """The places whose records differ."""
    return {
        place for place in before.keys() | after.keys() if before.get(place) != after.get(place)
    }


@dataclass(frozen=True, slots=True)
class Differences:
    """The names of a zone that are not as they should be, each with what should be there."""

    missing: Mapping[str, Records]
    changed: Mapping[str, Records]
    left: frozenset[str]
    """Names that this service made, and that nothing has now."""
    foreign: Mapping[str, Records]
    """Names that somebody else has. They stay as they are."""
    owned: int
    """How many names of the zone this service made."""

    @property
    def to_repair(self) -> set[str]:
        """The names that can be put right."""
        return {*self.missing, *self.changed, *self.left}

    @property
    def is_drastic(self) -> bool:
        """Whether so many names would go that the database may be the one that is wrong."""
        return len(self.left) > FEWEST_DRASTIC and 2 * len(self.left) > self.owned


def differences(
    zone: Zone, wanted: Mapping[str, Records], present: Mapping[str, Records], owned: set[str]
) -> Differences:
    """Compare what a zone should have with what it has.

    `owned` are the names there that this service made. The others are never changed.
    """
    types = types_of(zone)
    missing, other, foreign = {}, {}, {}
    for name, should_be in wanted.items():
        if name in owned:
            if frozenset(one for one in present[name] if one[0] in types) != should_be:
                other[name] = should_be
        elif present.get(name):
            foreign[name] = should_be
        else:
            missing[name] = should_be
    left = frozenset(owned - wanted.keys())
    return Differences(missing, other, left, foreign, len(owned))

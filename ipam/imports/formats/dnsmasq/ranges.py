"""One `dhcp-range`. As case 'F' of dnsmasq's option.c."""

import re
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from typing import Final

from ipam import model
from ipam.imports import words
from ipam.imports.estate import INFINITE, Draft, LeaseSeconds, Place
from ipam.imports.formats.dnsmasq.lines import Line, shown
from ipam.rules.dhcp_option_values import SHORTEST_LEASE_SECONDS

DEFAULT_SECONDS: Final = {4: 3600, 6: 86_400}
MODES4: Final = ("static", "proxy")
MODES6: Final = (
    "static",
    "ra-only",
    "ra-names",
    "ra-advrouter",
    "ra-stateless",
    "slaac",
    "off-link",
)

_TIME = re.compile(r"[0-9]+[smhdwSMHDW]?")


@dataclass(slots=True)
class Range:
    """What a line says of a range. `cidr` None: the prefix is the interface's."""

    place: Place
    version: int
    start: str
    end: str | None = None
    modes: set[str] = field(default_factory=set)
    cidr: str | None = None
    lease_seconds: LeaseSeconds = None
    tags: list[str] = field(default_factory=list)
    """The tags that it sets, which choose options."""
    conditions: list[str] = field(default_factory=list)
    constructor: str = ""

    @property
    def pool(self) -> tuple[str, str] | None:
        """The addresses that it gives to strangers."""
        if self.modes & {"static", "proxy", "ra-only", "ra-stateless"} or self.end is None:
            return None
        return words.ordered(self.start, self.end)


def read_range(draft: Draft, line: Line) -> Range | None:
    """The range of a line; None for a line that dnsmasq refuses, which is reported."""
    tags: list[str] = []
    conditions: list[str] = []
    rest: list[str] = []
    for part in map(shown, line.parts()):
        word, _, tag = part.partition(":")
        if not rest and word in ("set", "net"):
            tags.append(tag)
        elif not rest and word == "tag":
            conditions.append(tag)
        elif not rest and not _is_start(part):
            tags.append(part)  # an old form: a bare word in front is a tag that is set
        else:
            rest.append(part)
    start = words.address(rest[0]) if rest else None
    if start is None:
        _refuse(draft, line, "it has no first address")
        return None
    found = Range(line.place, model.ip_version(start), start)
    found.tags, found.conditions = tags, conditions
    found.lease_seconds = DEFAULT_SECONDS[found.version]
    read = _read4 if found.version == 4 else _read6
    return found if read(draft, line, found, rest[1:]) else None


def _is_start(part: str) -> bool:
    return words.address(part) is not None or "." in part or ":" in part


def _read4(draft: Draft, line: Line, found: Range, rest: list[str]) -> bool:
    masks = []
    for number, part in enumerate(rest):
        if number == 0 and part in MODES4:
            found.modes.add(part)
        elif number == 0 and (end := words.address(part)) and model.ip_version(end) == 4:
            found.end = end
        elif "." in part:
            masks.append(part)
        elif not _read_time(found, part):
            return _refuse(draft, line, f"'{part[:60]}' has no meaning here")
    if found.end is None and not found.modes:
        return _refuse(draft, line, "it has no last address")
    if masks:
        found.cidr = words.prefix(found.start, masks[0])
        if found.cidr is None:
            return _refuse(draft, line, f"'{masks[0][:60]}' is no netmask")
        if found.end and not words.inside(found.end, [found.cidr]):
            return _refuse(draft, line, f"{found.end} is outside of {found.cidr}")
    return True


def _read6(draft: Draft, line: Line, found: Range, rest: list[str]) -> bool:
    length = 64
    for number, part in enumerate(rest):
        if part in MODES6:
            found.modes.add(part)
        elif part.startswith("constructor:"):
            found.constructor = part.partition(":")[2]
        elif number == 0 and (end := words.address(part)):
            found.end = end
        elif part.isdecimal() and part.isascii() and len(part) <= 3 and int(part) <= 128:
            length = int(part)
        elif not _read_time(found, part):
            return _refuse(draft, line, f"'{part[:60]}' has no meaning here")
    if length < 64:
        return _refuse(draft, line, f"a prefix length of {length} is below 64")
    if found.start == "::" and not found.end:
        found.modes.add("ra-stateless")
    if not found.constructor and int(IPv6Address(found.start)) >> 64:
        found.cidr = words.prefix(found.start, length)
    if found.end and found.cidr and not words.inside(found.end, [found.cidr]):
        return _refuse(draft, line, f"{found.end} is outside of {found.cidr}")
    return True


def _read_time(found: Range, part: str) -> bool:
    if part == INFINITE:
        found.lease_seconds = INFINITE
    elif part == "deprecated":
        found.modes.add(part)
    elif _TIME.fullmatch(part) and (seconds := words.seconds(part)) is not None:
        found.lease_seconds = max(seconds, SHORTEST_LEASE_SECONDS)
    else:
        return False
    return True


def _refuse(draft: Draft, line: Line, reason: str) -> bool:
    draft.problem(
        line.place,
        "bad_range",
        shown(line.value)[:100],
        f"dnsmasq refuses the dhcp-range: {reason}. It is left out.",
    )
    return False

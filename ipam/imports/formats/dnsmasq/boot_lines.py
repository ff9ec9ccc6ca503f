"""`dhcp-boot` lines, the tags of firmware in them, and what machines of a range load.

As `find_boot` of dnsmasq: the last tagged line that fits counts, else the last untagged one.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ipam.imports import words
from ipam.imports.estate import Draft, Place, Subnet
from ipam.imports.formats.dnsmasq.lines import Line, shown
from ipam.rules import boot
from ipam.rules.boot import ARCHITECTURES

IPXE: Final = "ipxe"
_OF_CLIENT_ARCH: Final = ("93", "option:client-arch", "option:93")
_OF_VENDOR_CLASS: Final = re.compile(r"(?:PXEClient|HTTPClient):Arch:(\d{5})")
_SAID_BY_OPTIONS: Final = ("bootfile-name", "tftp-server", "server-ip-address")
_SIGNS_OF_IPXE: Final = (("175",), ("option:175",), ("iPXE",))


@dataclass(frozen=True, slots=True)
class BootLine:
    """What machines load whose requests have all the tags (`!` in front: do not have)."""

    place: Place
    conditions: tuple[str, ...]
    file: str
    address: str
    """The server's; empty where it is dnsmasq itself, or only a name."""

    def fits(self, tags: Iterable[str]) -> bool:
        own = set(tags)
        return all(
            one[1:] not in own if one.startswith("!") else one in own for one in self.conditions
        )


def read_boot(draft: Draft, line: Line) -> BootLine | None:
    """What a line says; None for one that names no file, which is reported."""
    parts = [shown(part) for part in line.parts()]
    conditions = []
    while parts and parts[0].startswith(("tag:", "net:")):
        conditions.append(parts.pop(0).partition(":")[2])
    file, _name, address = [*parts, "", "", ""][:3]
    if not file:
        _leave_out(draft, line.place, shown(line.value), "it names no file")
        return None
    return BootLine(line.place, tuple(conditions), file, words.address(address) or "")


def firmware_of(line: Line) -> dict[str, str]:
    """The firmware by the tag that a line sets; nothing if the line is not about firmware."""
    first, *rest = [shown(part) for part in line.parts()] or [""]
    tag = first.partition(":")[2] if first.startswith(("set:", "net:")) else ""
    if not tag:
        return {}
    if tuple(rest) in _SIGNS_OF_IPXE:
        return {tag: IPXE}
    named = _OF_VENDOR_CLASS.match(rest[0]) if len(rest) == 1 else None
    number = named[1] if named else rest[1] if rest[:1] and rest[0] in _OF_CLIENT_ARCH else ""
    found = [
        one.name for one in ARCHITECTURES if number.isdecimal() and int(number) in one.numbers
    ]
    return {tag: found[0]} if found else {}


def boot_of(
    draft: Draft,
    lines: Sequence[BootLine],
    subnet: Subnet,
    tags: Iterable[str],
    firmware: Mapping[str, str],
) -> None:
    """Give a subnet what its machines load, if that is certain; else report it."""
    own = set(tags)
    mine = [one for one in lines if _fits_but_for(one, own, firmware)]
    if not mine:
        return
    found = _by_firmware(mine, own, firmware)
    servers = {one.address for one in found.values() if not _is_url(one)}
    settings = {"ipxe_script" if name == IPXE else name: one.file for name, one in found.items()}
    settings |= dict.fromkeys(["tftp_server"] if servers else [], next(iter(servers), ""))
    if reason := _uncertain(servers, subnet) or "; ".join(boot.faults(settings, 4)):
        _leave_out(draft, mine[-1].place, subnet.cidr, reason)
    elif len(set(found.values())) == 1 and servers:  # whatever the firmware is
        (line,) = set(found.values())
        subnet.options += [("bootfile-name", line.file), ("server-ip-address", line.address)]
    else:
        subnet.boot = settings


def _uncertain(servers: set[str], subnet: Subnet) -> str:
    """Why it is not certain what machines load, from these servers; empty if it is."""
    said = [name for name, _ in subnet.options if name in _SAID_BY_OPTIONS]
    if said:
        return f"{', '.join(said)} is set, too"
    if "" in servers:
        return "a file is loaded from the old dnsmasq itself"
    if len(servers) > 1:
        return f"files are loaded from several servers, {', '.join(sorted(servers))}"
    return ""


def _by_firmware(
    lines: Sequence[BootLine], own: set[str], firmware: Mapping[str, str]
) -> dict[str, BootLine]:
    """The line that counts for each firmware; for iPXE only where it has one of its own."""
    found: dict[str, BootLine] = {}
    of_ipxe = {tag for tag, name in firmware.items() if name == IPXE}
    for one in ARCHITECTURES:
        mine = own | {tag for tag, name in firmware.items() if name == one.name}
        line = _counting(lines, mine)
        if line is not None and _is_url(line) == one.by_http:
            found[one.name] = line
        loaded = _counting(lines, mine | of_ipxe) if of_ipxe else None
        if loaded is not None and loaded != line:
            found[IPXE] = loaded
    return found


def _counting(lines: Sequence[BootLine], tags: set[str]) -> BootLine | None:
    fitting = [one for one in lines if one.fits(tags)]
    tagged = [one for one in fitting if one.conditions]
    return next(reversed(tagged or fitting), None)


def _fits_but_for(line: BootLine, own: set[str], firmware: Mapping[str, str]) -> bool:
    """Whether machines of these tags load it, with some firmware."""
    rest = tuple(one for one in line.conditions if one.removeprefix("!") not in firmware)
    return replace(line, conditions=rest).fits(own)


def _is_url(line: BootLine) -> bool:
    return "://" in line.file


def _leave_out(draft: Draft, place: Place, subject: str, reason: str) -> None:
    draft.problem(
        place,
        "boot_not_taken",
        subject[:100],
        f"What machines boot from is left out: {reason}. `ipam subnet boot set` sets it.",
    )

"""dnsmasq.leases: `expiry mac ip name client-id`, and behind `duid …` those of DHCPv6."""

import re
from typing import Final

from ipam import model
from ipam.imports import words
from ipam.imports.estate import Draft, Lease, Place
from ipam.imports.files import Files
from ipam.imports.formats.lease_lists import keep_last

EXTRAS: Final = ("agent-info", "vendorclass")
"""First words of lines that dnsmasq 2.92 added."""
RELATIVE_BELOW: Final = 315_360_000
"""Ten years: an expiry below is the time that remains, of a system without a clock."""

_LINE = re.compile(r"[0-9]{1,12} ")
_TYPED = re.compile(r"([0-9a-fA-F]{1,2})-([0-9a-fA-F:]*)")


def is_lease_file(text: str) -> bool:
    """Whether the text has the form of this file."""
    first = next((line for line in text.split("\n") if line.strip()), "")
    parts = first.split(" ")
    return parts[0] == "duid" or (
        len(parts) >= 5 and bool(_LINE.match(first)) and words.address(parts[2]) is not None
    )


def read_leases(draft: Draft, files: Files, path: str, now: int) -> None:
    """Take the leases of the file that are alive."""
    found: dict[str, Lease] = {}
    text = files.texts[path]
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        place = Place(path, number)
        torn = number == len(lines) and bool(line)  # it lacks its line end
        parts = line.rstrip("\r").split(" ")
        if parts[0] == "duid" and len(parts) > 1:
            draft.server_duid = words.octets(parts[1]) or draft.server_duid
        elif not line.strip() or parts[0] in EXTRAS:
            continue
        elif not parts[0].isdecimal() or not parts[0].isascii():
            draft.skip(place, parts[0][:40], "dnsmasq's lease file has no such word that counts")
        elif len(parts) < 5 or (torn and len(parts[-1]) < 2 and parts[-1] != "*"):
            _truncated(draft, place, parts)
        else:
            if torn:
                _truncated(draft, place, parts)
            one = _lease(draft, place, parts)
            if one is not None:
                found[one.address] = one
    _of_a_clockless(draft, found, now)
    keep_last(draft, found, now)


def _lease(draft: Draft, place: Place, parts: list[str]) -> Lease | None:
    expiry, second, third, name, last = *parts[:3], " ".join(parts[3:-1]), parts[-1]
    address = words.address(third)
    if address is None or len(expiry) > 12:
        draft.problem(
            place, "not_an_address", third[:100], f"'{third[:60]}' is no address: left out."
        )
        return None
    lease = Lease(place=place, address=address, expires=int(expiry) or None)
    lease.hostname = None if name == "*" else words.label(name)
    if " " in name:
        draft.problem(
            place, "hostname_not_legal", address, f"The name '{name[:60]}' has spaces: left out."
        )
        lease.hostname = None
    client = None if last == "*" else words.octets(last)
    if model.ip_version(address) == 6:
        lease.duid, lease.iaid = client, second.removeprefix("T")
        return lease
    lease.client_id = client
    lease.mac = words.mac(second)
    typed = _TYPED.fullmatch(second)
    if lease.mac is None and typed and int(typed[1], 16) == 1:
        lease.mac = words.mac(typed[2])
    if lease.mac is None and not typed:
        draft.problem(
            place,
            "bad_mac",
            address,
            f"'{second[:60]}' is no MAC address; dnsmasq 2.90 ends when it reads such a line.",
        )
    return lease


def _truncated(draft: Draft, place: Place, parts: list[str]) -> None:
    subject = next((one for one in parts[2:3] if words.address(one)), str(place))
    draft.problem(
        place,
        "truncated_record",
        subject,
        "The last line has no end: the file was read while it was written. Read it again.",
    )


def _of_a_clockless(draft: Draft, found: dict[str, Lease], now: int) -> None:
    said = [one.expires for one in found.values() if one.expires]
    if not said or max(said) >= RELATIVE_BELOW:
        return
    for one in found.values():
        if one.expires:
            one.expires = now + one.expires
    first = next(iter(found.values()))
    draft.problem(
        first.place,
        "lease_time_unknown",
        first.address,
        "The expiries are the seconds that remain (a system without a clock): they are counted"
        " from the time of this reading.",
    )

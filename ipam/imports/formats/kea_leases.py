"""Kea's memfile (by its header, not by position) and its answers to lease4-get-page."""

import re
from collections.abc import Mapping
from typing import Final

from ipam.imports import words
from ipam.imports.documents import Node
from ipam.imports.estate import Draft, Lease, Place
from ipam.imports.files import Files
from ipam.imports.formats.lease_lists import keep_last

FOREVER: Final = 0xFFFFFFFF
ASSIGNED, DECLINED, REGISTERED = "0", "1", "4"
STATES: Final = {"2": "the lease has ended and was reclaimed", "3": "the machine gave it back"}
DELEGATION: Final = "2"

_ESCAPED = re.compile(r"&#x([0-9a-fA-F]{2})")
_NUMBERED = re.compile(r"(.*?)(?:\.(completed|2|1))?$")
_ORDER: Final = {"completed": 0, "2": 0, "1": 1, "": 2}


def is_memfile(text: str) -> bool:
    """Whether the text has the header of a memfile."""
    head = text.partition("\n")[0].strip().split(",")
    return head[0] == "address" and ("hwaddr" in head or "duid" in head)


def read(draft: Draft, files: Files, paths: list[str], now: int) -> None:
    """Take the leases that live. Of an address the last row of the newest file counts."""
    found: dict[str, Lease] = {}
    completed = {p.removesuffix(".completed") for p in paths if p.endswith(".completed")}
    for path in sorted(paths, key=_order):
        if path.endswith(".2") and path.removesuffix(".2") in completed:
            draft.skip(Place(path), path, "its .completed is newer")
            continue
        lines = files.texts[path].split("\n")
        head = lines[0].strip().split(",")
        for number, line in enumerate(lines[1:], 2):
            if line.strip():
                cells = line.rstrip("\r").split(",")
                _row(draft, found, Place(path, number), head, cells)
    keep_last(draft, found, now)


def read_answer(draft: Draft, root: Node, now: int) -> None:
    """Take the leases of an answer to `lease4-get-page` or `lease6-get-page`."""
    found: dict[str, Lease] = {}
    for one in [root, *root.items()]:
        for each in (one.get("arguments") or one).each("leases"):
            start, length = each.number("cltt"), each.number("valid-lft")
            forever = length == FOREVER or start is None or length is None
            row = {
                "address": each.text("ip-address"),
                "hwaddr": each.text("hw-address"),
                "client_id": each.text("client-id"),
                "duid": each.text("duid"),
                "iaid": each.text("iaid"),
                "hostname": each.text("hostname"),
                "state": each.text("state"),
                "valid_lifetime": str(FOREVER if forever else length),
                "expire": "0" if forever else str((start or 0) + (length or 0)),
                "lease_type": DELEGATION if each.text("type") == "IA_PD" else "0",
            }
            _lease(draft, found, each.place, row)
    keep_last(draft, found, now)


def _order(path: str) -> tuple[str, int]:
    match = _NUMBERED.fullmatch(path)
    return (match[1], _ORDER[match[2] or ""]) if match else (path, 2)


def _row(
    draft: Draft, found: dict[str, Lease], place: Place, head: list[str], cells: list[str]
) -> None:
    if len(cells) < min(len(head), 9):
        address = words.address(cells[0]) or str(place)
        draft.problem(
            place,
            "truncated_record",
            address,
            f"The row has {len(cells)} of {len(head)} columns: Kea drops it, and so does this.",
        )
        return
    _lease(draft, found, place, dict(zip(head, cells, strict=False)))


def _lease(draft: Draft, found: dict[str, Lease], place: Place, row: Mapping[str, str]) -> None:
    address = words.address(row.get("address", ""))
    if row.get("lease_type") == DELEGATION:
        draft.problem(
            place,
            "prefix_delegation",
            row.get("address", "")[:100],
            "A delegated prefix has no equal here: it is left out.",
        )
        return
    lifetime, expire = row.get("valid_lifetime", ""), row.get("expire", "")
    if address is None or not _whole(lifetime) or not _whole(expire):
        draft.problem(
            place, "bad_row", row.get("address", "")[:100], "Kea drops such a row: it is left out."
        )
        return
    state = row.get("state") or ASSIGNED
    found.pop(address, None)
    if int(lifetime) == 0:
        draft.skip(place, address, "the row deletes the lease")
    elif state == DECLINED:
        draft.hold(place, address, "a client found somebody else on it")
        draft.problem(
            place, "declined", address, "A client found somebody unknown on it: it is held."
        )
    elif state in STATES:
        draft.skip(place, address, STATES[state])
    else:
        if state not in (ASSIGNED, REGISTERED):
            draft.problem(
                place, "state_unknown", address, f"State {state[:20]} is taken as a lease."
            )
        name = _ESCAPED.sub(lambda m: chr(int(m[1], 16)), row.get("hostname", ""))
        found[address] = Lease(
            place=place,
            address=address,
            mac=words.mac(row.get("hwaddr", "")),
            client_id=words.octets(row.get("client_id", "")) if row.get("client_id") else None,
            duid=words.octets(row.get("duid", "")) if row.get("duid") else None,
            iaid=row.get("iaid") or None,
            hostname=words.label(name),
            expires=None if int(lifetime) == FOREVER else int(expire),
        )


def _whole(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 16

"""Reads what `nft -j list` says of the guard's table. Pure."""

import contextlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Any, Final

import msgspec

from ipam.agent.guard.elements import NOTHING, Element, Guard, TapGuard
from ipam.agent.guard.opening import ANSWERING
from ipam.agent.guard.packed import Packed

OF_PACKETS: Final = frozenset({"dhcp_rates", "storms", "spoofed", "fenced"})
"""The sets whose elements the kernel makes as packets come."""
PASSING: Final = OF_PACKETS | {ANSWERING}
"""Those whose elements end by themselves."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The table in the kernel."""

    rules: str
    """All but elements, in a form that is equal for equal rules."""
    guard: Guard


class _Listed(msgspec.Struct):
    nftables: list[msgspec.Raw]
    """Read one at a time: the elements of a whole table take megabytes as objects."""


def read(listed: bytes, likely: Guard = NOTHING) -> Listing:
    """The table. Raises ValueError if this is no listing.

    A tap that is as in `likely` has the same object there and here, so that it takes memory once.
    """
    rules: list[Any] = []
    found: dict[str, set[Element]] = defaultdict(set)
    for one in _objects(listed):
        if "set" in one:
            of_set = dict(one["set"])
            elements, name = of_set.pop("elem", []), of_set["name"]
            rules.append({"set": of_set})
            for tap, key in map(_key, () if name in PASSING else elements):
                found[tap].add((name, key))
        elif "metainfo" not in one:
            rules.append(one)
    guard: dict[str, TapGuard] = {}
    for tap in [*found]:
        elements, known = Packed(found.pop(tap)), likely.get(tap)
        guard[tap] = known if known is not None and known == elements else elements
    return Listing(json.dumps([_plain(one) for one in rules], sort_keys=True), guard)


def drops(listed: bytes) -> Mapping[str, int]:
    """How many frames of each tap a set with counters has seen. Raises ValueError."""
    (of_set,) = (one["set"] for one in _objects(listed) if "set" in one)
    return {
        one["elem"]["val"]: one["elem"]["counter"]["packets"] for one in of_set.get("elem", ())
    }


def _objects(listed: bytes) -> Iterator[dict[str, Any]]:
    try:
        for one in msgspec.json.decode(listed, type=_Listed).nftables:
            yield msgspec.json.decode(one)
    except msgspec.DecodeError as error:
        raise ValueError(f"nft's listing has another form: {error}") from error


def _plain(value: Any) -> Any:
    """Without handles, and with the elements of constant sets in one order."""
    if isinstance(value, dict):
        plain = {key: _plain(one) for key, one in value.items() if key != "handle"}
        if isinstance(constants := plain.get("set"), list):
            plain["set"] = sorted(constants, key=json.dumps)
        return plain
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value


def _key(element: Any) -> tuple[str, str]:
    """The tap and the rest of the key, in the form of `elements`."""
    if isinstance(element, str):
        return element, ""
    tap, *rest = element["concat"]
    return tap, " . ".join(map(_part, rest))


def _part(value: Any) -> str:
    match value:
        case {"prefix": {"addr": str(address), "len": length}} if not address.startswith("0x"):
            return f"{_plain_address(address)}/{length}"
        case {"prefix": {"addr": address, "len": length}}:
            first = _number(address)
            return f"{first:#x}-{first | (1 << 128 - length) - 1:#x}"
        case {"range": [first, last]}:
            return f"{_part(first)}-{_part(last)}"
        case str() if not value.startswith("0x"):
            return _plain_address(value)
        case _:
            return f"{_number(value):#x}"


def _plain_address(text: str) -> str:
    """An IPv6 address whose end nft writes as IPv4 is one, as the elements have it."""
    if "::" in text and "." in text:
        with contextlib.suppress(ValueError):
            return str(IPv6Address(text))
    return text


def _number(value: Any) -> int:
    return value if isinstance(value, int) else int(value, 16)

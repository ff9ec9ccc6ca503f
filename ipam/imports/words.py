"""Single words of foreign files in the forms that an estate has: MACs, ids, names, times. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Final

from ipam import model, values
from ipam.rules.dhcp_option_values import UNIT_SECONDS

_SEPARATED: Final = re.compile(r"[0-9a-fA-F]{1,2}([:-][0-9a-fA-F]{1,2}){5}")
_DOTTED: Final = re.compile(r"[0-9a-fA-F]{4}([.:-][0-9a-fA-F]{4}){2}")
_BARE: Final = re.compile(r"[0-9a-fA-F]{12}")
_OCTETS: Final = re.compile(r"[0-9a-fA-F]{1,2}([:-][0-9a-fA-F]{1,2})*")
_BARE_OCTETS: Final = re.compile(r"([0-9a-fA-F]{2})+")
_DURATION: Final = re.compile(r"([0-9]{1,9}) *([smhdwSMHDW]?)")


def mac(text: str) -> str | None:
    """The MAC address, lower case with colons; None if the text is no machine's.

    Octets may lack their zero; Cisco's and bare spellings are fine.
    """
    text = text.strip()
    if _SEPARATED.fullmatch(text):
        octets = re.split("[:-]", text)
    elif _DOTTED.fullmatch(text) or _BARE.fullmatch(text):
        bare = re.sub("[.:-]", "", text)
        octets = [bare[at : at + 2] for at in range(0, 12, 2)]
    else:
        return None
    try:
        return values.mac(":".join(octet.zfill(2) for octet in octets))
    except ValueError:
        return None


def octets(text: str) -> str | None:
    """An id written in hex, with or without separators, as lower-case octets with colons."""
    text = text.strip().removeprefix("0x")
    if _OCTETS.fullmatch(text):
        return ":".join(octet.zfill(2) for octet in re.split("[:-]", text.lower()))
    if _BARE_OCTETS.fullmatch(text):
        return hex_of(bytes.fromhex(text))
    return None


def hex_of(raw: bytes) -> str:
    """Octets as lower-case hex with colons."""
    return raw.hex(":")


def address(text: str) -> str | None:
    """The address in its canonical form; None if it is none."""
    try:
        return values.address(text.strip())
    except ValueError:
        return None


def prefix(text: str, length: str | int | None = None) -> str | None:
    """The prefix of an address and a mask or length, without host bits."""
    whole = text.strip() if length is None else f"{text.strip()}/{str(length).strip()}"
    try:
        return str(ip_network(whole, strict=False)) if "/" in whole else None
    except ValueError:
        return None


def inside(where: str, prefixes: Iterable[str]) -> str | None:
    """The longest of these prefixes that has the address."""
    packed = model.pack(where)
    number, bits = int.from_bytes(packed), len(packed) * 8
    lengths, named = _by_length(tuple(prefixes))
    for length in lengths.get(bits, ()):
        found = named.get((bits, length, number >> (bits - length)))
        if found is not None:
            return found
    return None


@lru_cache(maxsize=64)
def _by_length(
    prefixes: tuple[str, ...],
) -> tuple[Mapping[int, Sequence[int]], Mapping[tuple[int, int, int], str]]:
    """By IP version's bits the lengths, longest first; and each prefix by bits, length, number."""
    lengths: dict[int, set[int]] = {}
    named: dict[tuple[int, int, int], str] = {}
    for each in prefixes:
        net = ip_network(each)
        bits, length = net.max_prefixlen, net.prefixlen
        lengths.setdefault(bits, set()).add(length)
        named.setdefault((bits, length, int(net.network_address) >> (bits - length)), each)
    return {bits: sorted(found, reverse=True) for bits, found in lengths.items()}, named


def between(where: str, first: str, last: str) -> bool:
    """Whether the address is in the range."""
    packed, low = model.pack(where), model.pack(first)
    return len(packed) == len(low) and low <= packed <= model.pack(last)


def ordered(first: str, last: str) -> tuple[str, str]:
    """The two ends of a range, the lower first."""
    low, high = sorted((model.pack(first), model.pack(last)))
    return model.unpack(low), model.unpack(high)


def ends(cidr: str) -> tuple[str, str]:
    """The first and the last address of a prefix."""
    net = ip_network(cidr)
    return str(net[0]), str(net[-1])


@lru_cache(maxsize=1024)
def usable_ends(cidr: str) -> tuple[str, str]:
    """The first and the last address that a machine can have."""
    net = ip_network(cidr)
    if net.prefixlen >= net.max_prefixlen - 1:
        return str(net[0]), str(net[-1])
    return str(net[1]), str(net[-2] if net.version == 4 else net[-1])


def seconds(text: str) -> int | None:
    """A lease time such as 90, 12h or 1w, in seconds."""
    match = _DURATION.fullmatch(text.strip())
    return int(match[1]) * UNIT_SECONDS[match[2].lower()] if match else None


def label(name: str | None) -> str | None:
    """The host name without its domain; None for none."""
    return (name or "").strip().partition(".")[0] or None


def is_name(text: str) -> bool:
    """Whether the text is a host name that ipam takes."""
    try:
        return bool(values.hostname(text)) and len(text) <= values.NAME_LENGTH
    except ValueError:
        return False


def without(pool: tuple[str, str], taken: Iterable[str]) -> list[tuple[str, str]]:
    """What is left of a range without these addresses."""
    low, high = (int(ip_address(end)) for end in pool)
    kind = type(ip_address(pool[0]))
    left = []
    for gap in sorted({int(ip_address(one)) for one in taken if between(one, *pool)}):
        if gap > low:
            left.append((str(kind(low)), str(kind(gap - 1))))
        low = gap + 1
    if low <= high:
        left.append((str(kind(low)), str(kind(high))))
    return left

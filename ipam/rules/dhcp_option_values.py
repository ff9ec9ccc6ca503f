"""Reads the text of a DHCP option's value: addresses, numbers, names, octets. Pure.

A reader takes the text and gives the values, or raises ValueError with the reason. It accepts what
dnsmasq understands for the option's type (its option.c), if that has only one meaning.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from typing import Final, TypeAlias, TypeVar

from ipam import values

LONGEST_SECONDS: Final = 2**31 - 1
SHORTEST_LEASE_SECONDS: Final = 120
"""dnsmasq gives no shorter lease, because some clients fail with one."""
INFINITE_SECONDS: Final = 2**32 - 1
LONGEST_CLIENT_ID: Final = 100
"""dnsmasq cuts longer client identifiers in its log and for its hook."""

_HEX = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2})+", re.IGNORECASE)
_WHOLE = re.compile(r"-?[0-9]{1,10}")
_SIZED = re.compile(r"(-?[0-9]{1,10})([bsi])")
_SIZES: Final = {"b": 1, "s": 2, "i": 4}
_TIME = re.compile(r"([0-9]{1,10})([smhdw]?)", re.IGNORECASE)
UNIT_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_REPLACED: Final = (IPv6Address("fe80::"), IPv6Address("fd00::"))
"""dnsmasq replaces these by addresses of its own."""


class DomainName(str):
    """A domain that is sent in DNS's encoding. This text has no final dot."""

    __slots__ = ()


Value: TypeAlias = IPv4Address | IPv6Address | IPv4Network | int | bytes | str
"""An int has the width of the option; without one, as many octets as it needs."""
Reader: TypeAlias = Callable[[str], tuple[Value, ...]]
T = TypeVar("T")


def octets(value: Value) -> int:
    """How many octets the value takes in a message. For an int it is an upper bound."""
    match value:
        case IPv4Address() | int():
            return 4
        case IPv6Address():
            return 16
        case IPv4Network():
            return 1 + (value.prefixlen + 7) // 8
        case DomainName():
            return len(value) + 2
        case _:
            return len(value)


def text(value: str) -> tuple[Value, ...]:
    """Printable ASCII."""
    if not (value.isascii() and value.isprintable()):
        raise ValueError("holds what is not printable ASCII")
    return (value,)


def strings(value: str) -> tuple[Value, ...]:
    """Texts between commas."""
    return tuple(part for each in value.split(",") for part in text(each))


def addresses4(value: str) -> tuple[Value, ...]:
    """IPv4 addresses between commas."""
    return tuple(_specified(one) for one in _all(value, _address4))


def addresses4_or_none(value: str) -> tuple[Value, ...]:
    """Like `addresses4`. A single `0.0.0.0` means no address."""
    return () if value == "0.0.0.0" else addresses4(value)  # noqa: S104  # nothing is bound


def address4(value: str) -> tuple[Value, ...]:
    """One IPv4 address."""
    return (_specified(_address4(value)),)


def addresses6(value: str) -> tuple[Value, ...]:
    """IPv6 addresses between commas, with or without brackets."""
    found = _all(value, _address6)
    for one in found:
        if one in _REPLACED:
            raise ValueError(f"'{one}' is the prefix of addresses, not one")
    return tuple(_specified(one) for one in found)


def domains(value: str) -> tuple[Value, ...]:
    """Domains between commas."""
    return tuple(_all(value, _domain))


def routes(value: str) -> tuple[Value, ...]:
    """Pairs of destination and nexthop, or octets in hex."""
    if _HEX.fullmatch(value):
        return (_octets(value),)
    parts = [part.strip() for part in value.split(",")]
    if len(parts) % 2:
        raise ValueError("has to be pairs of a destination and a nexthop")
    found: list[Value] = []
    for destination, nexthop in zip(parts[::2], parts[1::2], strict=True):
        found += [_network4(destination), _address4(nexthop)]
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Whole:
    """A reader of numbers of `width` octets, which may be negative."""

    width: int

    def __call__(self, value: str) -> tuple[Value, ...]:
        """The number."""
        least, most = -(2 ** (8 * self.width - 1)), 2 ** (8 * self.width) - 1
        if not _WHOLE.fullmatch(value) or not least <= int(value) <= most:
            raise ValueError(f"has to be a number from {least} to {most}")
        return (int(value),)


def seconds(value: str) -> tuple[Value, ...]:
    """A time in seconds, or with m, h, d or w at its end."""
    found = _TIME.fullmatch(value)
    total = int(found[1]) * UNIT_SECONDS[found[2].lower()] if found else -1
    if not 0 <= total <= LONGEST_SECONDS:
        raise ValueError(
            f"has to be a time of at most {LONGEST_SECONDS} seconds, such as 3600 or 1h"
        )
    return (total,)


def lease_time(value: str) -> tuple[Value, ...]:
    """Like `seconds`, but not less than dnsmasq's least; or `infinite`."""
    if value == "infinite":
        return (INFINITE_SECONDS,)
    (found,) = seconds(value)
    if found < SHORTEST_LEASE_SECONDS:  # type: ignore[operator]  # seconds gives an int
        raise ValueError(f"has to be at least {SHORTEST_LEASE_SECONDS} seconds")
    return (found,)


def client_id(value: str) -> tuple[Value, ...]:
    """Octets in hex, or a text, which stands for its own octets."""
    found = _octets(value) if _HEX.fullmatch(value) else str(text(value)[0]).encode()
    if not 2 <= len(found) <= LONGEST_CLIENT_ID:
        raise ValueError(f"has to have 2 to {LONGEST_CLIENT_ID} octets")
    return (found,)


def sip_servers(value: str) -> tuple[Value, ...]:
    """IPv4 addresses, or domains."""
    return _first(value, addresses4, domains)


def ntp_servers6(value: str) -> tuple[Value, ...]:
    """Octets in hex, IPv6 addresses, or domains."""
    return (_octets(value),) if _HEX.fullmatch(value) else _first(value, addresses6, domains)


def anything4(value: str) -> tuple[Value, ...]:
    """By its form: octets in hex, a number, IPv4 addresses or networks; else a text."""
    return _anything(value, lambda part: _network4(part) if "/" in part else _address4(part))


def anything6(value: str) -> tuple[Value, ...]:
    """By its form: octets in hex, a number, IPv6 addresses; else a text."""
    return _anything(value, _address6)


_DESCRIBED: Final[dict[Reader, str]] = {
    text: "text",
    strings: "texts, with commas between",
    addresses4: "IPv4 addresses",
    addresses4_or_none: "IPv4 addresses",
    address4: "an IPv4 address",
    addresses6: "IPv6 addresses",
    domains: "domains",
    routes: "destination,nexthop,…",
    seconds: "a time such as 600 or 1h",
    lease_time: "a time such as 12h, or infinite",
    client_id: "octets as 01:02, or text",
    sip_servers: "IPv4 addresses, or domains",
    ntp_servers6: "IPv6 addresses, or domains",
    anything4: "octets, a number, addresses or text",
    anything6: "octets, a number, addresses or text",
}


def described(read: Reader) -> str:
    """What the reader takes, in a few words."""
    if isinstance(read, Whole):
        return f"a number of {8 * read.width} bits"
    return _DESCRIBED[read]


def _anything(value: str, address: Callable[[str], Value]) -> tuple[Value, ...]:
    if _HEX.fullmatch(value):
        return (_octets(value),)
    if found := _SIZED.fullmatch(value):
        width = _SIZES[found[2]]
        (number,) = Whole(width)(found[1])
        return ((int(str(number)) % 256**width).to_bytes(width),)
    if _WHOLE.fullmatch(value):
        (whole,) = Whole(4)(value)
        return (_shortest(int(str(whole))),)
    try:
        return tuple(_specified(one) for one in _all(value, address))
    except ValueError as error:
        if _parses(value, address):
            raise error from None
        return text(value)


def _shortest(number: int) -> bytes:
    """The number in 1, 2 or 4 octets, as dnsmasq sends it (option.c)."""
    whole = number % 2**32
    width = 1 if whole < 2**8 else 2 if whole < 2**16 else 4
    return whole.to_bytes(width)


def _parses(value: str, address: Callable[[str], Value]) -> bool:
    try:
        return bool(_all(value, address))
    except ValueError:
        return False


def _first(value: str, *readers: Reader) -> tuple[Value, ...]:
    *others, last = readers
    for reader in others:
        try:
            return reader(value)
        except ValueError:
            continue
    return last(value)


def _all(value: str, read: Callable[[str], T]) -> list[T]:
    return [read(part.strip()) for part in value.split(",")]


def _specified(value: Value) -> Value:
    if isinstance(value, IPv4Address | IPv6Address) and value.is_unspecified:
        raise ValueError(f"'{value}' would be the DHCP server's own address; leave the option out")
    return value


def _address4(part: str) -> IPv4Address:
    try:
        return IPv4Address(part)
    except ValueError:
        raise ValueError(f"{values.shown(part)} is not an IPv4 address") from None


def _address6(part: str) -> IPv6Address:
    bare = part[1:-1] if part.startswith("[") and part.endswith("]") else part
    try:
        found = IPv6Address(bare)
    except ValueError:
        raise ValueError(f"{values.shown(part)} is not an IPv6 address") from None
    if found.scope_id:
        raise ValueError(f"{values.shown(part)} has a scope")
    return found


def _network4(part: str) -> IPv4Network:
    try:
        if "/" in part:
            return IPv4Network(part)
    except ValueError:
        pass
    raise ValueError(f"{values.shown(part)} is not an IPv4 network such as 10.0.0.0/8")


def _domain(part: str) -> DomainName:
    bare = part.removesuffix(".")
    if not values.is_domain(bare):
        raise ValueError(f"{values.shown(part)} is not a domain")
    return DomainName(bare)


def _octets(value: str) -> bytes:
    return bytes.fromhex(value.replace(":", ""))

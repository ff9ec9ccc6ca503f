"""The zones of a name server elsewhere, and where in them a name or an address has its records.

Pure. Names are lower case and have no final dot.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address
from typing import Final, TypeAlias

from ipam.values import is_domain

IN_ADDR: Final = ".in-addr.arpa"
IP6: Final = ".ip6.arpa"

_CLASSLESS_LABEL = re.compile(r"[0-9a-z]([0-9a-z/_-]{0,61}[0-9a-z])?")
_OCTETS = re.compile(r"(\d{1,3}\.){1,4}in-addr\.arpa")
_NIBBLES = re.compile(r"([0-9a-f]\.){1,32}ip6\.arpa")

Place: TypeAlias = tuple[str, str]
"""A zone, and a name in it."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone. Those of reverse look-ups have names of addresses, the others those of machines."""

    name: str
    prefix: IPv4Network | None = None
    """Of a classless reverse zone (RFC 2317), which has a name for each last octet."""

    @property
    def is_reverse(self) -> bool:
        """Whether it has PTR records."""
        return self.name.endswith((IN_ADDR, IP6))

    def has(self, name: str) -> bool:
        """Whether a name is in the zone, or in a part of it that is delegated."""
        return name == self.name or name.endswith(f".{self.name}")

    def name_of(self, address: IPv4Address | IPv6Address) -> str | None:
        """The name of an address in this reverse zone; None if it has none there."""
        if self.prefix is not None:
            if address not in self.prefix:
                return None
            return f"{str(address).rpartition('.')[2]}.{self.name}"
        pointer = address.reverse_pointer
        return pointer if self.has(pointer) else None

    def address_of(self, name: str) -> str | None:
        """The address whose name in this reverse zone it is; None if it is none's."""
        labels = name.split(".")
        try:
            if self.prefix is not None:
                first = str(self.prefix.network_address).rpartition(".")[0]
                address: IPv4Address | IPv6Address = IPv4Address(f"{first}.{labels[0]}")
            elif name.endswith(IP6):
                digits = "".join(reversed(labels[:-2]))
                address = IPv6Address(bytes.fromhex(digits))
            else:
                address = IPv4Address(".".join(reversed(labels[:-2])))
        except ValueError:
            return None
        return str(address) if self.name_of(address) == name else None


def zone_fault(zone: Zone) -> str | None:
    """Why there can be no such zone; None if there can."""
    first, _, rest = zone.name.partition(".")
    if zone.prefix is not None:
        of_octets = (
            f"{'.'.join(reversed(str(zone.prefix.network_address).split('.')[:3]))}{IN_ADDR}"
        )
        if zone.prefix.prefixlen <= 24 or rest != of_octets:
            return (
                f"{zone.name} is no classless zone of {zone.prefix}: that has a longer prefix than"
                f" /24, and its zone is a name in {of_octets}"
            )
        return None if _CLASSLESS_LABEL.fullmatch(first) else f"{zone.name} is no name of a zone"
    if zone.name.endswith(IN_ADDR):
        if not _OCTETS.fullmatch(zone.name):
            return f"{zone.name} is not made of octets: a classless zone needs its prefix, too"
    elif zone.name.endswith(IP6):
        if not _NIBBLES.fullmatch(zone.name):
            return f"{zone.name} is not made of hexadecimal digits"
    elif not is_domain(zone.name):
        return f"{zone.name!r} is no name of a zone"
    return None


def place_of_name(zones: Iterable[Zone], name: str) -> Place | None:
    """Where the addresses of a machine's name are: in the smallest zone that has it."""
    fitting = [zone for zone in zones if not zone.is_reverse and zone.has(name)]
    if not fitting:
        return None
    return max(fitting, key=lambda zone: len(zone.name)).name, name


def place_of_address(zones: Iterable[Zone], address: str) -> Place | None:
    """Where the name of an address is: in the smallest reverse zone that has it."""
    parsed = ip_address(address)
    fitting = [
        (zone, name)
        for zone in zones
        if zone.is_reverse and (name := zone.name_of(parsed)) is not None
    ]
    if not fitting:
        return None
    zone, name = max(fitting, key=lambda pair: len(pair[0].name))
    return zone.name, name


def twice(zones: Sequence[Zone]) -> list[str]:
    """The names of zones that are there more than once."""
    names = [zone.name for zone in zones]
    return sorted({name for name in names if names.count(name) > 1})

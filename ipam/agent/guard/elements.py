"""What each tap may send, as elements of the guard's sets. Pure.

Each element is the name of a set with a key. The tap's name, which every key begins with, is left
out here. The text of the key is nft's, and only values that were parsed get into it.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    collapse_addresses,
    ip_address,
    ip_network,
)
from types import MappingProxyType
from typing import Final, TypeAlias

from ipam.agent.dnsmasq import safe_words
from ipam.protocol.dhcp_state import ServedPort
from ipam.rules.device_owners import is_guarded
from ipam.rules.ipv6 import eui64

Element: TypeAlias = tuple[str, str]
TapGuard: TypeAlias = AbstractSet[Element]
Guard: TypeAlias = Mapping[str, TapGuard]
"""The elements by tap."""
NOTHING: Final[Guard] = MappingProxyType({})
NO_GUARD: Final[TapGuard] = frozenset()

TAPS: Final = ("taps", "")
"""Its DHCP packets are counted and bounded."""
GUARDED: Final = ("guarded", "")
"""It may send nothing but what other elements allow."""

_LINK_LOCAL: Final = "fe80::/64"
_Address: TypeAlias = IPv4Address | IPv6Address
_Source: TypeAlias = _Address | IPv4Network | IPv6Network
_Pairs: TypeAlias = tuple[tuple[str, str | None], ...]
"""Each an address or network, and a MAC address or None for the port's."""


def tap_guard(port: ServedPort) -> TapGuard:
    """The elements of a port's tap."""
    if not is_guarded(port.device_owner, port_security_enabled=port.port_security_enabled):
        return frozenset({TAPS})
    ips = tuple(one.ip_address for one in port.fixed_ips)
    pairs = tuple((one.ip_address, one.mac_address) for one in port.allowed_address_pairs)
    return _guard_of(port.mac_address, ips, pairs)


def _guard_of(mac_address: str, ips: tuple[str, ...], pairs: _Pairs) -> TapGuard:
    found = {TAPS, GUARDED}
    allowed = _allowed(mac_address, ips, pairs)
    for mac, sources in allowed.items():
        found |= {("macs", mac), ("chaddrs", _hexadecimal(mac))}
        found |= _sources(mac, sources)
    found |= _targets(set().union(*allowed.values()))
    return frozenset(found)


def _allowed(mac_address: str, ips: tuple[str, ...], pairs: _Pairs) -> dict[str, set[_Source]]:
    """The addresses, and networks of more than one, by MAC address.

    Of the link-local addresses, only the one made of the MAC address is known.
    """
    if not mac_address:
        return {}  # it cannot be read, so nothing is known to be its own
    safe_words.mac(mac_address)  # or raises UnfitError
    own = mac_address
    allowed: dict[str, set[_Source]] = defaultdict(set)
    allowed[own] = {ip_address(ip) for ip in ips}
    for cidr, mac in pairs:
        of_pair, network = str(safe_words.mac(mac)) if mac else own, ip_network(cidr, strict=False)
        is_address = network.prefixlen == network.max_prefixlen
        allowed[of_pair].add(network.network_address if is_address else network)
    for mac, sources in allowed.items():
        sources.add(IPv6Address(eui64(_LINK_LOCAL, mac)))
    return allowed


def _sources(mac: str, sources: Collection[_Source]) -> set[Element]:
    return {
        (f"v{one.version}{'' if isinstance(one, _Address) else '_nets'}", f"{mac} . {one}")
        for one in _apart(sources)
    }


def _targets(sources: Collection[_Source]) -> set[Element]:
    """The addresses of which the tap may say that they are its own."""
    found = set()
    for one in _apart(sources):
        if isinstance(one, IPv6Address):
            found.add(("nd6", f"{int(one):#x}"))
        elif isinstance(one, IPv6Network):
            first, last = int(one.network_address), int(one.broadcast_address)
            found.add(("nd6_nets", f"{first:#x}-{last:#x}"))
    return found


def _apart(sources: Collection[_Source]) -> Collection[_Source]:
    """The same addresses as networks that do not overlap, which the kernel does not take.

    Addresses stay alone, because a look-up in networks is dearer.
    """
    if all(isinstance(one, _Address) for one in sources):
        return sources
    four = collapse_addresses(one for one in sources if isinstance(one, IPv4Network))
    six = collapse_addresses(one for one in sources if isinstance(one, IPv6Network))
    wide: list[IPv4Network | IPv6Network] = [*four, *six]
    alone = [one for one in sources if isinstance(one, _Address)]
    return [*wide, *(one for one in alone if not any(one in each for each in wide))]


def _hexadecimal(mac: str) -> str:
    return f"{int(mac.replace(':', ''), 16):#x}"

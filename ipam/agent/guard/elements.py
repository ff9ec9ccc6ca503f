"""What each tap may send, as elements of the guard's sets. Pure.

Each element is the name of a set with a key. The tap's name, which every key begins with, is left
out here. The text of the key is nft's, and only values that were parsed get into it.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Final, TypeAlias

from ipam.agent.dnsmasq import safe_words
from ipam.protocol.dhcp_state import ServedPort
from ipam.rules.device_owners import is_guarded
from ipam.rules.ipv6 import eui64

Element: TypeAlias = tuple[str, str]
TapGuard: TypeAlias = frozenset[Element]
Guard: TypeAlias = Mapping[str, TapGuard]
"""The elements by tap."""

TAPS: Final = ("taps", "")
"""Its DHCP packets are counted and bounded."""
GUARDED: Final = ("guarded", "")
"""It may send nothing but what other elements allow."""

_LINK_LOCAL: Final = "fe80::/64"
_Network: TypeAlias = IPv4Network | IPv6Network
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
    for mac, networks in allowed.items():
        found |= {("macs", mac), ("chaddrs", _hexadecimal(mac))}
        found |= _sources(mac, networks)
    found |= _targets({one for networks in allowed.values() for one in networks})
    return frozenset(found)


def _allowed(mac_address: str, ips: tuple[str, ...], pairs: _Pairs) -> dict[str, set[_Network]]:
    """The networks by MAC address; an address is a network of one.

    Of the link-local addresses, only the one made of the MAC address is known.
    """
    if not mac_address:
        return {}  # it cannot be read, so nothing is known to be its own
    safe_words.mac(mac_address)  # or raises UnfitError
    own = mac_address
    allowed: dict[str, set[_Network]] = defaultdict(set)
    allowed[own] = {ip_network(ip) for ip in ips}
    for cidr, mac in pairs:
        of_pair = str(safe_words.mac(mac)) if mac else own
        allowed[of_pair].add(ip_network(cidr, strict=False))
    for mac, networks in allowed.items():
        networks.add(ip_network(eui64(_LINK_LOCAL, mac)))
    return allowed


def _sources(mac: str, networks: Collection[_Network]) -> set[Element]:
    found = set()
    for one in _apart(networks):
        is_address = one.prefixlen == one.max_prefixlen
        name = f"v{one.version}" if is_address else f"v{one.version}_nets"
        found.add((name, f"{mac} . {one.network_address if is_address else one}"))
    return found


def _targets(networks: Collection[_Network]) -> set[Element]:
    """The addresses of which the tap may say that they are its own."""
    found = set()
    for one in _apart(networks):
        if one.version == 4:
            continue
        first, last = int(one.network_address), int(one.broadcast_address)
        if first == last:
            found.add(("nd6", f"{first:#x}"))
        else:
            found.add(("nd6_nets", f"{first:#x}-{last:#x}"))
    return found


def _apart(networks: Collection[_Network]) -> Collection[_Network]:
    """The same addresses as networks that do not overlap, which the kernel does not take.

    Addresses stay alone, because a look-up in networks is dearer.
    """
    if all(one.prefixlen == one.max_prefixlen for one in networks):
        return networks
    found: list[_Network] = []
    for version in (4, 6):
        alike = [one for one in networks if one.version == version]
        wide = list(collapse_addresses(n for n in alike if n.prefixlen < n.max_prefixlen))  # type: ignore[type-var]  # all are of one version
        found += wide
        found += [
            one
            for one in alike
            if one.prefixlen == one.max_prefixlen and not any(one.subnet_of(each) for each in wide)  # type: ignore[arg-type]  # idem
        ]
    return found


def _hexadecimal(mac: str) -> str:
    return f"{int(mac.replace(':', ''), 16):#x}"

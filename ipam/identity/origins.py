"""From where a client calls, as far as it matters for its share of anything."""

from collections.abc import Hashable
from ipaddress import IPv6Address, ip_address
from typing import Final

NETWORK_BITS: Final = 64
"""Whoever has one IPv6 address has the rest of its /64 as well."""


def origin_of_address(address: str) -> Hashable:
    """The address itself, or the /64 of an IPv6 address. Takes any text."""
    if ":" not in address:
        return address
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    mapped = parsed.ipv4_mapped
    return str(mapped) if mapped else int(parsed) >> (128 - NETWORK_BITS)

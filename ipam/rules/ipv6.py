"""How machines make IPv6 addresses of their own: in which subnets, and which address. Pure."""

from typing import Final

from netaddr import EUI

from ipam import model

AUTO_ADDRESS_MODES: Final = frozenset({model.SLAAC, model.DHCPV6_STATELESS})
"""Values of ipv6_address_mode and ipv6_ra_mode in which DHCP gives no addresses."""


def is_auto_address(mode: str | None) -> bool:
    """Whether machines make their own addresses in a subnet of this mode (None: no mode)."""
    return mode in AUTO_ADDRESS_MODES


def eui64(cidr: str, mac: str) -> bytes:
    """The packed address that the machine of this MAC makes in a /64 (RFC 4291, appendix A)."""
    prefix = model.pack(cidr.partition("/")[0])[:8]
    return EUI(mac).ipv6(int.from_bytes(prefix) << 64).packed

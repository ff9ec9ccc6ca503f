"""How machines make IPv6 addresses of their own: in which subnets, and which address. Pure."""

from typing import Final

from netaddr import EUI

from ipam import model

AUTO_ADDRESS_MODES: Final = frozenset({model.SLAAC, model.DHCPV6_STATELESS})
"""Values of ipv6_address_mode and ipv6_ra_mode in which DHCP gives no addresses."""

LINE_OCTETS_MAX: Final = 1023
"""dnsmasq reads 1,024 octets with the line's end. One line has all that DHCPv6 gives a machine:
of several lines for one MAC address it uses the first that fits."""
LINE_OCTETS: Final = 431
"""The most that such a line has beside IPv6 addresses: a MAC address, a client identifier of 100
octets, a tag, a host name, an IPv4 address, a lease time."""
ADDRESS_OCTETS: Final = 42
"""The longest IPv6 address, in brackets and with its comma."""
RESERVED_MAX: Final = (LINE_OCTETS_MAX - LINE_OCTETS) // ADDRESS_OCTETS
"""How many IPv6 addresses DHCPv6 can give to one machine."""

UNIVERSAL: Final = 0x02
"""The bit of a MAC address by which it is unique everywhere, which its address has inverted."""


def makes_own_addresses(ra_mode: str | None, address_mode: str | None) -> bool:
    """Whether machines make their own addresses in a subnet of these modes (None: no mode).

    One of the two says so, as in Neutron: an advertisement with SLAAC makes each machine have the
    address of its MAC address, whatever a pool would give it.
    """
    return not AUTO_ADDRESS_MODES.isdisjoint((ra_mode, address_mode))


def eui64(cidr: str, mac: str) -> bytes:
    """The packed address that the machine of this MAC makes in a /64 (RFC 4291, appendix A)."""
    # EUI.ipv6() gives the same and takes four times as long; an agent does it for each port.
    prefix, octets = model.pack(cidr.partition("/")[0])[:8], EUI(mac).packed
    return prefix + bytes((octets[0] ^ UNIVERSAL,)) + octets[1:3] + b"\xff\xfe" + octets[3:]

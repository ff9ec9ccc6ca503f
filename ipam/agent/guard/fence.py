"""Which of a network's DHCP is its own, to be kept from passing to and from other hosts. Pure."""

from typing import Final

from ipam import model
from ipam.agent.guard.elements import TapGuard
from ipam.protocol.dhcp_state import FullNetwork, ServedSubnet

SERVER: Final[TapGuard] = frozenset({("servers", "")})
"""Of the outer end of a DHCP port: what it says and hears passes."""
OWN_DHCP4: Final = ("own_dhcp4", "")
OWN_DHCP6: Final = ("own_dhcp6", "")
OWN_ADVERTS: Final = ("own_adverts", "")


def fence(row: FullNetwork) -> TapGuard:
    """The elements of each of the network's taps: for what its machines ask only their own host.

    Router advertisements are left to others where a subnet has a gateway: the DHCP server never
    advertises a default route, so that gateway has to.
    """
    dhcp = [one for one in row.subnets if one.enable_dhcp]
    six = [one for one in row.subnets if one.ip_version == 6]
    found = set()
    if any(one.ip_version == 4 for one in dhcp):
        found.add(OWN_DHCP4)
    if any(one.ip_version == 6 and _has_dhcp6(one) for one in dhcp):
        found.add(OWN_DHCP6)
    if six and all(one.enable_dhcp and one.ipv6_ra_mode and not one.gateway_ip for one in six):
        found.add(OWN_ADVERTS)
    return frozenset(found)


def _has_dhcp6(subnet: ServedSubnet) -> bool:
    return model.SLAAC not in (subnet.ipv6_ra_mode, subnet.ipv6_address_mode)

"""Permanent neighbour entries of a namespace for its own IPv6 addresses.

dnsmasq receives its own answer to a probe as if it were a client's message. It looks for the
client's MAC address in the neighbour table, and would wait half a second for a missing one.
Machines need none of the entries.
"""

import errno
import socket

from ipam.agent.host import link_requests
from ipam.agent.host.address_requests import addresses, change_neighbour, neighbours
from ipam.agent.host.netlink import unless
from ipam.agent.host.raw_netlink import Link


def pin(link: Link, address: str, *, add: bool = True) -> None:
    """Have the entry, or have none: a machine may get the address."""
    with unless(errno.ENOENT, errno.ENODEV):
        change_neighbour(link.index, address, link.mac, add=add)


def pin_missing(interface: str) -> list[str]:
    """Have all entries. Gives the addresses that had none."""
    try:
        link = link_requests.link(interface)
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise
        return []
    pinned = {one.address for one in neighbours(link.index) if one.permanent}
    own = [one.address.partition("/")[0] for one in addresses(link.index, socket.AF_INET6)]
    missing = [address for address in own if address not in pinned]
    for address in missing:
        pin(link, address)
    return missing

"""Neighbour entries of a namespace: permanent ones for its own IPv6 addresses, and learned ones.

dnsmasq receives its own answer to a probe as if it were a client's message. It looks for the
client's MAC address in the neighbour table, and would wait half a second for a missing one.
Machines need none of the entries.
"""

import errno
import socket
from typing import Any

from ipam.agent.host.netlink import indices_of, unless

NUD_PERMANENT = 0x80
NUD_ANSWERED = 0x02 | 0x04 | 0x08 | 0x10
"""Reachable, stale, delay or probe: the neighbour has answered, lately or once."""


def pin(route: Any, index: int, address: str, *, add: bool = True) -> None:
    """Have the entry, or have none: a machine may get the address."""
    mac = route.get_links(index)[0].get("address")
    entry = {"dst": address, "lladdr": mac, "ifindex": index, "state": NUD_PERMANENT}
    with unless(errno.ENOENT, errno.ENODEV):
        route.neigh("replace" if add else "del", family=socket.AF_INET6, **entry)


def pin_missing(route: Any, interface: str) -> list[str]:
    """Have all entries. Gives the addresses that had none."""
    for index in indices_of(interface):
        rows = route.get_neighbours(family=socket.AF_INET6, ifindex=index)
        pinned = {row.get("dst") for row in rows if row["state"] & NUD_PERMANENT}
        own = [row.get("address") for row in route.get_addr(index=index, family=socket.AF_INET6)]
        missing = [address for address in own if address not in pinned]
        for address in missing:
            pin(route, index, address)
        return missing
    return []


def learned(route: Any, interface: str) -> dict[str, str]:
    """The MAC addresses of neighbours that have answered, by address."""
    return {
        row.get("dst"): row.get("lladdr")
        for index in indices_of(interface)
        for row in route.get_neighbours(ifindex=index)
        if row["state"] & NUD_ANSWERED and row.get("lladdr")
    }

"""What this host itself uses a link for.

The kernel is asked about that one link, because a host may have a million routes. pyroute2 would
take 3 to 6 ms for each link.
"""

import errno
import socket
import struct
from collections.abc import Iterator, Mapping
from ipaddress import ip_interface
from typing import Final

from ipam import model
from ipam.agent.host.netlink_requests import attribute, dump
from ipam.agent.host.raw_netlink import RTM_GETADDR, attributes, read_address

RTM_NEWROUTE, RTM_GETROUTE = 24, 26
RTA_DST, RTA_OIF, RTA_MULTIPATH = 1, 4, 9
RTPROT_KERNEL: Final = 2
SCOPE_GLOBAL: Final = 0

_ADDRESS = struct.Struct("=BxxBI")
_ROUTE = struct.Struct("=BBxxxBxxI")
_U32 = struct.Struct("=I")
_NEXT_HOP = struct.Struct("=HxxI")


def uses_of(index: int) -> list[str]:
    """See outside.Kernel.uses_of."""
    found: list[str] = []
    for part in (_addresses, _routes):
        for family in (socket.AF_INET, socket.AF_INET6):
            try:
                found += part(family, index)
            except OSError as error:
                if error.errno not in (errno.ENODEV, errno.EAFNOSUPPORT):
                    raise
    return found


def _addresses(family: int, index: int) -> Iterator[str]:
    """Link-local addresses are left out: a link has them by itself, and may by IPv4, too."""
    for message in dump(RTM_GETADDR, _ADDRESS.pack(family, 0, index)):
        _family, scope, of_link = _ADDRESS.unpack_from(message.body)
        found = read_address(message)
        if not found or of_link != index:
            continue
        if scope == SCOPE_GLOBAL or not ip_interface(found.address).is_link_local:
            yield f"the address {found.address}"


def _routes(family: int, index: int) -> Iterator[str]:
    """Those are left out that come with addresses."""
    asked = _ROUTE.pack(family, 0, 0, 0) + attribute(RTA_OIF, _U32.pack(index))
    for message in dump(RTM_GETROUTE, asked):
        if message.kind != RTM_NEWROUTE:
            continue
        _family, length, protocol, _flags = _ROUTE.unpack_from(message.body)
        route = dict(attributes(message.body[_ROUTE.size :]))
        if protocol == RTPROT_KERNEL or index not in _links(route):
            continue
        to = f"{model.unpack(route[RTA_DST])}/{length}" if RTA_DST in route else "everywhere"
        yield f"a route to {to}"


def _links(route: Mapping[int, bytes]) -> set[int]:
    """The links over which a route goes; one with several next hops names them there."""
    found = {_U32.unpack(route[RTA_OIF])[0]} if RTA_OIF in route else set()
    hops = route.get(RTA_MULTIPATH, b"")
    while len(hops) >= _NEXT_HOP.size:
        length, index = _NEXT_HOP.unpack_from(hops)
        found.add(index)
        hops = hops[max(length, _NEXT_HOP.size) :]
    return found

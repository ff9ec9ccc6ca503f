"""Asks the kernel for addresses and neighbours, and changes them.

All in the namespace of the calling thread. What the kernel refuses raises OSError with its number
(rtnetlink(7), linux/neighbour.h).
"""

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ipam import model
from ipam.agent.host.netlink_requests import (
    NLM_F_ACK,
    NLM_F_CREATE,
    NLM_F_REPLACE,
    ask,
    attribute,
    dump,
    request,
)
from ipam.agent.host.raw_netlink import (
    IFA_ADDRESS,
    IFA_LOCAL,
    RTM_GETADDR,
    RTM_NEWADDR,
    Address,
    attributes,
    read_address,
)

RTM_DELADDR: Final = 21
RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH = 28, 29, 30
IFA_F_NODAD: Final = 2
NDA_DST, NDA_LLADDR = 1, 2
NUD_PERMANENT: Final = 0x80

_IFADDR = struct.Struct("=BBBBI")
_NEIGHBOUR = struct.Struct("=BxxxiHBB")


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Which MAC address an address is at."""

    index: int
    address: str
    permanent: bool


def addresses(index: int = 0, family: int = socket.AF_UNSPEC) -> Iterator[Address]:
    """Those of the link, or of all links."""
    for message in dump(RTM_GETADDR, _IFADDR.pack(family, 0, 0, 0, index)):
        found = read_address(message)
        if found is not None and index in (0, found.index):
            yield found


def change_address(index: int, address: str, *, add: bool) -> None:
    """Have the address, such as `10.0.0.2/24`, on the link, or have it not.

    It is used at once: no duplicate is looked for.
    """
    ip, _, length = address.partition("/")
    packed = model.pack(ip)
    is_ipv6 = len(packed) == 16
    family = socket.AF_INET6 if is_ipv6 else socket.AF_INET
    flags = IFA_F_NODAD if add and is_ipv6 else 0
    body = _IFADDR.pack(family, int(length), flags, 0, index)
    body += attribute(IFA_LOCAL, packed) + attribute(IFA_ADDRESS, packed)
    if add:
        ask(request(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, body))
    else:
        ask(request(RTM_DELADDR, NLM_F_ACK, body))


def neighbours(index: int) -> Iterator[Neighbour]:
    """What the kernel knows of IPv6 neighbours on the link."""
    head = _NEIGHBOUR.pack(socket.AF_INET6, 0, 0, 0, 0)
    for message in dump(RTM_GETNEIGH, head):
        if message.kind != RTM_NEWNEIGH:
            continue
        _family, of_link, state, _flags, _type = _NEIGHBOUR.unpack_from(message.body)
        found = dict(attributes(message.body[_NEIGHBOUR.size :]))
        if of_link == index and NDA_DST in found:
            yield Neighbour(index, model.unpack(found[NDA_DST]), bool(state & NUD_PERMANENT))


def change_neighbour(index: int, address: str, mac: str, *, add: bool) -> None:
    """Have the IPv6 address at this MAC address for good, or have no entry of it."""
    body = _NEIGHBOUR.pack(socket.AF_INET6, index, NUD_PERMANENT, 0, 0)
    body += attribute(NDA_DST, model.pack(address))
    if add:
        body += attribute(NDA_LLADDR, bytes.fromhex(mac.replace(":", "")))
        ask(request(RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, body))
    else:
        ask(request(RTM_DELNEIGH, NLM_F_ACK, body))

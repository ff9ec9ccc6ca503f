"""The kernel's forwarding tables: which MAC address is behind which link, and a VXLAN's peers.

Of a bridge it asks for one entry, so a table that a flood has filled costs no more. pyroute2 can
only read all of it, refuses sticky entries, and takes a millisecond for each entry.
"""

import contextlib
import socket
import struct

from ipam import model
from ipam.agent.host.netlink_requests import (
    NLM_F_ACK,
    ask,
    attribute,
    dump,
    request,
)
from ipam.agent.host.raw_netlink import attributes

RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH = 28, 29, 30
NLM_F_REPLACE, NLM_F_CREATE, NLM_F_APPEND = 0x100, 0x400, 0x800
NDA_DST, NDA_LLADDR, NDA_MASTER = 1, 2, 9
NTF_SELF, NTF_MASTER, NTF_STICKY = 0x02, 0x04, 0x40
NUD_REACHABLE, NUD_NOARP, NUD_PERMANENT = 0x02, 0x40, 0x80
ALL_ZERO = bytes(6)

_NEIGHBOUR = struct.Struct("=BxxxiHBB")
_U32 = struct.Struct("=I")


def link_of(bridge: str, mac: str) -> str:
    """The name of the link; empty if the bridge has not seen the MAC address, or is gone.

    Empty, too, for a name that is not printable ASCII, which nobody could read.
    """
    try:
        index = _entry(socket.if_nametoindex(bridge), mac)[0]
        name = socket.if_indextoname(index) if index else ""
    except OSError:
        return ""  # the bridge or its link goes at this moment
    return name if name.isascii() and name.isprintable() else ""


def pin(index: int, mac: str) -> None:
    """Have the MAC address behind this link of a bridge, whatever frames come from elsewhere.

    The entry goes when the link leaves the bridge. Raises OSError.
    """
    entry = _NEIGHBOUR.pack(
        socket.AF_BRIDGE, index, NUD_NOARP | NUD_REACHABLE, NTF_MASTER | NTF_STICKY, 0
    )
    flags = NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE
    ask(request(RTM_NEWNEIGH, flags, entry + _mac(mac)))


def is_pinned(master: int, index: int, mac: str) -> bool:
    """Whether the bridge has the entry that `pin` makes."""
    behind, flags = _entry(master, mac)
    return behind == index and bool(flags & NTF_STICKY)


def peers_of(index: int) -> frozenset[str]:
    """The addresses to which a VXLAN sends what it knows no other way for. Raises OSError."""
    of_link = _NEIGHBOUR.pack(socket.AF_BRIDGE, index, 0, 0, 0)
    found: set[str] = set()
    for message in dump(RTM_GETNEIGH, of_link):
        entry = dict(attributes(message.body[_NEIGHBOUR.size :]))
        if entry.get(NDA_LLADDR) == ALL_ZERO and NDA_DST in entry:
            found.add(model.unpack(entry[NDA_DST]))
    return frozenset(found)


def change_peer(index: int, peer: str, *, add: bool) -> None:
    """Have the VXLAN send copies to this address, or not. Raises OSError."""
    entry = _NEIGHBOUR.pack(socket.AF_BRIDGE, index, NUD_NOARP | NUD_PERMANENT, NTF_SELF, 0)
    entry += attribute(NDA_LLADDR, ALL_ZERO) + attribute(NDA_DST, model.pack(peer))
    if add:
        ask(request(RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE | NLM_F_APPEND, entry))
        return
    with contextlib.suppress(FileNotFoundError):
        ask(request(RTM_DELNEIGH, NLM_F_ACK, entry))


def _entry(master: int, mac: str) -> tuple[int, int]:
    """The index of the link and the flags; 0 and 0 without an entry."""
    of_master = attribute(NDA_MASTER, _U32.pack(master))
    asked = _NEIGHBOUR.pack(socket.AF_BRIDGE, 0, 0, 0, 0) + _mac(mac) + of_master
    try:
        answer = ask(request(RTM_GETNEIGH, 0, asked))
    except FileNotFoundError:
        return 0, 0
    if answer.kind != RTM_NEWNEIGH:
        return 0, 0
    _family, index, _state, flags, _type = _NEIGHBOUR.unpack_from(answer.body)
    return index, flags


def _mac(mac: str) -> bytes:
    return attribute(NDA_LLADDR, bytes.fromhex(mac.replace(":", "")))

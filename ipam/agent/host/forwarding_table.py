"""The kernel's forwarding table of a bridge: which MAC address is behind which link.

It asks for one entry, so a table that a flood has filled costs no more. pyroute2 can only read
all of it, and refuses sticky entries.
"""

import os
import socket
import struct

RTM_NEWNEIGH, RTM_GETNEIGH = 28, 30
NLMSG_ERROR = 2
NLM_F_REQUEST, NLM_F_ACK, NLM_F_REPLACE, NLM_F_CREATE = 1, 4, 0x100, 0x400
NDA_LLADDR, NDA_MASTER = 2, 9
NTF_MASTER, NTF_STICKY = 0x04, 0x40
NUD_REACHABLE, NUD_NOARP = 0x02, 0x40
RECEIVE_BYTES = 1 << 14

_HEADER = struct.Struct("=IHHII")
_NEIGHBOUR = struct.Struct("=BxxxiHBB")
_MAC = struct.Struct("=HH6sxx")
_MASTER = struct.Struct("=HHI")
_I32 = struct.Struct("=i")


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
    flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE
    entry = _NEIGHBOUR.pack(
        socket.AF_BRIDGE, index, NUD_NOARP | NUD_REACHABLE, NTF_MASTER | NTF_STICKY, 0
    )
    _ask(RTM_NEWNEIGH, flags, entry + _mac(mac))


def is_pinned(master: int, index: int, mac: str) -> bool:
    """Whether the bridge has the entry that `pin` makes."""
    behind, flags = _entry(master, mac)
    return behind == index and bool(flags & NTF_STICKY)


def _entry(master: int, mac: str) -> tuple[int, int]:
    """The index of the link and the flags; 0 and 0 without an entry."""
    of_master = _MASTER.pack(_MASTER.size, NDA_MASTER, master)
    request = _NEIGHBOUR.pack(socket.AF_BRIDGE, 0, 0, 0, 0) + _mac(mac) + of_master
    try:
        kind, body = _ask(RTM_GETNEIGH, NLM_F_REQUEST, request)
    except FileNotFoundError:
        return 0, 0
    if kind != RTM_NEWNEIGH:
        return 0, 0
    _family, index, _state, flags, _type = _NEIGHBOUR.unpack_from(body)
    return index, flags


def _mac(mac: str) -> bytes:
    packed = bytes.fromhex(mac.replace(":", ""))
    return _MAC.pack(4 + len(packed), NDA_LLADDR, packed)


def _ask(kind: int, flags: int, request: bytes) -> tuple[int, bytes]:
    """The kernel's answer: its kind and its body. Raises OSError if it is an error."""
    header = _HEADER.pack(_HEADER.size + len(request), kind, flags, 1, 0)
    with socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE
    ) as asking:
        asking.send(header + request)
        answer = asking.recv(RECEIVE_BYTES)
    answered = _HEADER.unpack_from(answer)[1]
    body = answer[_HEADER.size :]
    if answered == NLMSG_ERROR:
        (code,) = _I32.unpack_from(body)
        if code:
            raise OSError(-code, os.strerror(-code))
    return answered, body

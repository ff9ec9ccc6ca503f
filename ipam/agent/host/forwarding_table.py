"""The kernel's forwarding tables: which MAC address is behind which link, and a VXLAN's peers.

Of a bridge it asks for one entry, so a table that a flood has filled costs no more. pyroute2 can
only read all of it, refuses sticky entries, and takes a millisecond for each entry.
"""

import contextlib
import os
import socket
import struct

from ipam import model
from ipam.agent.host.raw_netlink import (
    NLMSG_DONE,
    NLMSG_ERROR,
    Message,
    attributes,
    messages,
)

RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH = 28, 29, 30
SOL_NETLINK, NETLINK_GET_STRICT_CHK = 270, 12
NLM_F_REQUEST, NLM_F_ACK, NLM_F_REPLACE, NLM_F_DUMP = 1, 4, 0x100, 0x300
NLM_F_CREATE, NLM_F_APPEND = 0x400, 0x800
NDA_DST, NDA_LLADDR, NDA_MASTER = 1, 2, 9
NTF_SELF, NTF_MASTER, NTF_STICKY = 0x02, 0x04, 0x40
NUD_REACHABLE, NUD_NOARP, NUD_PERMANENT = 0x02, 0x40, 0x80
ALL_ZERO = bytes(6)
RECEIVE_BYTES = 1 << 14

_HEADER = struct.Struct("=IHHII")
_NEIGHBOUR = struct.Struct("=BxxxiHBB")
_MAC = struct.Struct("=HH6sxx")
_MASTER = struct.Struct("=HHI")
_ATTRIBUTE = struct.Struct("=HH")
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


def peers_of(index: int) -> frozenset[str]:
    """The addresses to which a VXLAN sends what it knows no other way for. Raises OSError."""
    request = _NEIGHBOUR.pack(socket.AF_BRIDGE, index, 0, 0, 0)
    found: set[str] = set()
    with _socket() as asking:
        asking.setsockopt(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1)  # the kernel filters by index
        asking.send(_header(RTM_GETNEIGH, NLM_F_REQUEST | NLM_F_DUMP, request) + request)
        while True:
            for message in messages(asking.recv(RECEIVE_BYTES)):
                if message.kind == NLMSG_DONE:
                    return frozenset(found)
                _raise_if_error(message)
                entry = dict(attributes(message.body[_NEIGHBOUR.size :]))
                if entry.get(NDA_LLADDR) == ALL_ZERO and NDA_DST in entry:
                    found.add(model.unpack(entry[NDA_DST]))


def change_peer(index: int, peer: str, *, add: bool) -> None:
    """Have the VXLAN send copies to this address, or not. Raises OSError."""
    packed = model.pack(peer)
    entry = _NEIGHBOUR.pack(socket.AF_BRIDGE, index, NUD_NOARP | NUD_PERMANENT, NTF_SELF, 0)
    to = _MAC.pack(4 + len(ALL_ZERO), NDA_LLADDR, ALL_ZERO)
    request = entry + to + _ATTRIBUTE.pack(4 + len(packed), NDA_DST) + packed
    flags = NLM_F_REQUEST | NLM_F_ACK
    if add:
        _ask(RTM_NEWNEIGH, flags | NLM_F_CREATE | NLM_F_APPEND, request)
        return
    with contextlib.suppress(FileNotFoundError):
        _ask(RTM_DELNEIGH, flags, request)


def _entry(master: int, mac: str) -> tuple[int, int]:
    """The index of the link and the flags; 0 and 0 without an entry."""
    of_master = _MASTER.pack(_MASTER.size, NDA_MASTER, master)
    request = _NEIGHBOUR.pack(socket.AF_BRIDGE, 0, 0, 0, 0) + _mac(mac) + of_master
    try:
        answer = _ask(RTM_GETNEIGH, NLM_F_REQUEST, request)
    except FileNotFoundError:
        return 0, 0
    if answer.kind != RTM_NEWNEIGH:
        return 0, 0
    _family, index, _state, flags, _type = _NEIGHBOUR.unpack_from(answer.body)
    return index, flags


def _mac(mac: str) -> bytes:
    packed = bytes.fromhex(mac.replace(":", ""))
    return _MAC.pack(4 + len(packed), NDA_LLADDR, packed)


def _ask(kind: int, flags: int, request: bytes) -> Message:
    """The kernel's answer. Raises OSError if it is an error."""
    with _socket() as asking:
        asking.send(_header(kind, flags, request) + request)
        (answer,) = messages(asking.recv(RECEIVE_BYTES))
    _raise_if_error(answer)
    return answer


def _socket() -> socket.socket:
    return socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE
    )


def _header(kind: int, flags: int, request: bytes) -> bytes:
    return _HEADER.pack(_HEADER.size + len(request), kind, flags, 1, 0)


def _raise_if_error(message: Message) -> None:
    if message.kind == NLMSG_ERROR:
        (code,) = _I32.unpack_from(message.body)
        if code:
            raise OSError(-code, os.strerror(-code))

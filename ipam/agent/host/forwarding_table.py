"""Asks the kernel behind which link of a bridge a MAC address was seen last.

It asks for one entry, so a table that a flood has filled costs no more. pyroute2 can only read
all of it.
"""

import errno
import os
import socket
import struct

RTM_NEWNEIGH, RTM_GETNEIGH = 28, 30
NLMSG_ERROR = 2
NLM_F_REQUEST = 1
NDA_LLADDR, NDA_MASTER = 2, 9
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
        master = socket.if_nametoindex(bridge)
        index = _entry(master, bytes.fromhex(mac.replace(":", "")))
        name = socket.if_indextoname(index) if index else ""
    except OSError:
        return ""  # the bridge or its link goes at this moment
    return name if name.isascii() and name.isprintable() else ""


def _entry(master: int, mac: bytes) -> int:
    """The index of the link; 0 without an entry."""
    request = b"".join(
        (
            _NEIGHBOUR.pack(socket.AF_BRIDGE, 0, 0, 0, 0),
            _MAC.pack(4 + len(mac), NDA_LLADDR, mac),
            _MASTER.pack(_MASTER.size, NDA_MASTER, master),
        )
    )
    header = _HEADER.pack(_HEADER.size + len(request), RTM_GETNEIGH, NLM_F_REQUEST, 1, 0)
    with socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE
    ) as asking:
        asking.send(header + request)
        answer = asking.recv(RECEIVE_BYTES)
    kind = _HEADER.unpack_from(answer)[1]
    if kind == NLMSG_ERROR:
        (code,) = _I32.unpack_from(answer, _HEADER.size)
        if code == -errno.ENOENT:
            return 0
        raise OSError(-code, os.strerror(-code))
    if kind != RTM_NEWNEIGH:
        return 0
    index: int = _NEIGHBOUR.unpack_from(answer, _HEADER.size)[1]
    return index

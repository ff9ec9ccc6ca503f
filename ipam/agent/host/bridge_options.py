"""Sets an option of a bridge that pyroute2 does not know.

/sys has it, too. But /sys is read-only in a container, and may be that of another namespace.
"""

import os
import socket
import struct
from typing import Final

from pyroute2.netlink.exceptions import NetlinkError

from ipam.agent.host.raw_netlink import (
    BR_BOOLOPT_NO_LL_LEARN,
    IFLA_BR_MULTI_BOOLOPT,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_LINKINFO,
    NLMSG_ERROR,
    RECEIVE_BYTES,
    RTM_NEWLINK,
    messages,
)

NLM_F_REQUEST_ACK: Final = 0x5
ANSWER_SECONDS: Final = 5.0

_HEADER = struct.Struct("=IHHII")
_IFINFO = struct.Struct("=BxHiII")
_ATTRIBUTE = struct.Struct("=HH")
_I32 = struct.Struct("=i")


def learn_from_no_link_local(index: int) -> None:
    """Have the bridge learn nothing from frames to itself. A kernel before 4.20 always does.

    Raises NetlinkError if the kernel refuses it.
    """
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.settimeout(ANSWER_SECONDS)
        kernel.send(request(index))
        for answer in messages(kernel.recv(RECEIVE_BYTES)):
            code = -_I32.unpack_from(answer.body)[0] if answer.kind == NLMSG_ERROR else 0
            if code:
                raise NetlinkError(code, os.strerror(code))


def request(index: int) -> bytes:
    """The message that asks for it (rtnetlink(7), linux/if_bridge.h: br_boolopt_multi)."""
    values = struct.pack("=II", BR_BOOLOPT_NO_LL_LEARN, BR_BOOLOPT_NO_LL_LEARN)
    option = _attribute(IFLA_BR_MULTI_BOOLOPT, values)
    of_bridge = _attribute(IFLA_INFO_KIND, b"bridge") + _attribute(IFLA_INFO_DATA, option)
    body = _IFINFO.pack(socket.AF_UNSPEC, 0, index, 0, 0) + _attribute(IFLA_LINKINFO, of_bridge)
    return _HEADER.pack(_HEADER.size + len(body), RTM_NEWLINK, NLM_F_REQUEST_ACK, 1, 0) + body


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(-len(value) % 4)

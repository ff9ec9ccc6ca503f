"""Sets an option of a bridge that pyroute2 does not know.

/sys has it, too. But /sys is read-only in a container, and may be that of another namespace.
"""

import socket
import struct

from ipam.agent.host import netlink_requests
from ipam.agent.host.netlink_requests import NLM_F_ACK, attribute
from ipam.agent.host.raw_netlink import (
    BR_BOOLOPT_NO_LL_LEARN,
    IFLA_BR_MULTI_BOOLOPT,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_LINKINFO,
    RTM_NEWLINK,
)

_IFINFO = struct.Struct("=BxHiII")


def learn_from_no_link_local(index: int) -> None:
    """Have the bridge learn nothing from frames to itself. A kernel before 4.20 always does.

    Raises OSError if the kernel refuses it.
    """
    netlink_requests.ask(request(index))


def request(index: int) -> bytes:
    """The message that asks for it (rtnetlink(7), linux/if_bridge.h: br_boolopt_multi)."""
    values = struct.pack("=II", BR_BOOLOPT_NO_LL_LEARN, BR_BOOLOPT_NO_LL_LEARN)
    option = attribute(IFLA_BR_MULTI_BOOLOPT, values)
    of_bridge = attribute(IFLA_INFO_KIND, b"bridge") + attribute(IFLA_INFO_DATA, option)
    body = _IFINFO.pack(socket.AF_UNSPEC, 0, index, 0, 0) + attribute(IFLA_LINKINFO, of_bridge)
    return netlink_requests.request(RTM_NEWLINK, NLM_F_ACK, body)

"""The message about a bridge's option says what the kernel is to set."""

import socket
import struct

from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from ipam.agent.host.bridge_options import request
from ipam.agent.host.raw_netlink import IFLA_BR_MULTI_BOOLOPT, RTM_NEWLINK, attributes


def test_a_bridge_is_asked_to_learn_nothing_from_frames_to_itself() -> None:
    message = ifinfmsg(request(7))
    message.decode()
    assert message["header"]["type"] == RTM_NEWLINK
    assert message["header"]["length"] == len(message.data)
    assert (message["family"], message["index"]) == (socket.AF_UNSPEC, 7)
    assert message.get_nested("IFLA_LINKINFO", "IFLA_INFO_KIND") == "bridge"
    option = struct.pack("=HHII", 12, IFLA_BR_MULTI_BOOLOPT, 1, 1)
    assert bytes(message.data).endswith(option)
    assert dict(attributes(memoryview(option))) == {IFLA_BR_MULTI_BOOLOPT: option[4:]}

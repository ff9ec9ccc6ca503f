"""A router advertisement that also tells of prefixes which leave (RFC 4861, 4862). Pure.

It has all else that dnsmasq advertises: a machine may take what the last one from a router says
for all that the router has to say.
"""

import struct
from collections.abc import Mapping
from ipaddress import IPv6Address, IPv6Network
from typing import Final

from ipam.agent.dnsmasq.probe_frames import icmp6_frame
from ipam.agent.dnsmasq.probe_router import AUTONOMOUS, HEAD_OCTETS, ON_LINK, PREFIX, options_of

ALL_NODES: Final = IPv6Address("ff02::1").packed
ALL_NODES_MAC: Final = bytes.fromhex("333300000001")


def frame(mac: bytes, source: IPv6Address, message: bytes) -> bytes:
    """The frame to all machines from the router's interface."""
    return icmp6_frame(ALL_NODES_MAC, mac, source.packed, ALL_NODES, message)


def deprecating(advertisement: bytes, leaving: Mapping[IPv6Network, int]) -> bytes:
    """The message, without checksum, with each of these prefixes deprecated for its seconds."""
    head = advertisement[:2] + bytes(2) + advertisement[4:HEAD_OCTETS]
    stay = [one for one in options_of(advertisement) if _prefix_of(one) not in leaving]
    gone = [_deprecated(prefix, seconds) for prefix, seconds in leaving.items()]
    return head + b"".join([*stay, *gone])


def _deprecated(prefix: IPv6Network, seconds: int) -> bytes:
    flags = ON_LINK | AUTONOMOUS
    head = struct.pack("!BBBBIII", PREFIX, 4, prefix.prefixlen, flags, seconds, 0, 0)
    return head + prefix.network_address.packed


def _prefix_of(option: bytes) -> IPv6Network | None:
    if option[0] != PREFIX or len(option) != 32:
        return None
    return IPv6Network((option[16:], option[2]), strict=False)

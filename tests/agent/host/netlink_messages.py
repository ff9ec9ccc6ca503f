"""Netlink messages as the kernel packs them (rtnetlink(7))."""

import struct

from ipam.agent.host.raw_netlink import (
    IFF_UP,
    IFLA_ADDRESS,
    IFLA_IFNAME,
    IFLA_MASTER,
    IFLA_MTU,
    Link,
)


def attribute(kind: int, value: bytes) -> bytes:
    return _padded(struct.pack("=HH", 4 + len(value), kind) + value)


def packed_message(kind: int, body: bytes, *, sequence: int = 0) -> bytes:
    return _padded(struct.pack("=IHHII", 16 + len(body), kind, 0, sequence, 0) + body)


def packed_link(link: Link, *, family: int = 0) -> bytes:
    """The body of a message about the link."""
    head = struct.pack("=BxHiII", family, 1, link.index, IFF_UP if link.up else 0, 0)
    return b"".join(
        (
            head,
            attribute(IFLA_IFNAME, link.name.encode() + b"\0"),
            attribute(IFLA_MTU, struct.pack("=I", link.mtu)),
            attribute(IFLA_MASTER, struct.pack("=I", link.master)),
            attribute(IFLA_ADDRESS, bytes.fromhex(link.mac.replace(":", ""))),
        )
    )


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)

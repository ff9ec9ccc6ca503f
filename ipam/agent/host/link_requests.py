"""Asks the kernel to make, change and delete links, in the namespace of the calling thread.

What the kernel refuses raises OSError with its number (rtnetlink(7), linux/if_link.h).
"""

import os
import socket
import struct

from ipam import model
from ipam.agent.host import raw_netlink
from ipam.agent.host.netlink_requests import (
    NLM_F_ACK,
    NLM_F_CREATE,
    NLM_F_EXCL,
    ask,
    attribute,
    request,
)
from ipam.agent.host.raw_netlink import IFF_UP, Link, read_link
from ipam.rules.segments import VLAN, VXLAN

IFLA_NET_NS_FD = 28
IFLA_INFO_SLAVE_KIND = 4
IFLA_BR_FORWARD_DELAY, IFLA_BR_STP_STATE = 1, 5
VETH_INFO_PEER = 1

_IFINFO = struct.Struct("=BxHiII")
_U32 = struct.Struct("=I")
_U16 = struct.Struct("=H")
_LEARNING = attribute(raw_netlink.IFLA_VXLAN_LEARNING, b"\1")


def link(name: str) -> Link:
    """The link of this name. Raises OSError if there is none."""
    head = _IFINFO.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
    found = read_link(ask(request(raw_netlink.RTM_GETLINK, 0, head + _name(name))))
    assert found is not None, name  # it was asked for no other family's view
    return found


def add_bridge(name: str, *, mtu: int) -> None:
    """Make a bridge without spanning tree, which forwards at once."""
    zero = _U32.pack(0)
    options = attribute(IFLA_BR_STP_STATE, zero) + attribute(IFLA_BR_FORWARD_DELAY, zero)
    _add(_name(name) + _number(raw_netlink.IFLA_MTU, mtu) + _kind("bridge", options))


def add_veth(
    name: str,
    peer: str,
    *,
    mtu: int = 0,
    group: int = 0,
    master: int = 0,
    mac: str = "",
    namespace: str = "",
) -> None:
    """Make a pair of links. The peer has the MAC address, and is in the namespace of this path."""
    of_mtu = _number(raw_netlink.IFLA_MTU, mtu)
    of_peer = _IFINFO.pack(socket.AF_UNSPEC, 0, 0, 0, 0) + _name(peer) + of_mtu
    if mac:
        of_peer += attribute(raw_netlink.IFLA_ADDRESS, bytes.fromhex(mac.replace(":", "")))
    descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC) if namespace else -1
    try:
        if descriptor >= 0:
            of_peer += _number(IFLA_NET_NS_FD, descriptor)
        of_master = _number(raw_netlink.IFLA_MASTER, master)
        _add(
            _name(name)
            + of_mtu
            + _number(raw_netlink.IFLA_GROUP, group)
            + of_master
            + _kind("veth", attribute(VETH_INFO_PEER, of_peer))
        )
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def add_vlan(name: str, *, parent: int, vlan_id: int, mtu: int = 0, group: int = 0) -> None:
    """Make a link for this VLAN of its parent."""
    of_vlan = attribute(raw_netlink.IFLA_VLAN_ID, _U16.pack(vlan_id))
    _add(
        _name(name)
        + _number(raw_netlink.IFLA_LINK, parent)
        + _number(raw_netlink.IFLA_MTU, mtu)
        + _number(raw_netlink.IFLA_GROUP, group)
        + _kind(VLAN, of_vlan)
    )


def add_vxlan(name: str, *, vni: int, local: str, port: int, mtu: int = 0, group: int = 0) -> None:
    """Make a tunnel that sends from this address and learns behind which peer a machine is."""
    packed = model.pack(local)
    of_local = raw_netlink.IFLA_VXLAN_LOCAL if len(packed) == 4 else raw_netlink.IFLA_VXLAN_LOCAL6
    options = (
        attribute(raw_netlink.IFLA_VXLAN_ID, _U32.pack(vni))
        + attribute(of_local, packed)
        + attribute(raw_netlink.IFLA_VXLAN_PORT, port.to_bytes(2, "big"))
        + _LEARNING
    )
    of_mtu = _number(raw_netlink.IFLA_MTU, mtu)
    _add(_name(name) + of_mtu + _number(raw_netlink.IFLA_GROUP, group) + _kind(VXLAN, options))


def have_learn(index: int) -> None:
    """Have the VXLAN learn behind which peer a machine is."""
    _change(index, _kind(VXLAN, _LEARNING))


def change(index: int, *, up: bool | None = None, mtu: int = 0, master: int | None = None) -> None:
    """Set the link up or down, its MTU, its bridge; 0 takes it off its bridge."""
    attributes = _number(raw_netlink.IFLA_MTU, mtu)
    if master is not None:
        attributes += attribute(raw_netlink.IFLA_MASTER, _U32.pack(master))
    _change(index, attributes, up=up)


def isolate(index: int, *, isolated: bool) -> None:
    """Have the link's bridge pass nothing between it and other isolated links, or all again."""
    of_port = attribute(raw_netlink.IFLA_BRPORT_ISOLATED, bytes([isolated]))
    info = attribute(IFLA_INFO_SLAVE_KIND, b"bridge")
    info += attribute(raw_netlink.IFLA_INFO_SLAVE_DATA, of_port)
    _change(index, attribute(raw_netlink.IFLA_LINKINFO, info))


def delete(index: int) -> None:
    """Delete the link, and the other end of a pair."""
    head = _IFINFO.pack(socket.AF_UNSPEC, 0, index, 0, 0)
    ask(request(raw_netlink.RTM_DELLINK, NLM_F_ACK, head))


def _add(attributes: bytes) -> None:
    head = _IFINFO.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
    flags = NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL
    ask(request(raw_netlink.RTM_NEWLINK, flags, head + attributes))


def _change(index: int, attributes: bytes, *, up: bool | None = None) -> None:
    flags, changed = (IFF_UP if up else 0), (0 if up is None else IFF_UP)
    head = _IFINFO.pack(socket.AF_UNSPEC, 0, index, flags, changed)
    ask(request(raw_netlink.RTM_NEWLINK, NLM_F_ACK, head + attributes))


def _name(name: str) -> bytes:
    return attribute(raw_netlink.IFLA_IFNAME, name.encode() + b"\0")


def _number(kind: int, value: int) -> bytes:
    """The attribute; nothing for 0, which is the kernel's own choice."""
    return attribute(kind, _U32.pack(value)) if value else b""


def _kind(kind: str, data: bytes) -> bytes:
    info = attribute(raw_netlink.IFLA_INFO_KIND, kind.encode())
    info += attribute(raw_netlink.IFLA_INFO_DATA, data)
    return attribute(raw_netlink.IFLA_LINKINFO, info)

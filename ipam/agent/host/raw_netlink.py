"""Reads the kernel's messages about links and addresses from raw netlink.

It only reads. pyroute2 is not used for that because it needs 0.6 ms to decode one link.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ipam import model

NLMSG_ERROR = 2
NLMSG_DONE = 3
NLM_F_REQUEST_DUMP = 0x301
RTM_NEWLINK = 16
RTM_DELLINK = 17
RTM_GETLINK = 18
RTM_NEWADDR = 20
RTM_GETADDR = 22
RTMGRP_LINK = 0x1
RTMGRP_IPV4_IFADDR = 0x10
RTMGRP_IPV6_IFADDR = 0x100
IFLA_ADDRESS = 1
IFLA_IFNAME = 3
IFLA_MTU = 4
IFLA_MASTER = 10
IFLA_LINK = 5
IFLA_PROTINFO = 12
IFLA_LINKINFO = 18
IFLA_GROUP = 27
IFLA_LINK_NETNSID = 37
IFLA_INFO_KIND, IFLA_INFO_DATA, IFLA_INFO_SLAVE_DATA = 1, 2, 5
IFLA_VLAN_ID = 1
IFLA_BR_MULTI_BOOLOPT = 46
BR_BOOLOPT_NO_LL_LEARN = 1 << 0
IFLA_VXLAN_ID, IFLA_VXLAN_LOCAL, IFLA_VXLAN_PORT, IFLA_VXLAN_LOCAL6 = 1, 4, 15, 17
IFLA_VXLAN_LEARNING = 7
IFLA_BRPORT_ISOLATED = 33
IFA_ADDRESS = 1
IFA_LOCAL = 2
IFF_UP = 1
NLA_TYPE_MASK = 0x3FFF
SHARING_KINDS = ("macvlan", "macvtap", "ipvlan", "ipvtap")
"""What shares a link below it with the host, so that this link can be on no bridge."""

RECEIVE_BYTES = 1 << 16
QUEUE_BYTES = 4 << 20
"""Room for some thousands of announcements. After an overrun all is read again."""

_OF_LINK = frozenset(
    {
        IFLA_ADDRESS,
        IFLA_IFNAME,
        IFLA_MTU,
        IFLA_MASTER,
        IFLA_LINK,
        IFLA_LINKINFO,
        IFLA_GROUP,
        IFLA_LINK_NETNSID,
    }
)

_HEADER = struct.Struct("=IHHII")
_IFINFO = struct.Struct("=BxHiII")
_IFADDR = struct.Struct("=BBBBI")
_ATTRIBUTE = struct.Struct("=HH")
_I32 = struct.Struct("=i")
_U32 = struct.Struct("=I")
_U16 = struct.Struct("=H")
_NOTHING = memoryview(b"")


class QueueOverrun(Exception):  # noqa: N818  # it is no error: it says to read all anew
    """Announcements were lost, so all must be read again."""


@dataclass(frozen=True, slots=True)
class Message:
    """An announcement, or a part of the answer to a dump."""

    kind: int
    sequence: int
    """The number of its dump; 0 for an announcement."""
    body: memoryview


@dataclass(frozen=True, slots=True)
class Link:
    """A network interface."""

    index: int
    name: str
    mtu: int
    up: bool
    master: int
    """The index of the bridge that it is enslaved to; 0 for none."""
    mac: str
    isolated: bool = False
    """Whether its bridge passes nothing between it and other isolated links."""
    kind: str = ""
    """What the kernel calls it; empty for hardware."""
    group: int = 0
    """A number by which whoever made it may know it."""
    parent: int = 0
    """The index of the link of this host below a VLAN, or below what shares it."""
    segment: int = 0
    """The VLAN ID or VNI."""
    local: str = ""
    """The address from which a VXLAN sends."""
    port: int = 0
    """Its UDP port."""
    learning: bool = True
    """Whether a VXLAN learns behind which peer a machine is."""
    no_linklocal_learn: bool = True
    """Whether a bridge learns nothing from frames to itself. An old kernel does not say."""


@dataclass(frozen=True, slots=True)
class BridgePort:
    """What a bridge says of one of its links."""

    index: int
    isolated: bool


@dataclass(frozen=True, slots=True)
class Address:
    """An address of an interface, such as `10.0.0.2/24`."""

    index: int
    address: str


class RouteSocket:
    """A connection to the kernel in the network namespace of the thread that makes it.

    It stays there, whatever thread uses it. Not thread-safe.
    """

    def __init__(self, groups: int) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK,
            socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK,
            socket.NETLINK_ROUTE,
        )
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, QUEUE_BYTES)
        self._socket.bind((0, groups))
        self._dumps = 0

    def fileno(self) -> int:
        """A descriptor that is readable when something was announced."""
        return self._socket.fileno()

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()

    def announced(self) -> Iterator[Message]:
        """The announcements since the last call. Raises QueueOverrun if some are lost."""
        while True:
            try:
                data = self._socket.recv(RECEIVE_BYTES)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                raise QueueOverrun from error
            yield from messages(data)

    def dump(self, kind: int) -> Iterator[Message]:
        """All links or all addresses, and between them the announcements of that time.

        Read it to its end. It raises QueueOverrun there if some messages were lost.
        """
        self._dumps += 1
        request = _IFINFO.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
        length = _HEADER.size + len(request)
        header = _HEADER.pack(length, kind, NLM_F_REQUEST_DUMP, self._dumps, 0)
        is_whole = True
        self._socket.setblocking(True)
        try:
            self._socket.send(header + request)
            while True:
                data = self._receive()
                is_whole &= data is not None
                for message in messages(data or b""):
                    if _ends(message, self._dumps):
                        if is_whole:
                            return
                        raise QueueOverrun
                    yield message
        finally:
            self._socket.setblocking(False)

    def _receive(self) -> bytes | None:
        """The next messages; None if some were lost."""
        try:
            return self._socket.recv(RECEIVE_BYTES)
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            return None


def read_link(message: Message) -> Link | None:
    """The link that a message is about; None if it is about no link, or a bridge's view of one."""
    if message.kind not in (RTM_NEWLINK, RTM_DELLINK):
        return None
    family, _type, index, flags, _change = _IFINFO.unpack_from(message.body)
    if family != socket.AF_UNSPEC:
        return None  # a bridge's view, see `read_bridge_port`
    found = _some(message.body, _IFINFO.size, _OF_LINK)

    def number(kind: int) -> int:
        return int(_U32.unpack(found[kind])[0]) if kind in found else 0

    below = 0 if IFLA_LINK_NETNSID in found else number(IFLA_LINK)  # it is of another namespace
    info = found.get(IFLA_LINKINFO, _NOTHING)
    kind = bytes(_find(info, IFLA_INFO_KIND)).rstrip(b"\0").decode(errors="replace")
    return Link(
        index=index,
        name=bytes(found[IFLA_IFNAME]).rstrip(b"\0").decode(errors="surrogateescape"),
        mtu=number(IFLA_MTU),
        up=bool(flags & IFF_UP),
        master=number(IFLA_MASTER),
        mac=found.get(IFLA_ADDRESS, b"").hex(":"),
        isolated=_is_isolated(info, IFLA_INFO_SLAVE_DATA),
        kind=kind,
        group=number(IFLA_GROUP),
        **_of_kind(kind, _find(info, IFLA_INFO_DATA), below),
    )


def link_subject(message: Message) -> tuple[int, int] | None:
    """The index of the link that a message is about, and the family that sees it; else None."""
    if message.kind not in (RTM_NEWLINK, RTM_DELLINK):
        return None
    family, _type, index, _flags, _change = _IFINFO.unpack_from(message.body)
    return index, family


def read_bridge_port(message: Message) -> BridgePort | None:
    """What a message says as a bridge's view of its link; None if it is another message.

    The kernel announces a changed flag of a bridge port only in this way.
    """
    if message.kind != RTM_NEWLINK or message.body[0] != socket.AF_BRIDGE:
        return None
    index = _IFINFO.unpack_from(message.body)[2]
    return BridgePort(index, _is_isolated(message.body[_IFINFO.size :], IFLA_PROTINFO))


def _of_kind(kind: str, data: memoryview, parent: int) -> dict[str, Any]:
    """What only links of some kinds have."""
    if kind == "bridge":
        options = _find(data, IFLA_BR_MULTI_BOOLOPT)
        values = int(_U32.unpack_from(options)[0]) if options else BR_BOOLOPT_NO_LL_LEARN
        return {"no_linklocal_learn": bool(values & BR_BOOLOPT_NO_LL_LEARN)}
    if kind == "vlan":
        (number,) = _U16.unpack_from(_find(data, IFLA_VLAN_ID))
        return {"parent": parent, "segment": number}
    if kind in SHARING_KINDS:
        return {"parent": parent}
    if kind != "vxlan":
        return {}
    local = bytes(_find(data, IFLA_VXLAN_LOCAL) or _find(data, IFLA_VXLAN_LOCAL6))
    return {
        "segment": int(_U32.unpack_from(_find(data, IFLA_VXLAN_ID))[0]),
        "local": model.unpack(local) if local.strip(b"\0") else "",
        "port": int.from_bytes(_find(data, IFLA_VXLAN_PORT), "big"),
        "learning": bytes(_find(data, IFLA_VXLAN_LEARNING)) == b"\1",
    }


def _is_isolated(view: memoryview, kind: int) -> bool:
    """Whether the attributes of a bridge port, nested in the attribute of this kind, say so."""
    of_port = _find(view, kind)
    return bytes(_find(of_port, IFLA_BRPORT_ISOLATED)) == b"\1"


def read_address(message: Message) -> Address | None:
    """The address that a message says exists; None if it says something else."""
    if message.kind != RTM_NEWADDR:
        return None
    _family, length, _flags, _scope, index = _IFADDR.unpack_from(message.body)
    found = dict(attributes(message.body[_IFADDR.size :]))
    packed = found.get(IFA_LOCAL) or found[IFA_ADDRESS]
    return Address(index, f"{model.unpack(packed)}/{length}")


def _ends(message: Message, dump: int) -> bool:
    """True for the end of this dump. Raises OSError if the kernel refuses the dump."""
    if message.sequence != dump:
        return False
    if message.kind == NLMSG_ERROR:
        (code,) = _I32.unpack_from(message.body)
        raise OSError(-code, os.strerror(-code))
    return message.kind == NLMSG_DONE


def messages(data: bytes) -> Iterator[Message]:
    """The messages in what one call received. Raises OSError for what is none."""
    view = memoryview(data)
    while len(view) >= _HEADER.size:
        length, kind, _flags, sequence, _port = _HEADER.unpack_from(view)
        if length < _HEADER.size:
            raise OSError(errno.EBADMSG, os.strerror(errno.EBADMSG))
        yield Message(kind, sequence, view[_HEADER.size : length])
        view = view[_aligned(length) :]


def attributes(view: memoryview) -> Iterator[tuple[int, bytes]]:
    """The attributes after a message's fixed part: kind, without its flags, and value."""
    at, last = 0, len(view) - _ATTRIBUTE.size
    while at <= last:
        length, kind = _ATTRIBUTE.unpack_from(view, at)
        if length < _ATTRIBUTE.size:
            return
        yield kind & NLA_TYPE_MASK, bytes(view[at + _ATTRIBUTE.size : at + length])
        at += _aligned(length)


def _some(view: memoryview, at: int, kinds: frozenset[int]) -> dict[int, memoryview]:
    """The first attributes of these kinds from there on. A link has some forty of all kinds."""
    found: dict[int, memoryview] = {}
    last, unpack = len(view) - _ATTRIBUTE.size, _ATTRIBUTE.unpack_from
    while at <= last:
        length, kind = unpack(view, at)
        kind &= NLA_TYPE_MASK
        if length < _ATTRIBUTE.size:
            break
        if kind in kinds and kind not in found:
            found[kind] = view[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
    return found


def _find(view: memoryview, kind: int) -> memoryview:
    """The value of the first attribute of this kind; empty without one."""
    return _some(view, 0, frozenset((kind,))).get(kind, _NOTHING)


def _aligned(length: int) -> int:
    return (length + 3) & ~3

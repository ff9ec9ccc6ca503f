"""Asks the kernel for what pyroute2 does not know or is slow at, one request at a time."""

import os
import socket
import struct
from collections.abc import Iterator

from ipam.agent.host.raw_netlink import NLMSG_DONE, NLMSG_ERROR, Message, messages

NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 1, 4, 0x300
SOL_NETLINK, NETLINK_GET_STRICT_CHK = 270, 12
RECEIVE_BYTES = 1 << 14

_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_I32 = struct.Struct("=i")


def request(kind: int, flags: int, body: bytes) -> bytes:
    """The message with this content."""
    return _HEADER.pack(_HEADER.size + len(body), kind, NLM_F_REQUEST | flags, 1, 0) + body


def attribute(kind: int, value: bytes) -> bytes:
    """A part of a content."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(-len(value) % 4)


def ask(message: bytes) -> Message:
    """The kernel's answer. Raises OSError if it is an error."""
    with _opened() as asking:
        asking.send(message)
        (answer,) = messages(asking.recv(RECEIVE_BYTES))
    _raise_if_error(answer)
    return answer


def dump(kind: int, body: bytes) -> Iterator[Message]:
    """The kernel's answers of which there may be many. Raises OSError.

    A kernel since 4.20 leaves out what does not fit the content; an older one gives all.
    """
    with _opened() as asking:
        asking.setsockopt(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1)
        asking.send(request(kind, NLM_F_DUMP, body))
        while True:
            for message in messages(asking.recv(RECEIVE_BYTES)):
                if message.kind == NLMSG_DONE:
                    return
                _raise_if_error(message)
                yield message


def _opened() -> socket.socket:
    """A connection to the kernel."""
    return socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE
    )


def _raise_if_error(message: Message) -> None:
    """Raise OSError if the kernel refuses what it was asked for."""
    if message.kind == NLMSG_ERROR:
        (code,) = _I32.unpack_from(message.body)
        if code:
            raise OSError(-code, os.strerror(-code))

"""Reads router advertisements (RFC 4861 §4.2, RFC 8106). Pure."""

import struct
from collections.abc import Iterator
from ipaddress import IPv6Address

from ipam.agent.dnsmasq.probe_answers import Advertisement, Prefix

PREFIX, MTU, NAME_SERVERS, SEARCH = 3, 5, 25, 31
HEAD_OCTETS = 16
MANAGED, OTHER = 0x80, 0x40
ON_LINK, AUTONOMOUS = 0x80, 0x40


def read_advertisement(message: bytes) -> Advertisement | None:
    """The content of an ICMPv6 message of type 134; None if it is cut short."""
    if len(message) < HEAD_OCTETS:
        return None
    flags, seconds = message[5], int.from_bytes(message[6:8])
    options = [(one[0], one[2:]) for one in options_of(message)]
    mtus = [int.from_bytes(body[2:6]) for kind, body in options if kind == MTU]
    return Advertisement(
        managed=bool(flags & MANAGED),
        other=bool(flags & OTHER),
        router_seconds=seconds,
        mtu=mtus[0] if mtus else None,
        prefixes=tuple(
            _prefix(body) for kind, body in options if kind == PREFIX and len(body) == 30
        ),
        name_servers=tuple(
            str(IPv6Address(body[at : at + 16]))
            for kind, body in options
            if kind == NAME_SERVERS
            for at in range(6, len(body) - 15, 16)
        ),
        search=tuple(
            name for kind, body in options if kind == SEARCH for name in read_names(body[6:])
        ),
    )


def read_names(data: bytes) -> Iterator[str]:
    """Domain names in DNS's encoding without compression. Zeros at the end are padding."""
    labels: list[str] = []
    at = 0
    while at < len(data):
        size = data[at]
        if size:
            labels.append(data[at + 1 : at + 1 + size].decode(errors="backslashreplace"))
        elif labels:
            yield ".".join(labels)
            labels = []
        at += 1 + size


def options_of(message: bytes) -> Iterator[bytes]:
    """Each option of the message, with its head of two octets: type and length."""
    at = HEAD_OCTETS
    while at + 8 <= len(message) and message[at + 1]:
        size = message[at + 1] * 8
        yield message[at : at + size]
        at += size


def _prefix(body: bytes) -> Prefix:
    length, flags, valid, preferred = struct.unpack_from("!BBII", body)
    network = IPv6Address(body[14:])
    return Prefix(
        f"{network}/{length}",
        on_link=bool(flags & ON_LINK),
        autonomous=bool(flags & AUTONOMOUS),
        valid_seconds=valid,
        preferred_seconds=preferred,
    )

"""Neighbour solicitations and advertisements of IPv6 in Ethernet frames (RFC 4861). Pure."""

import struct
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Final

from ipam.agent.dnsmasq.packet_filter import BYTE, HALF_WORD, all_equal
from ipam.agent.dnsmasq.probe_frames import ETHERTYPE_IPV6, icmp6_frame

SOLICITATION, ADVERTISEMENT = 135, 136
ICMPV6: Final = 58
SOURCE_MAC, TARGET_MAC = 1, 2
NEXT_HEADER_AT, HOP_LIMIT_AT, SOURCE_AT, TYPE_AT, TARGET_AT, OPTIONS_AT = 20, 21, 22, 54, 62, 78
SOLICITED_NODE: Final = IPv6Address("ff02::1:ff00:0").packed[:13]


@dataclass(frozen=True, slots=True)
class Sight:
    """A machine that uses an address, or is about to."""

    mac: str
    address: IPv6Address


def who_has(address: IPv6Address, mac: bytes, own: IPv6Address) -> bytes:
    """The question of the machine with this MAC address and this own address."""
    group = SOLICITED_NODE + address.packed[13:]
    message = struct.pack("!BBHI", SOLICITATION, 0, 0, 0) + address.packed
    message += bytes((SOURCE_MAC, 1)) + mac
    return icmp6_frame(b"\x33\x33" + group[12:], mac, own.packed, group, message)


def read_answer(frame: bytes) -> tuple[IPv6Address, str] | None:
    """An address and the MAC address that the frame gives for it; None for any other frame."""
    if not _is_from_a_neighbour(frame, ADVERTISEMENT):
        return None
    option = frame[OPTIONS_AT : OPTIONS_AT + 8]
    mac = option[2:] if option[:2] == bytes((TARGET_MAC, 1)) and len(option) == 8 else frame[6:12]
    return IPv6Address(frame[TARGET_AT:OPTIONS_AT]), mac.hex(":")


def read_sight(frame: bytes) -> Sight | None:
    """Who is seen by a solicitation; None for any other frame.

    A machine that asks for an address before it uses it (RFC 4862 §5.4.2) has none to ask from.
    Link-local addresses are left out.
    """
    if not _is_from_a_neighbour(frame, SOLICITATION):
        return None
    source = IPv6Address(frame[SOURCE_AT : SOURCE_AT + 16])
    found = IPv6Address(frame[TARGET_AT:OPTIONS_AT]) if source.is_unspecified else source
    if found.is_link_local or found.is_multicast:
        return None
    return Sight(frame[6:12].hex(":"), found)


def solicitation_filter() -> bytes:
    """A program for the kernel that passes only solicitations of neighbours."""
    return all_equal(
        (HALF_WORD, 12, ETHERTYPE_IPV6),
        (BYTE, NEXT_HEADER_AT, ICMPV6),
        (BYTE, TYPE_AT, SOLICITATION),
    )


def _is_from_a_neighbour(frame: bytes, kind: int) -> bool:
    return (
        len(frame) >= OPTIONS_AT
        and frame[12:14] == ETHERTYPE_IPV6.to_bytes(2)
        and (frame[NEXT_HEADER_AT], frame[HOP_LIMIT_AT], frame[TYPE_AT]) == (ICMPV6, 255, kind)
    )

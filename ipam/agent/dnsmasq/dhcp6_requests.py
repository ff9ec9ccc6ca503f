"""Reads who asks by DHCPv6: a frame's sender, DUID and IAIDs (RFC 8415). Pure.

dnsmasq's log names a machine only by its DUID, and not every DUID has a MAC address.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ipam.agent.dnsmasq.packet_filter import BYTE, HALF_WORD, all_equal
from ipam.agent.dnsmasq.probe_dhcp6 import CLIENT_ID, IA_NA, IA_TA, read_options
from ipam.agent.dnsmasq.probe_frames import DHCPV6_SERVER_PORT, ETHERTYPE_IPV6

REQUESTS: Final = frozenset({1, 3, 5, 6})
"""SOLICIT, REQUEST, RENEW and REBIND."""
UDP: Final = 17
LOGGED_DUID: Final = 299
"""The most characters of a DUID in dnsmasq's log: 100 octets."""
ETHERNET_OCTETS, IPV6_OCTETS, UDP_OCTETS = 14, 40, 8


@dataclass(frozen=True, slots=True)
class Request6:
    """A machine that asks for addresses."""

    mac: str
    duid: str
    """Hexadecimal octets between colons, the same as in dnsmasq's log."""
    iaids: frozenset[str]
    """In dnsmasq's form: a number, after a T for temporary addresses."""

    @property
    def logged_duid(self) -> str:
        """The part of the DUID that dnsmasq's log has."""
        return self.duid[:LOGGED_DUID]

    def is_of(self, told_duid: str) -> bool:
        """Whether it has a DUID that dnsmasq reported: all of it, or 100 octets and a colon."""
        is_cut = told_duid.endswith(":")
        return self.duid.startswith(told_duid) if is_cut else self.duid == told_duid


def read_request(frame: bytes) -> Request6 | None:
    """The request in an Ethernet frame; None for anything else."""
    start = ETHERNET_OCTETS + IPV6_OCTETS + UDP_OCTETS
    if len(frame) < start + 4:
        return None
    (ethertype,) = struct.unpack_from("!H", frame, 12)
    (port,) = struct.unpack_from("!H", frame, ETHERNET_OCTETS + IPV6_OCTETS + 2)
    if ethertype != ETHERTYPE_IPV6 or frame[20] != UDP or port != DHCPV6_SERVER_PORT:
        return None
    options = read_options(frame[start + 4 :])
    if frame[start] not in REQUESTS or CLIENT_ID not in options:
        return None
    duid = options[CLIENT_ID][0].hex(":")
    return Request6(frame[6:12].hex(":"), duid, frozenset(_iaids(options)))


def request_filter() -> bytes:
    """A program for the kernel that passes only the frames that `read_request` reads."""
    return all_equal(
        (HALF_WORD, 12, ETHERTYPE_IPV6),
        (BYTE, ETHERNET_OCTETS + 6, UDP),
        (HALF_WORD, ETHERNET_OCTETS + IPV6_OCTETS + 2, DHCPV6_SERVER_PORT),
    )


def _iaids(options: dict[int, list[bytes]]) -> Iterator[str]:
    for code, letter in ((IA_NA, ""), (IA_TA, "T")):
        for association in options.get(code, ()):
            yield f"{letter}{int.from_bytes(association[:4])}"

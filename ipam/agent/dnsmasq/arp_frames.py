"""ARP requests and replies in Ethernet frames (RFC 826). Pure."""

import struct
from ipaddress import IPv4Address

ETHERTYPE_ARP = 0x0806
REQUEST, REPLY = 1, 2
BROADCAST = b"\xff" * 6

_ETHERNET = struct.Struct("!6s6sH")
_ARP = struct.Struct("!HHBBH6s4s6s4s")
_ETHERNET_AND_IPV4 = (1, 0x0800, 6, 4)


def who_has(address: IPv4Address, mac: bytes, own: IPv4Address) -> bytes:
    """The question of the machine with this MAC address and this own address."""
    head = _ETHERNET.pack(BROADCAST, mac, ETHERTYPE_ARP)
    return head + _ARP.pack(
        *_ETHERNET_AND_IPV4, REQUEST, mac, own.packed, bytes(6), address.packed
    )


def announcements(address: IPv4Address, mac: bytes) -> tuple[bytes, bytes]:
    """A request and a reply to all which say that the machine has the address."""
    head = _ETHERNET.pack(BROADCAST, mac, ETHERTYPE_ARP)
    own = (mac, address.packed)
    request = _ARP.pack(*_ETHERNET_AND_IPV4, REQUEST, *own, bytes(6), address.packed)
    return head + request, head + _ARP.pack(*_ETHERNET_AND_IPV4, REPLY, *own, *own)


def read_answer(frame: bytes) -> tuple[IPv4Address, str] | None:
    """An address and the MAC address that the frame gives for it; None for any other frame."""
    if len(frame) < _ETHERNET.size + _ARP.size:
        return None
    *_macs, ethertype = _ETHERNET.unpack_from(frame)
    *kind, operation, mac, sender, _to, _target = _ARP.unpack_from(frame, _ETHERNET.size)
    is_reply = ethertype == ETHERTYPE_ARP and tuple(kind) == _ETHERNET_AND_IPV4
    if not is_reply or operation != REPLY:
        return None
    return IPv4Address(sender), mac.hex(":")

"""Ethernet frames of machines that mean well and of others, each with a mark to know it again."""

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address

from tests.waiting import PATIENCE_SECONDS

ARP, IP4, IP6, RARP, VLAN = 0x0806, 0x0800, 0x86DD, 0x8035, 0x8100
TCP, UDP, ICMP6, FRAGMENT, OPTIONS = 6, 17, 58, 44, 60
ROUTER_SOLICIT, ROUTER_ADVERT, NEIGHBOUR_SOLICIT, NEIGHBOUR_ADVERT, REDIRECT = range(133, 138)
MLD2_REPORT = 143
EVERYBODY = "ff:ff:ff:ff:ff:ff"
ALL_NODES = "ff02::1"


def mac_octets(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def ethernet(source: str, kind: int, payload: bytes, to: str = EVERYBODY) -> bytes:
    return mac_octets(to) + mac_octets(source) + struct.pack("!H", kind) + payload


def llc(source: str, to: str, payload: bytes) -> bytes:
    """802.3, which has a length in place of a type: spanning tree speaks so."""
    return mac_octets(to) + mac_octets(source) + struct.pack("!H", len(payload)) + payload


def arp(
    operation: int, mac: str, ip: str, target: str, target_mac: str = "00:00:00:00:00:00"
) -> bytes:
    head = struct.pack("!HHBBH", 1, IP4, 6, 4, operation)
    addresses = mac_octets(mac) + ip_address(ip).packed
    return head + addresses + mac_octets(target_mac) + ip_address(target).packed


def ip4(source: str, to: str, protocol: int, payload: bytes) -> bytes:
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0)
    head += ip_address(source).packed + ip_address(to).packed
    return head[:10] + _checksum(head) + head[12:] + payload


def ip6(source: str, to: str, protocol: int, payload: bytes) -> bytes:
    head = struct.pack("!IHBB", 6 << 28, len(payload), protocol, 255)
    return head + ip_address(source).packed + ip_address(to).packed + payload


def udp(source: int, to: int, payload: bytes) -> bytes:
    return struct.pack("!HHHH", source, to, 8 + len(payload), 0) + payload


def icmp6(kind: int, body: bytes) -> bytes:
    return struct.pack("!BBH", kind, 0, 0) + body


def neighbour(kind: int, target: str) -> bytes:
    """A solicitation or advertisement of an address."""
    return icmp6(kind, bytes(4) + ip_address(target).packed)


def behind_options(protocol: int, payload: bytes) -> bytes:
    """The payload behind a header of destination options that says nothing."""
    return struct.pack("!BB", protocol, 0) + b"\x01\x04\0\0\0\0" + payload


def first_fragment(protocol: int, payload: bytes) -> bytes:
    return struct.pack("!BBHI", protocol, 0, 1, 7) + payload


def first_fragment4(packet: bytes) -> bytes:
    """The IPv4 packet as one of which more is to come."""
    head = packet[:6] + b"\x20\0" + packet[8:10] + bytes(2) + packet[12:20]
    return head[:10] + _checksum(head) + head[12:] + packet[20:]


def later_fragment(protocol: int, payload: bytes) -> bytes:
    return struct.pack("!BBHI", protocol, 0, 8 << 3, 7) + payload


def bootp(operation: int, mac: str) -> bytes:
    head = struct.pack("!BBBB4sHH", operation, 1, 6, 0, b"mine", 0, 0x8000) + bytes(16)
    body = head + mac_octets(mac) + bytes(202)
    return body + b"\x63\x82\x53\x63" + b"\x35\x01" + bytes([1 if operation == 1 else 2]) + b"\xff"


def marked(frame: bytes, mark: bytes) -> bytes:
    """The frame with a mark at the end of its packet: br_netfilter cuts off what is behind."""
    kind = struct.unpack("!H", frame[12:14])[0]
    head, packet = frame[:14], bytearray(frame[14:] + mark)
    if kind == IP4:
        packet[2:4] = struct.pack("!H", len(packet))
        packet[10:12] = bytes(2)
        packet[10:12] = _checksum(bytes(packet[:20]))
    elif kind == IP6:
        packet[4:6] = struct.pack("!H", len(packet) - 40)
    return head + bytes(packet)


def packet_socket(interface: str = "eth0") -> socket.socket:
    """For all that comes and goes by it."""
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    made.bind((interface, 0))
    return made


def heard_until(listening: socket.socket, last: bytes) -> list[bytes]:
    """The frames that come, up to the one with this mark."""
    listening.settimeout(PATIENCE_SECONDS)
    heard = [b""]
    while last not in heard[-1]:
        heard.append(listening.recv(4096))
    return heard


@contextmanager
def one_cpu() -> Iterator[None]:
    """Frames of several links come in the order in which one CPU has sent them."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _checksum(head: bytes) -> bytes:
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", 0xFFFF - ((total & 0xFFFF) + (total >> 16)))

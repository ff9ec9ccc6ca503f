"""Makes the Ethernet frames of probes, and reads those of answers. Pure.

A request leaves by the outer end of the DHCP port's veth pair. The answer goes to an address of
the namespace itself, so it crosses only the namespace's loopback. No machine sees either, and the
bridge learns nothing.
"""

import socket
import struct
from dataclasses import dataclass
from ipaddress import IPv6Address

ETHERTYPE_IPV4 = 0x0800
ETHERTYPE_IPV6 = 0x86DD
DHCP_SERVER_PORT = 67
DHCPV6_CLIENT_PORT = 546
DHCPV6_SERVER_PORT = 547
DHCP_PORTS = (DHCP_SERVER_PORT, DHCPV6_CLIENT_PORT, DHCPV6_SERVER_PORT)
ROUTER_ADVERTISEMENT = 134
BROADCAST = b"\xff" * 4
ALL_DHCP_SERVERS = socket.inet_pton(socket.AF_INET6, "ff02::1:2")
ALL_ROUTERS = socket.inet_pton(socket.AF_INET6, "ff02::2")
PROBE_MAC = bytes.fromhex("02697061006d")
"""The sender of the frames: a local MAC address of no machine. No bridge sees it."""

_ETHERNET = struct.Struct("!6s6sH")
_IPV4 = struct.Struct("!BBHHHBBH4s4s")
_IPV6 = struct.Struct("!IHBB16s16s")
_UDP = struct.Struct("!HHHH")


@dataclass(frozen=True, slots=True)
class FrameContent:
    """The content of a frame."""

    kind: int
    """Its destination port, one of DHCP_PORTS, or ROUTER_ADVERTISEMENT."""
    payload: bytes
    """The UDP payload, or the ICMPv6 message with its header."""
    source: str


def octets(text: str) -> bytes:
    """What a MAC address, or another identifier, says in hexadecimal digits and colons."""
    return bytes.fromhex(text.replace(":", ""))


def dhcp4_frame(server_mac: bytes, payload: bytes) -> bytes:
    """A relay's frame to the server's interface. With IPv4, UDP needs no checksum (RFC 768)."""
    udp = _UDP.pack(DHCP_SERVER_PORT, DHCP_SERVER_PORT, _UDP.size + len(payload), 0) + payload
    size = _IPV4.size + len(udp)
    # From 0.0.0.0 the kernel accepts only broadcasts.
    head = _IPV4.pack(0x45, 0, size, 0, 0, 64, socket.IPPROTO_UDP, 0, bytes(4), BROADCAST)
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return _ETHERNET.pack(server_mac, PROBE_MAC, ETHERTYPE_IPV4) + head + udp


def dhcp6_frame(
    server_mac: bytes, source: IPv6Address, payload: bytes, port: int = DHCPV6_SERVER_PORT
) -> bytes:
    """A frame to the server's interface, from an address of the server: a relay's by its port."""
    size = _UDP.size + len(payload)
    plain = _UDP.pack(port, DHCPV6_SERVER_PORT, size, 0) + payload
    found = _checksum6(source.packed, ALL_DHCP_SERVERS, socket.IPPROTO_UDP, plain)
    udp = plain[:6] + struct.pack("!H", found or 0xFFFF) + plain[8:]
    head = _IPV6.pack(6 << 28, size, socket.IPPROTO_UDP, 64, source.packed, ALL_DHCP_SERVERS)
    return _ETHERNET.pack(server_mac, PROBE_MAC, ETHERTYPE_IPV6) + head + udp


def router_solicitation_frame(server_mac: bytes, source: IPv6Address) -> bytes:
    """A frame to the server's interface, from its own link-local address (RFC 4861 §4.1)."""
    plain = struct.pack("!BBHI", 133, 0, 0, 0)
    return icmp6_frame(server_mac, PROBE_MAC, source.packed, ALL_ROUTERS, plain)


def icmp6_frame(to: bytes, by: bytes, source: bytes, destination: bytes, message: bytes) -> bytes:
    """A frame between two MAC addresses with a message that has no checksum yet (RFC 4443 §2.3).

    Nobody has forwarded it: its hop limit is 255, as neighbours want.
    """
    found = _checksum6(source, destination, socket.IPPROTO_ICMPV6, message)
    icmp = message[:2] + struct.pack("!H", found) + message[4:]
    head = _IPV6.pack(6 << 28, len(icmp), socket.IPPROTO_ICMPV6, 255, source, destination)
    return _ETHERNET.pack(to, by, ETHERTYPE_IPV6) + head + icmp


def frame_content(frame: bytes) -> FrameContent | None:
    """The content of a frame, if a DHCP server or an advertising router has sent it."""
    if len(frame) < _ETHERNET.size:
        return None
    *_macs, ethertype = _ETHERNET.unpack_from(frame)
    packet = frame[_ETHERNET.size :]
    if ethertype == ETHERTYPE_IPV4 and len(packet) >= _IPV4.size:
        size = (packet[0] & 15) * 4
        source = socket.inet_ntop(socket.AF_INET, packet[12:16])
        return _ip_content(packet[9], packet[size:], source)
    if ethertype == ETHERTYPE_IPV6 and len(packet) >= _IPV6.size:
        source = socket.inet_ntop(socket.AF_INET6, packet[8:24])
        return _ip_content(packet[6], packet[_IPV6.size :], source)
    return None


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    data += b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _ip_content(protocol: int, data: bytes, source: str) -> FrameContent | None:
    if protocol == socket.IPPROTO_UDP and len(data) >= _UDP.size:
        _from, to, size, _sum = _UDP.unpack_from(data)
        if to in DHCP_PORTS:
            return FrameContent(to, data[_UDP.size : size], source)
    if protocol == socket.IPPROTO_ICMPV6 and data[:1] == bytes([ROUTER_ADVERTISEMENT]):
        return FrameContent(ROUTER_ADVERTISEMENT, data, source)
    return None


def _checksum6(source: bytes, destination: bytes, protocol: int, data: bytes) -> int:
    """The checksum with the pseudo-header of IPv6 (RFC 8200 §8.1)."""
    return checksum(source + destination + struct.pack("!II", len(data), protocol) + data)

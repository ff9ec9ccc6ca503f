"""A DHCP option's octets in a message, by the RFC of the option. Pure.

dnsmasq makes them of the same value. Where they differ, a machine gets not what it was promised.
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address

from ipam.rules.dhcp_option_values import DomainName, Value
from ipam.rules.dhcp_options import DhcpOption

DOMAIN_SEARCH, SIP_SERVERS = 119, 120
BOOT_NAMES = (66, 67)
NTP_SERVERS6, BOOT_PARAMETERS6 = 56, 60
NAMES6 = (21, 24, 29, 30)
_COMPRESSED = 0xC0


def encoded(option: DhcpOption) -> bytes:
    """The octets of its value; none if it has no value."""
    if option.ip_version == 4 and option.number == SIP_SERVERS:  # RFC 3361: how they are given
        return bytes([_is_address(option.values)]) + _joined(option)
    if option.ip_version == 6 and option.number == NTP_SERVERS6:
        return b"".join(map(_ntp_server, option.values))
    if option.ip_version == 6 and option.number == BOOT_PARAMETERS6:
        return b"".join(_sized(_octets(one, 0)) for one in option.values)
    return _joined(option)


def domain_names(names: Iterable[str]) -> bytes:
    """Domains in DNS's encoding, without compression."""
    return b"".join(_domain_name(name) for name in names)


def comparable(number: int, ip_version: int, data: bytes) -> bytes:
    """The octets of an option without what two encodings of one value may differ in.

    That is the case of domains, their compression, and a zero octet at the end of boot names.
    """
    if ip_version == 6:
        return data.lower() if number in NAMES6 else data
    if number in BOOT_NAMES:
        return data.rstrip(b"\0")
    if number == DOMAIN_SEARCH:
        return _uncompressed(data).lower()
    if number == SIP_SERVERS and data[:1] == b"\0":
        return data[:1] + _uncompressed(data[1:]).lower()
    return data


def _joined(option: DhcpOption) -> bytes:
    return b"".join(_octets(one, option.width) for one in option.values)


def _octets(value: Value, width: int) -> bytes:
    match value:
        case IPv4Address() | IPv6Address():
            return value.packed
        case IPv4Network():  # RFC 3442
            length = value.prefixlen
            return bytes([length]) + value.network_address.packed[: (length + 7) // 8]
        case DomainName():
            return _domain_name(value)
        case bytes():
            return value
        case int():
            return _number(value, width)
        case _:
            return str(value).encode()


def _number(value: int, width: int) -> bytes:
    """A number of so many octets; if the option has no width, of 1, 2 or 4, as it needs."""
    unsigned = value % 2**32
    needed = 1 if unsigned < 2**8 else 2 if unsigned < 2**16 else 4
    size = width or needed
    return (unsigned & ((1 << 8 * size) - 1)).to_bytes(size)


def _domain_name(name: str) -> bytes:
    labels = [label.encode() for label in name.split(".")]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def _ntp_server(value: Value) -> bytes:
    """A suboption (RFC 5908): a unicast address, a multicast address, or a name."""
    match value:
        case IPv6Address():
            return (2 if value.is_multicast else 1).to_bytes(2) + _sized(value.packed)
        case DomainName():
            return (3).to_bytes(2) + _sized(_domain_name(value))
        case _:
            return _octets(value, 0)


def _sized(data: bytes) -> bytes:
    return len(data).to_bytes(2) + data


def _is_address(values: Sequence[Value]) -> bool:
    return any(isinstance(one, IPv4Address) for one in values)


def _uncompressed(data: bytes) -> bytes:
    """Domain names without compression (RFC 1035 §4.1.4); as they are if they cannot be read."""
    found, at = b"", 0
    while at < len(data):
        name, after = _name_at(data, at)
        if not after:
            return data
        found, at = found + name, after
    return found


def _name_at(data: bytes, at: int) -> tuple[bytes, int]:
    """A name, and where the next one begins; 0 if it cannot be read. A pointer leads back."""
    found, after = b"", 0
    while at < len(data):
        size = data[at]
        if size >= _COMPRESSED:
            if at + 1 >= len(data):
                return b"", 0
            after = after or at + 2
            target = (size & 0x3F) << 8 | data[at + 1]
            if target >= at:
                return b"", 0
            at = target
            continue
        found += data[at : at + 1 + size]
        at += 1 + size
        if not size:
            return found, after or at
    return b"", 0

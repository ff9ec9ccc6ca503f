"""Synthetic messages of machines, and the DHCPOFFER (RFC 2131, 2132, 3396, 3442). Pure.

A message looks like one from a relay agent at the server's own address (giaddr), to which the
server sends the answer. An offer makes no lease; a DHCPREQUEST does.
"""

import struct
from collections.abc import Collection, Mapping
from ipaddress import IPv4Address, IPv4Network

from ipam.agent.dnsmasq.probe_answers import Offer

BOOTREPLY = 2
DISCOVER, OFFER, REQUEST = 1, 2, 3
MAGIC = b"\x63\x82\x53\x63"
HOST_NAME, WANTED_ADDRESS, MOST_OCTETS, CLIENT_ID = 12, 50, 57, 61
LEAST_PACKET_OCTETS = 576
NETMASK, LEASE_SECONDS, MESSAGE_TYPE, SERVER, ASKED_FOR, OVERLOAD = 1, 51, 53, 54, 55, 52
USUAL_OPTIONS = (1, 3, 6, 12, 15, 26, 28, 42, 51, 54, 58, 59, 119, 121)
"""The options that common clients ask for."""
ABOUT_THE_MESSAGE = frozenset({LEASE_SECONDS, MESSAGE_TYPE, SERVER, OVERLOAD, 82})
"""Options about the message, which are no settings of the machine."""

_BOOTP = struct.Struct("!BBBBIHH4s4s4s4s16s64s128s")


def discover(
    xid: int,
    mac: bytes,
    relay: IPv4Address,
    options: Collection[int] = (),
    *,
    client_id: bytes = b"",
    most_octets: int = 1500,
) -> bytes:
    """A message of a machine with this MAC address. It also asks for these options.

    `most_octets` is the largest packet that it accepts.
    """
    said = {
        MESSAGE_TYPE: bytes([DISCOVER]),
        CLIENT_ID: client_id,
        MOST_OCTETS: max(most_octets, LEAST_PACKET_OCTETS).to_bytes(2),
        ASKED_FOR: bytes(sorted({*USUAL_OPTIONS, *options})),
    }
    return _message(xid, mac, relay, said)


def request(
    xid: int,
    mac: bytes,
    relay: IPv4Address,
    address: IPv4Address,
    *,
    seconds: int,
    client_id: bytes = b"",
    hostname: bytes = b"",
) -> bytes:
    """The message of a machine that starts and has its address, as it believes, for a while yet.

    A server that is the authority gives it the lease if it has none.
    """
    said = {
        MESSAGE_TYPE: bytes([REQUEST]),
        CLIENT_ID: client_id,
        HOST_NAME: hostname,
        WANTED_ADDRESS: address.packed,
        LEASE_SECONDS: seconds.to_bytes(4),
        ASKED_FOR: bytes(USUAL_OPTIONS),
    }
    return _message(xid, mac, relay, said)


def read_offer(payload: bytes) -> tuple[int, Offer] | None:
    """The transaction and the offer; None for anything else."""
    if len(payload) < _BOOTP.size + len(MAGIC) or payload[0] != BOOTREPLY:
        return None
    fields = _BOOTP.unpack_from(payload)
    xid, yours, next_server, name, file = fields[4], fields[8], fields[9], fields[12], fields[13]
    options = read_options(payload[_BOOTP.size + len(MAGIC) :])
    overload = int.from_bytes(options.get(OVERLOAD, b""))
    for flag, room in ((1, file), (2, name)):
        if overload & flag:
            for code, value in read_options(room).items():
                options[code] = options.get(code, b"") + value
    if options.get(MESSAGE_TYPE) != bytes([OFFER]):
        return None
    return xid, Offer(
        address=str(IPv4Address(yours)),
        prefix_length=_prefix_length(options.get(NETMASK, b"")),
        lease_seconds=int.from_bytes(options.get(LEASE_SECONDS, b"")),
        server=_address(options.get(SERVER, b"")),
        options={c: v for c, v in options.items() if c not in ABOUT_THE_MESSAGE},
        next_server=str(IPv4Address(next_server)) if any(next_server) else "",
        server_name="" if overload & 2 else _text(name),
        boot_file="" if overload & 1 else _text(file),
    )


def read_options(data: bytes) -> dict[int, bytes]:
    """Options by code. The parts of a split option are joined (RFC 3396)."""
    options: dict[int, bytes] = {}
    at = 0
    while at + 1 < len(data) and data[at] != 255:
        code, size = data[at], data[at + 1]
        if code == 0:
            at += 1
            continue
        options[code] = options.get(code, b"") + data[at + 2 : at + 2 + size]
        at += 2 + size
    return options


def _message(xid: int, mac: bytes, relay: IPv4Address, options: Mapping[int, bytes]) -> bytes:
    """A message with those of these options that have a value."""
    head = _BOOTP.pack(1, 1, 6, 1, xid, 0, 0, *[bytes(4)] * 3, relay.packed, mac, b"", b"")
    said = b"".join(_option(code, value) for code, value in options.items() if value)
    return head + MAGIC + said + b"\xff"


def _option(code: int, value: bytes) -> bytes:
    return bytes((code, len(value))) + value


def _prefix_length(netmask: bytes) -> int | None:
    if len(netmask) != 4:
        return None
    try:
        return IPv4Network(f"0.0.0.0/{IPv4Address(netmask)}").prefixlen
    except ValueError:
        return None


def _address(data: bytes) -> str:
    return str(IPv4Address(data)) if len(data) == 4 else ""


def _text(room: bytes) -> str:
    return room.partition(b"\0")[0].decode(errors="backslashreplace")

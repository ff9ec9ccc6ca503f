"""Synthetic DHCPv6 messages, and the answers to them (RFC 8415). Pure.

A SOLICIT is relayed: the relay has an address of the server itself, to which the server sends the
answer. The machine's MAC address is in an option of RFC 6939. An advertised address makes no
lease. An INFORMATION-REQUEST is a machine's own, as the server chooses options by the link.
"""

import struct
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv6Address

from ipam.agent.dnsmasq.probe_answers import PROBE_DUID, PROBE_IAID, Offer, Refusal

SOLICIT, ADVERTISE, REQUEST, REPLY, RELEASE = 1, 2, 3, 7, 8
INFORMATION_REQUEST, RELAY_FORWARD, RELAY_REPLY = 11, 12, 13
CLIENT_ID, SERVER_ID, IA_NA, IA_TA, IA_ADDRESS, ASKED_FOR, ELAPSED = 1, 2, 3, 4, 5, 6, 8
RELAY_MESSAGE, STATUS, LINK_LAYER_ADDRESS = 9, 13, 79
USUAL_OPTIONS = (23, 24, 56, 59)
"""The options that common clients ask for: DNS servers, search list, NTP servers, boot file."""
ABOUT_THE_MESSAGE = frozenset({CLIENT_ID, SERVER_ID, IA_NA, STATUS, 7})
PEER = IPv6Address("fe80::6970:616d")
"""The machine's address in the messages. Nothing is sent to it."""
NO_ANSWER = Refusal(-1, "the answer has neither an address nor a status")


def solicit(
    xid: int,
    mac: bytes,
    relay: IPv6Address,
    options: Collection[int] = (),
    *,
    duid: bytes = PROBE_DUID,
    iaid: bytes = PROBE_IAID,
) -> bytes:
    """A message of a machine with this MAC address. It also asks for these options.

    With the DUID and IAID that hold the address already, as to another the server refuses it.
    """
    message = _request(SOLICIT, xid, duid, options) + _option(IA_NA, iaid + bytes(8))
    return _relayed(relay, message, _option(LINK_LAYER_ADDRESS, b"\0\1" + mac))


def information_request(xid: int, options: Collection[int]) -> bytes:
    """A message of a machine that wants these options and no address."""
    return _request(INFORMATION_REQUEST, xid, PROBE_DUID, options)


@dataclass(frozen=True, slots=True)
class Holding:
    """An address that a machine has from a server, as it says it itself."""

    address: IPv6Address
    duid: bytes
    iaid: bytes
    is_temporary: bool
    server_duid: bytes


def release(relay: IPv6Address, held: Holding) -> bytes:
    """A message of a machine that releases its address. The answer reaches nobody."""
    return _relayed(relay, _about(RELEASE, held, 0))


def request(relay: IPv6Address, held: Holding, *, mac: bytes, seconds: int) -> bytes:
    """A message of the machine with this MAC address, which wants the address for a while."""
    option = _option(LINK_LAYER_ADDRESS, b"\0\1" + mac)
    return _relayed(relay, _about(REQUEST, held, seconds), option)


def _about(kind: int, held: Holding, seconds: int) -> bytes:
    lease = _option(IA_ADDRESS, held.address.packed + seconds.to_bytes(4) * 2)
    association = (IA_TA, held.iaid) if held.is_temporary else (IA_NA, held.iaid + bytes(8))
    return b"".join(
        (
            bytes([kind]),
            bytes(3),
            _option(CLIENT_ID, held.duid),
            _option(SERVER_ID, held.server_duid),
            _option(ELAPSED, bytes(2)),
            _option(association[0], association[1] + lease),
        )
    )


def read_advertise(payload: bytes) -> tuple[int, Offer | Refusal] | None:
    """The transaction and the answer; None for anything else."""
    if len(payload) < 34 or payload[0] != RELAY_REPLY:
        return None
    message = read_options(payload[34:]).get(RELAY_MESSAGE, [b""])[0]
    if len(message) < 4 or message[0] != ADVERTISE:
        return None
    xid, options = int.from_bytes(message[1:4]), read_options(message[4:])
    inner = read_options(options.get(IA_NA, [b""])[0][12:])
    if IA_ADDRESS not in inner:
        return xid, _refusal(inner.get(STATUS, options.get(STATUS, [])))
    found = inner[IA_ADDRESS][0]
    if len(found) < 24:
        return xid, NO_ANSWER
    return xid, Offer(
        address=str(IPv6Address(found[:16])),
        prefix_length=None,
        lease_seconds=int.from_bytes(found[20:24]),
        server=options.get(SERVER_ID, [b""])[0].hex(":"),
        options={c: v[0] for c, v in options.items() if c not in ABOUT_THE_MESSAGE},
    )


def read_information(payload: bytes) -> tuple[int, dict[int, bytes]] | None:
    """The transaction and the options of a REPLY; None for anything else."""
    if len(payload) < 4 or payload[0] != REPLY:
        return None
    options = read_options(payload[4:])
    return int.from_bytes(payload[1:4]), {code: found[0] for code, found in options.items()}


def read_options(data: bytes) -> dict[int, list[bytes]]:
    """Options by code, in the order of the message."""
    options: dict[int, list[bytes]] = {}
    at = 0
    while at + 4 <= len(data):
        code, size = struct.unpack_from("!HH", data, at)
        options.setdefault(code, []).append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return options


def _request(kind: int, xid: int, duid: bytes, options: Collection[int]) -> bytes:
    asked = sorted({*USUAL_OPTIONS, *options})
    return b"".join(
        (
            bytes([kind]),
            xid.to_bytes(3),
            _option(CLIENT_ID, duid),
            _option(ELAPSED, bytes(2)),
            _option(ASKED_FOR, struct.pack(f"!{len(asked)}H", *asked)),
        )
    )


def _relayed(relay: IPv6Address, message: bytes, more: bytes = b"") -> bytes:
    head = bytes((RELAY_FORWARD, 0)) + relay.packed + PEER.packed
    return head + more + _option(RELAY_MESSAGE, message)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("!HH", code, len(value)) + value


def _refusal(status: list[bytes]) -> Refusal:
    if not status or len(status[0]) < 2:
        return NO_ANSWER
    text = status[0][2:].decode(errors="backslashreplace")
    return Refusal(int.from_bytes(status[0][:2]), text)

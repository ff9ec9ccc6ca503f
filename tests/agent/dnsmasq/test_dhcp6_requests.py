"""Requests by DHCPv6 are read from frames. tests/system tests the kernel's filter."""

import struct
from ipaddress import IPv6Address

import pytest

from ipam.agent.dnsmasq import probe_frames
from ipam.agent.dnsmasq.dhcp6_requests import Request6, read_request

MAC = "fa:16:3e:00:00:05"
DUID = "00:02:00:00:ab:11:01:02"
SOLICIT, ADVERTISE, RENEW = 1, 2, 5


def option(code: int, value: bytes) -> bytes:
    return struct.pack("!HH", code, len(value)) + value


def message(kind: int, *options: bytes) -> bytes:
    return bytes([kind]) + b"xid" + b"".join(options)


def frame(payload: bytes, mac: str = MAC) -> bytes:
    sent = probe_frames.dhcp6_frame(b"\x33\x33\0\1\0\2", IPv6Address("fe80::5"), payload)
    return sent[:6] + bytes.fromhex(mac.replace(":", "")) + sent[12:]


CLIENT = option(1, bytes.fromhex(DUID.replace(":", "")))
ADDRESS = option(3, (7).to_bytes(4) + bytes(8))
TEMPORARY = option(4, (9).to_bytes(4))


def test_a_request_shows_who_sent_it() -> None:
    sent = frame(message(SOLICIT, CLIENT, ADDRESS, TEMPORARY))
    assert read_request(sent) == Request6(MAC, DUID, frozenset({"7", "T9"}))
    assert read_request(frame(message(RENEW, CLIENT))) == Request6(MAC, DUID, frozenset())


@pytest.mark.parametrize(
    "other",
    [
        b"",
        frame(b""),
        frame(message(ADVERTISE, CLIENT, ADDRESS)),
        frame(message(SOLICIT, ADDRESS)),
        frame(message(SOLICIT, CLIENT))[:60],
        frame(message(SOLICIT, CLIENT)).replace(b"\x86\xdd", b"\x08\0"),
        frame(message(SOLICIT, CLIENT)).replace(b"\x02\x23", b"\x02\x22"),
    ],
)
def test_what_is_no_request_is_passed_over(other: bytes) -> None:
    assert read_request(other) is None


def test_a_duid_that_dnsmasq_tells_in_part_is_known() -> None:
    octets = ":".join(["ab"] * 120)
    request = Request6(MAC, octets, frozenset())
    assert request.logged_duid == ":".join(["ab"] * 100)
    assert request.is_of("ab:" * 100)
    assert request.is_of(octets)
    assert not request.is_of("ab:ab")
    assert not Request6(MAC, DUID, frozenset()).is_of("ab:" * 100)

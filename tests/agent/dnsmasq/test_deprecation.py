"""Advertisements with prefixes that leave. tests/truth/ipv6 sees what a kernel makes of one."""

import struct
from ipaddress import IPv6Address, IPv6Network

from ipam.agent.dnsmasq import deprecation, probe_frames
from ipam.agent.dnsmasq.probe_answers import Prefix
from ipam.agent.dnsmasq.probe_router import read_advertisement

MAC, ROUTER = bytes.fromhex("fa163e000002"), IPv6Address("fe80::2")
LIVING, LEAVING = IPv6Network("2001:db8::/64"), IPv6Network("2001:db8:1::/64")


def prefix(network: IPv6Network, preferred: int = 60) -> bytes:
    head = struct.pack("!BBBBIII", 3, 4, network.prefixlen, 0xC0, 60, preferred, 0)
    return head + network.network_address.packed


MTU = struct.pack("!BBHI", 5, 1, 0, 1450)
SERVERS = struct.pack("!BBHI", 25, 3, 0, 60) + IPv6Address("2001:db8::53").packed
HEAD = struct.pack("!BBHBBHII", 134, 0, 0xABCD, 64, 0x40, 0, 0, 0)


def test_a_prefix_that_leaves_is_told_beside_all_else() -> None:
    own = HEAD + prefix(LIVING) + MTU + SERVERS
    told = read_advertisement(deprecation.deprecating(own, {LEAVING: 3600}))
    assert told is not None
    assert told.prefixes == (
        Prefix(str(LIVING), True, True, 60, 60),
        Prefix(str(LEAVING), True, True, 3600, 0),
    )
    assert (told.other, told.router_seconds, told.mtu) == (True, 0, 1450)
    assert told.name_servers == ("2001:db8::53",)


def test_a_prefix_that_is_still_advertised_is_told_to_leave_alone() -> None:
    told = read_advertisement(
        deprecation.deprecating(HEAD + prefix(LEAVING) + prefix(LIVING), {LEAVING: 7})
    )
    assert told is not None
    found = {one.prefix: (one.valid_seconds, one.preferred_seconds) for one in told.prefixes}
    assert found == {str(LIVING): (60, 60), str(LEAVING): (7, 0)}
    assert len(told.prefixes) == 2


def test_the_frame_goes_to_all_machines_as_a_routers() -> None:
    message = deprecation.deprecating(HEAD + MTU, {LEAVING: 3600})
    frame = deprecation.frame(MAC, ROUTER, message)
    assert frame[:14] == bytes.fromhex("333300000001") + MAC + b"\x86\xdd"
    assert frame[21] == 255
    assert frame[22:54] == ROUTER.packed + IPv6Address("ff02::1").packed
    pseudo = frame[22:54] + (len(frame) - 54).to_bytes(4) + b"\0\0\0\x3a"
    assert probe_frames.checksum(pseudo + frame[54:]) == 0


def test_an_option_that_is_cut_short_ends_the_list() -> None:
    for damaged in (b"\3\0" + bytes(6), b"\3\4\x40"):
        told = read_advertisement(deprecation.deprecating(HEAD + damaged, {LEAVING: 1}))
        assert told is not None
        assert [one.prefix for one in told.prefixes] == [str(LEAVING)]

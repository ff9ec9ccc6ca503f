"""Messages of the kernel, packed as it packs them; and a dump of this namespace, as anybody may.

What a lost announcement or a link between the parts of a dump does is in test_link_table.py.
"""

import contextlib
import errno
import struct
from ipaddress import ip_address, ip_interface

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipam.agent.host import raw_netlink
from ipam.agent.host.raw_netlink import (
    IFF_UP,
    IFLA_IFNAME,
    IFLA_MTU,
    NLMSG_ERROR,
    RTM_GETLINK,
    RTM_NEWADDR,
    RTM_NEWLINK,
    RTMGRP_LINK,
    Address,
    BridgePort,
    Link,
    Message,
    QueueOverrun,
    RouteSocket,
    read_address,
    read_bridge_port,
    read_link,
)
from tests.agent.host.netlink_messages import attribute, packed_link, packed_message

NAMES = st.text(st.characters(codec="ascii", exclude_characters="/\0"), min_size=1, max_size=15)
U32 = st.integers(0, 2**32 - 1)
LINKS = st.builds(
    Link,
    index=st.integers(1, 2**31 - 1),
    name=NAMES,
    mtu=U32,
    up=st.booleans(),
    master=U32,
    mac=st.binary(min_size=6, max_size=6).map(lambda octets: octets.hex(":")),
)


def all_messages(data: bytes) -> list[Message]:
    return list(raw_netlink.messages(data))


@given(st.lists(LINKS, max_size=5))
def test_links_are_read_as_the_kernel_writes_them(links: list[Link]) -> None:
    data = b"".join(packed_message(RTM_NEWLINK, packed_link(link)) for link in links)
    assert [read_link(message) for message in all_messages(data)] == links


@given(st.ip_addresses(), st.integers(0, 32), st.integers(1, 2**31 - 1))
def test_addresses_are_read_with_their_prefix(ip: object, length: int, index: int) -> None:
    address = ip_address(str(ip))
    body = struct.pack("=BBBBI", 2, length, 0, 0, index) + attribute(1, address.packed)
    (message,) = all_messages(packed_message(RTM_NEWADDR, body))
    found = read_address(message)
    assert found is not None
    assert (found.index, ip_interface(found.address)) == (
        index,
        ip_interface(f"{address}/{length}"),
    )
    assert read_link(message) is None


def test_of_a_tunnels_two_addresses_its_own_counts() -> None:
    """IFA_ADDRESS is the far end there, and IFA_LOCAL the interface's own."""
    body = struct.pack("=BBBBI", 2, 32, 0, 0, 3)
    body += attribute(1, bytes([10, 0, 0, 9])) + attribute(2, bytes([10, 0, 0, 1]))
    (message,) = all_messages(packed_message(RTM_NEWADDR, body))
    assert read_address(message) == Address(3, "10.0.0.1/32")


def test_a_link_without_optional_attributes_is_read() -> None:
    body = struct.pack("=BxHiII", 0, 1, 7, IFF_UP, 0) + attribute(IFLA_IFNAME, b"tun0\0")
    (message,) = all_messages(packed_message(RTM_NEWLINK, body))
    assert read_link(message) == Link(7, "tun0", 0, True, 0, "")


def test_a_bridges_view_of_its_port_is_no_link() -> None:
    """It comes besides the link's own message, and lacks most of it."""
    body = packed_link(Link(7, "tap1", 1500, True, 3, "fa:16:3e:00:00:01"), family=7)
    (message,) = all_messages(packed_message(RTM_NEWLINK, body))
    assert read_link(message) is None
    assert read_address(message) is None


@pytest.mark.parametrize("isolated", [False, True])
def test_isolation_is_read_from_the_link_and_from_its_bridges_view(isolated: bool) -> None:
    flags = attribute(32, b"\0") + attribute(33, bytes([isolated]))
    link = Link(7, "tap1", 1500, True, 3, "fa:16:3e:00:00:01", isolated)
    nested = attribute(4, b"bridge\0") + attribute(0x8005, flags)
    (message,) = all_messages(
        packed_message(RTM_NEWLINK, packed_link(link) + attribute(0x8012, nested))
    )
    assert read_link(message) == link
    assert read_bridge_port(message) is None
    body = packed_link(link, family=7) + attribute(0x800C, flags)
    (message,) = all_messages(packed_message(RTM_NEWLINK, body))
    assert read_bridge_port(message) == BridgePort(7, isolated)


def test_a_nested_attribute_is_known_by_its_kind_without_its_flags() -> None:
    body = struct.pack("=BxHiII", 0, 1, 7, 0, 0)
    body += attribute(IFLA_IFNAME, b"tap1\0") + attribute(0x8000 | IFLA_MTU, struct.pack("=I", 9))
    (message,) = all_messages(packed_message(RTM_NEWLINK, body))
    assert read_link(message) == Link(7, "tap1", 9, False, 0, "")


@given(st.binary(max_size=200))
def test_octets_that_are_no_messages_end_in_an_error_of_the_system(data: bytes) -> None:
    """Never without end, and never in another error."""
    with contextlib.suppress(OSError):
        assert len(all_messages(data)) <= len(data) // 16
    dict(raw_netlink.attributes(memoryview(data)))


def test_every_namespace_has_a_loopback_with_the_index_1() -> None:
    opened = RouteSocket(RTMGRP_LINK)
    try:
        for _again in range(2):
            links = [read_link(message) for message in opened.dump(RTM_GETLINK)]
            assert [one.name for one in links if one and one.index == 1] == ["lo"]
    finally:
        opened.close()


class Kernel:
    """In place of a socket: gives what it is told, an error among it."""

    def __init__(self, *answers: bytes | int) -> None:
        self.answers = list(answers)
        self.is_blocking = False

    def setblocking(self, flag: bool) -> None:  # as the socket's
        self.is_blocking = flag

    def send(self, request: bytes) -> None:
        assert self.is_blocking
        _length, _kind, _flags, self.sequence, _port = struct.unpack_from("=IHHII", request)

    def recv(self, _size: int) -> bytes:
        if not self.answers:
            raise BlockingIOError
        answer = self.answers.pop(0)
        if isinstance(answer, int):
            raise OSError(answer, "refused")
        return answer


def asked(*answers: bytes | int) -> RouteSocket:
    opened = RouteSocket(0)
    opened.close()
    opened._socket = Kernel(*answers)  # type: ignore[assignment]
    return opened


DONE = packed_message(raw_netlink.NLMSG_DONE, struct.pack("=i", 0), sequence=1)


def part(index: int) -> bytes:
    link = Link(index, f"tap{index}", 1500, True, 0, "")
    return packed_message(RTM_NEWLINK, packed_link(link), sequence=1)


def test_a_dump_that_lost_a_part_says_so_at_its_end() -> None:
    """Not before: the rest of the answer would be taken for the answer to the next dump."""
    opened = asked(part(1), errno.ENOBUFS, part(2), DONE)
    found = []
    with pytest.raises(QueueOverrun):
        found += list(opened.dump(RTM_GETLINK))
    assert opened._socket.answers == []  # type: ignore[attr-defined]
    assert not opened._socket.is_blocking  # type: ignore[attr-defined]


def test_the_end_of_an_earlier_dump_does_not_end_this_one() -> None:
    earlier = packed_message(raw_netlink.NLMSG_DONE, struct.pack("=i", 0), sequence=9)
    found = list(asked(part(1) + earlier, part(2), DONE).dump(RTM_GETLINK))
    assert [one.sequence for one in found] == [1, 9, 1]


def test_a_refused_dump_is_an_error_of_the_system() -> None:
    refusal = packed_message(NLMSG_ERROR, struct.pack("=i", -errno.EPERM), sequence=1)
    opened = asked(refusal)
    with pytest.raises(PermissionError):
        list(opened.dump(RTM_GETLINK))
    assert not opened._socket.is_blocking  # type: ignore[attr-defined]


def test_lost_announcements_are_an_overrun_and_other_errors_are_themselves() -> None:
    with pytest.raises(QueueOverrun):
        list(asked(errno.ENOBUFS).announced())
    with pytest.raises(OSError, match="refused") as raised:
        list(asked(errno.EIO).announced())
    assert raised.value.errno == errno.EIO
    with pytest.raises(OSError, match="refused"):
        list(asked(errno.EIO).dump(RTM_GETLINK))

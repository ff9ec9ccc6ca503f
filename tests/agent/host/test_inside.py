"""What of a namespace counts, and when it is read again."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ipam.agent.host.inside import Inside, Room, inside_of
from ipam.agent.host.raw_netlink import (
    RTM_GETADDR,
    RTM_GETLINK,
    RTM_NEWLINK,
    Address,
    Link,
    Message,
    QueueOverrun,
)
from tests.agent.host.netlink_messages import packed_link

LO = Link(1, "lo", 65536, True, 0, "")
NS = Link(2, "ns-1", 1450, True, 0, "fa:16:3e:00:00:02")
FOUR, SIX = Address(2, "10.0.0.2/24"), Address(2, "2001:db8::2/64")
LOCAL = Address(2, "fe80::f816:3eff:fe00:2/64")
NOTHING = (None, "", 0, frozenset[str]())


def counted(found: Inside) -> tuple[str | None, str, int, frozenset[str]]:
    return found.interface, found.mac, found.mtu, found.addresses


def test_the_interface_counts_with_its_addresses_but_the_link_local_one() -> None:
    other = Address(1, "127.0.0.1/8")
    found = inside_of([LO, NS], [FOUR, SIX, LOCAL, other])
    assert found == Inside(
        frozenset({"lo", "ns-1"}),
        "ns-1",
        NS.mac,
        1450,
        frozenset({FOUR.address, SIX.address}),
    )


def test_without_a_link_local_address_those_of_ipv6_do_not_count() -> None:
    """dnsmasq does not use them."""
    assert inside_of([LO, NS], [FOUR, SIX]).addresses == {FOUR.address}


@pytest.mark.parametrize(
    "links",
    [
        [LO],
        [NS],
        [replace(LO, up=False), NS],
        [LO, replace(NS, up=False)],
        [LO, replace(NS, name="eth0")],
    ],
    ids=["no interface", "no loopback", "loopback down", "interface down", "another interface"],
)
def test_an_interface_that_cannot_serve_counts_as_none(links: list[Link]) -> None:
    found = inside_of(links, [FOUR, LOCAL])
    assert counted(found) == NOTHING
    assert found.links == {one.name for one in links}, "but what is there is known by name"


class Kernel:
    """In place of RouteSocket: what is between the parts of a dump is scripted."""

    def __init__(self) -> None:
        self.links = [LO, NS]
        self.between: list[Message | type[QueueOverrun]] = []
        self.queue: list[Message | type[QueueOverrun]] = []
        self.dumps: list[int] = []

    def dump(self, kind: int) -> Iterator[Message]:
        self.dumps.append(kind)
        if kind == RTM_GETLINK:
            for link in self.links:
                yield Message(RTM_NEWLINK, len(self.dumps), memoryview(packed_link(link)))
            yield from self._all(self.between)

    def announced(self) -> Iterator[Message]:
        yield from self._all(self.queue)

    def _all(self, waiting: list[Message | type[QueueOverrun]]) -> Iterator[Message]:
        while waiting:
            one = waiting.pop(0)
            if not isinstance(one, Message):
                raise one
            yield one


ANNOUNCEMENT = Message(RTM_NEWLINK, 0, memoryview(packed_link(replace(NS, mtu=9))))
ONCE = [RTM_GETLINK, RTM_GETADDR]


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


@pytest.fixture
def room(kernel: Kernel) -> Room:
    return Room(7, kernel)  # type: ignore[arg-type]  # it is asked for no more


def test_it_is_read_once_while_nothing_is_announced(kernel: Kernel, room: Room) -> None:
    assert room.look().interface == "ns-1"
    kernel.links = [LO]
    assert room.look().interface == "ns-1"
    assert kernel.dumps == ONCE


@pytest.mark.parametrize("heard", [ANNOUNCEMENT, QueueOverrun])
def test_after_an_announcement_or_a_lost_one_it_is_read_again(
    kernel: Kernel, room: Room, heard: Message | type[QueueOverrun]
) -> None:
    room.look()
    kernel.links = [LO]
    kernel.queue = [heard]
    room.take_announcements()
    assert kernel.queue == []
    assert room.look().interface is None
    assert kernel.dumps == ONCE * 2


def test_what_changes_while_it_is_read_is_read_again_at_the_next_look(
    kernel: Kernel, room: Room
) -> None:
    kernel.between = [ANNOUNCEMENT]
    assert room.look().mtu == 1450, "the announcement is no part of the answer"
    kernel.links = [LO, replace(NS, mtu=9)]
    assert room.look().mtu == 9
    assert room.is_current


def test_a_dump_that_lost_a_part_is_asked_for_again_at_once(kernel: Kernel, room: Room) -> None:
    kernel.between = [QueueOverrun]
    assert room.look().interface == "ns-1"
    assert kernel.dumps == [RTM_GETLINK, *ONCE]
    kernel.links = [LO]
    kernel.queue, kernel.between = [ANNOUNCEMENT], [QueueOverrun]
    room.take_announcements()
    assert room.look().interface is None, "what was read before does not hold"

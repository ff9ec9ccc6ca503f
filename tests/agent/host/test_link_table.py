"""The table of links against a scripted kernel: announcements, dumps, and what is lost."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipam.agent.host import link_table
from ipam.agent.host.link_table import LinkTable
from ipam.agent.host.raw_netlink import (
    RTM_DELLINK,
    RTM_NEWADDR,
    RTM_NEWLINK,
    Link,
    Message,
    QueueOverrun,
)
from tests.agent.host.netlink_messages import packed_link

BRIDGE = Link(3, "brq1", 1500, True, 0, "fa:16:3e:00:00:03")
TAP = Link(7, "tap1", 1500, True, 3, "fa:16:3e:00:00:07")


def new(link: Link) -> Message:
    return Message(RTM_NEWLINK, 0, memoryview(packed_link(link)))


def gone(link: Link) -> Message:
    return Message(RTM_DELLINK, 0, memoryview(packed_link(link)))


class Kernel:
    """In place of RouteSocket."""

    def __init__(self, *links: Link) -> None:
        self.links = list(links)
        self.queue: list[Message | type[QueueOverrun]] = []
        self.failing_dumps = 0
        self.dumps = 0

    def announced(self) -> Iterator[Message]:
        while self.queue:
            one = self.queue.pop(0)
            if not isinstance(one, Message):
                raise one
            yield one

    def dump(self, _kind: int) -> Iterator[Message]:
        self.dumps += 1
        for link in self.links:
            yield new(link)
        if self.failing_dumps:
            self.failing_dumps -= 1
            raise QueueOverrun


def table_of(kernel: Kernel) -> LinkTable:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(link_table, "RouteSocket", lambda _groups: kernel)
        return LinkTable()


def content(table: LinkTable, *bridges: str) -> tuple[dict[str, Link], list[set[Link]]]:
    return dict(table.by_name), [set(table.members(bridge)) for bridge in bridges]


def test_a_link_moves_from_bridge_to_bridge() -> None:
    other = replace(BRIDGE, index=4, name="brq2")
    kernel = Kernel(BRIDGE, other, TAP)
    table = table_of(kernel)
    assert table.members("brq1") == (TAP,)
    moved = replace(TAP, master=4)
    kernel.queue = [new(moved)]
    assert table.refresh()
    assert (table.members("brq1"), table.members("brq2")) == ((), (moved,))
    kernel.queue = [new(replace(TAP, master=0))]
    assert table.refresh()
    assert table.members("brq2") == ()


def test_what_is_announced_again_is_no_change() -> None:
    kernel = Kernel(BRIDGE)
    table = table_of(kernel)
    kernel.queue = [new(BRIDGE), gone(TAP), Message(RTM_NEWADDR, 0, memoryview(b""))]
    assert not table.refresh()
    assert not table.refresh()
    assert dict(table.by_name) == {"brq1": BRIDGE}


def test_two_links_may_change_their_names() -> None:
    """The one that is announced first has the name of the other for a moment."""
    kernel = Kernel(replace(TAP, index=7, name="a"), replace(TAP, index=8, name="b"))
    table = table_of(kernel)
    seven, eight = replace(TAP, index=7, name="b"), replace(TAP, index=8, name="a")
    kernel.queue = [new(seven), new(eight)]
    assert table.refresh()
    assert dict(table.by_name) == {"b": seven, "a": eight}


def test_lost_announcements_make_it_read_all_again_until_nothing_is_lost() -> None:
    kernel = Kernel(BRIDGE, TAP)
    table = table_of(kernel)
    kernel.links = [BRIDGE]
    kernel.queue = [QueueOverrun]
    kernel.failing_dumps = 2
    assert table.refresh()
    assert content(table, "brq1") == ({"brq1": BRIDGE}, [set()])
    assert kernel.dumps == 4, "one at the start, two with losses, and a whole one"


CHANGES = st.lists(
    st.tuples(st.booleans(), st.integers(1, 5), st.sampled_from("abcde"), st.integers(0, 5)),
    max_size=30,
)


@given(CHANGES)
def test_after_any_changes_it_is_as_if_read_anew(
    changes: Sequence[tuple[bool, int, str, int]],
) -> None:
    """No two links have one name at a time, as in the kernel."""
    kernel = Kernel()
    table = table_of(kernel)
    links: dict[int, Link] = {}
    for stays, index, name, master in changes:
        if not stays and index in links:
            kernel.queue.append(gone(links.pop(index)))
        elif all(one.index == index or one.name != name for one in links.values()):
            links[index] = Link(index, name, 1500, True, master, "")
            kernel.queue.append(new(links[index]))
    table.refresh()
    fresh = table_of(Kernel(*links.values()))
    assert content(table, *"abcde") == content(fresh, *"abcde")

"""Every link of this host, kept current by the kernel's announcements.

Reading 200 links through pyroute2 takes 120 ms each time. Here only changes are read. The kernel
queues the announcement of a change before it answers the request that made the change, so
`refresh()` after a change always shows it.
"""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ipam.agent.host.raw_netlink import (
    RTM_DELLINK,
    RTM_GETLINK,
    RTMGRP_LINK,
    Link,
    Message,
    QueueOverrun,
    RouteSocket,
    link_subject,
    read_bridge_port,
    read_link,
)


class LinkTable:
    """The links by name. Not thread-safe."""

    def __init__(self) -> None:
        self._by_index: dict[int, Link] = {}
        self._by_master: dict[int, dict[int, Link]] = {}
        self._members: dict[int, Sequence[Link]] = {}
        self.by_name: dict[str, Link] = {}
        self.renamed = 0
        """How often links have got other names."""
        self._socket = RouteSocket(RTMGRP_LINK)
        self.read_again()

    def fileno(self) -> int:
        """A descriptor that is readable when something may have changed."""
        return self._socket.fileno()

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()

    def refresh(self) -> bool:
        """Take in the kernel's announcements. True if the table has changed."""
        changed = False
        try:
            for message in _latest(self._socket.announced()):
                changed |= self._take(message)
        except QueueOverrun:
            self.read_again()
            return True
        return changed

    def name_of(self, index: int) -> str:
        """The name of the link with this index; empty if there is none."""
        link = self._by_index.get(index)
        return link.name if link else ""

    def members(self, bridge: str) -> Sequence[Link]:
        """The links that are enslaved to the bridge, in the same object while they stay so."""
        found = self.by_name.get(bridge)
        if found is None:
            return ()
        members = self._members.get(found.index)
        if members is None:
            members = tuple(self._by_master.get(found.index, {}).values())
            self._members[found.index] = members
        return members

    def read_again(self) -> None:
        """Read the whole list: what `ip link set … type bridge_slave` sets is not announced."""
        while True:
            self._by_index.clear()
            self._by_master.clear()
            self._members.clear()
            self.by_name.clear()
            with contextlib.suppress(QueueOverrun):
                for message in self._socket.dump(RTM_GETLINK):
                    self._take(message)
                return

    def _take(self, message: Message) -> bool:
        link = read_link(message) or self._with_flags(message)
        if link is None:
            return False
        old = self._by_index.pop(link.index, None)
        if old is not None:
            self._drop(old)
            self.renamed += old.name != link.name
        if message.kind == RTM_DELLINK:
            return old is not None
        self._by_index[link.index] = link
        self.by_name[link.name] = link
        if link.master:
            self._by_master.setdefault(link.master, {})[link.index] = link
            self._members.pop(link.master, None)
        return link != old

    def _with_flags(self, message: Message) -> Link | None:
        """The known link with what its bridge says of it."""
        seen = read_bridge_port(message)
        known = self._by_index.get(seen.index) if seen else None
        return replace(known, isolated=seen.isolated) if seen and known else None

    def _drop(self, old: Link) -> None:
        if self.by_name.get(old.name) is old:
            del self.by_name[old.name]
        siblings = self._by_master.get(old.master, {})
        siblings.pop(old.index, None)
        self._members.pop(old.master, None)
        self._members.pop(old.index, None)
        if not siblings:
            self._by_master.pop(old.master, None)


def _latest(announced: Iterable[Message]) -> Iterable[Message]:
    """Of several announcements of one kind of a link the last, which says all, in their order.

    A tap that gets onto a bridge is announced some eight times.
    """
    found: dict[tuple[int, int], Message] = {}
    for message in announced:
        if (subject := link_subject(message)) is not None:
            found.pop(subject, None)
            found[subject] = message
    return found.values()

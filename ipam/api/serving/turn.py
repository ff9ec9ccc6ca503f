"""One turn of a door's loop: wait for events of its sockets, and handle them."""

import select
from collections.abc import MutableMapping
from typing import Any

from waitress import wasyncore


def turn(sockets: MutableMapping[int, Any], seconds: float) -> None:
    """Wait so long for events, and hand each to the object that it is about.

    As waitress's own loop, but for an event whose number belongs to another connection by now: an
    earlier event of the same turn made the door close one for a new one, which got its number.
    waitress would read from the new connection, find nothing, and close it.
    """
    poller = select.poll()
    waiting = list(sockets.items())
    for number, one in waiting:
        flags = (select.POLLIN | select.POLLPRI) if one.readable() else 0
        if one.writable() and not one.accepting:
            flags |= select.POLLOUT
        if flags:
            poller.register(number, flags)
    events = poller.poll(int(seconds * 1000))
    known = dict(waiting) if events else {}
    for number, flags in events:
        one = sockets.get(number)
        if one is not None and one is known.get(number):
            wasyncore.readwrite(one, flags)

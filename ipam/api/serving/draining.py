"""The end of a server: whoever asked before it was told to stop gets an answer, within a bound."""

import select
import time
from typing import Any, Final

DRAIN_SECONDS: Final = 30.0
"""Answers get this long. A stop with none to wait for takes no time."""
STALLED_SECONDS: Final = 5.0
"""A client that sends half a request, or does not read its answer, holds a stop up this long."""


def accept_waiting(door: Any) -> None:
    """Take in those who have connected, but whose turn with this waitress server has not come."""
    waiting = select.poll()
    waiting.register(door.socket, select.POLLIN)
    for _ in range(door.adj.backlog):
        if not (waiting.poll(0) and door.readable()):  # not readable: too many connections
            return
        door.handle_accept()


def is_under_way(channel: Any) -> bool:
    """Whether the waitress channel has a request to answer, or one of the two is moving."""
    is_half_done = channel.request is not None or channel.total_outbufs_len > 0
    is_moving = time.time() < channel.last_activity + STALLED_SECONDS
    return bool(channel.requests) or (is_half_done and is_moving)

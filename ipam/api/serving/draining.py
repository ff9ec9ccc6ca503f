"""How a server stops: requests that were sent before are answered, within a bound."""

import select
import time
from typing import Any, Final

DRAIN_SECONDS: Final = 30.0
"""How long a stop waits for answers. Without open requests it does not wait."""
STALLED_SECONDS: Final = 5.0
"""How long a stop waits for a client that sends half a request or does not read its answer."""


def accept_waiting(listener: Any) -> None:
    """Accept the connections that wait for this waitress server."""
    waiting = select.poll()
    waiting.register(listener.socket, select.POLLIN)
    for _ in range(listener.adj.backlog):
        if not waiting.poll(0):
            return
        listener.handle_accept()


def is_under_way(channel: Any) -> bool:
    """Whether the waitress channel has a request to answer, or is reading or writing one."""
    is_half_done = channel.request is not None or channel.total_outbufs_len > 0
    is_moving = time.time() < channel.last_activity + STALLED_SECONDS
    is_worked_on = bool(channel.requests) and not channel.is_held
    return is_worked_on or (is_half_done and is_moving)

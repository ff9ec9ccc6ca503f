"""Telling a process on this host that there is something new for it."""

import contextlib
import socket
from typing import Final

AGENT_SOCKET: Final = "agent-wake.sock"


class Waker:
    """Sends an empty datagram to a process's socket. Losing one costs only the wait for a poll."""

    def __init__(self, path: str) -> None:
        self._path = path

    def wake(self) -> None:
        """Wake the process, if one listens. Never blocks, never raises."""
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender,
        ):
            sender.setblocking(False)
            sender.sendto(b"", self._path)

"""Telling the agent on this host that there is something new to fetch."""

import contextlib
import socket
from typing import Final

SOCKET_NAME: Final = "agent-wake.sock"


class AgentWaker:
    """Sends an empty datagram to the agent's socket. Losing one costs only the wait for a poll."""

    def __init__(self, path: str) -> None:
        self._path = path

    def wake(self) -> None:
        """Wake the agent, if one listens. Never blocks, never raises."""
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender,
        ):
            sender.setblocking(False)
            sender.sendto(b"", self._path)

"""An agent that counts the netlink messages that it sends, for `scripts/bench wire`.

Those of nft are not among them: it is a program of its own.
"""

import mmap
import socket
import struct
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ipam import settings
from ipam.agent.host.raw_netlink import messages
from ipam.agent.main import run

NUMBER: Final = struct.Struct("=Q")
WAYS: Final = ("send", "sendto", "sendmsg")


def main(counter: Path, config: str) -> None:
    """Run the agent; the file has the number of messages so far."""
    counter.write_bytes(bytes(mmap.PAGESIZE))
    with counter.open("r+b") as file:
        count = _Count(mmap.mmap(file.fileno(), 0))
    for way in WAYS:
        setattr(socket.socket, way, count.counted(getattr(socket.socket, way)))
    run(settings.load([config]))


def read(counter: Path) -> int:
    """How many messages the agent has sent."""
    return int(NUMBER.unpack_from(counter.read_bytes())[0])


class _Count:
    def __init__(self, memory: mmap.mmap) -> None:
        self._memory = memory
        self._lock = threading.Lock()
        self._count = 0

    def counted(self, send: Callable[..., Any]) -> Callable[..., Any]:
        def counting(sender: socket.socket, data: Any, *more: Any) -> Any:
            if sender.family == socket.AF_NETLINK:
                whole = bytes(data) if isinstance(data, bytes | bytearray) else b"".join(data)
                with self._lock:
                    self._count += len(list(messages(whole)))
                    NUMBER.pack_into(self._memory, 0, self._count)
            return send(sender, data, *more)

        return counting


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])

"""The sockets of a door, and for what the kernel watches each of them."""

import select
import threading
from collections import UserDict
from typing import Any, Final

from waitress import wasyncore

TO_READ: Final = select.EPOLLIN
TO_WRITE: Final = select.EPOLLOUT


class Sockets(UserDict[int, Any]):
    """By number. waitress puts each object in while its socket is open.

    The kernel keeps what each one waits for, so that a turn of the loop costs what happened and
    not what is connected. Urgent data (POLLPRI) is never waited for: it would stay, because nobody
    reads it, and so end every wait at once.
    """

    def __init__(self) -> None:
        super().__init__()
        self._epoll = select.epoll()
        self._watched: dict[int, int] = {}
        self._lock = threading.Lock()

    def __setitem__(self, number: int, one: Any) -> None:
        with self._lock:
            super().__setitem__(number, one)
            self._watched[number] = TO_READ
            self._epoll.register(number, TO_READ)

    def __delitem__(self, number: int) -> None:
        with self._lock:
            super().__delitem__(number)
            del self._watched[number]
            self._epoll.unregister(number)

    def watch(self, number: int, one: Any) -> None:
        """Wait for what this object of that number waits for now.

        Whoever changes that calls this afterwards, from any thread: also in a wait that has begun,
        the change counts. Nothing happens if the object's socket is closed.
        """
        with self._lock:
            is_closed = self.get(number) is not one
            if is_closed:
                return
            flags = (TO_READ if one.readable() else 0) | (TO_WRITE if one.writable() else 0)
            if flags != self._watched[number]:
                self._watched[number] = flags
                self._epoll.modify(number, flags)

    def turn(self, seconds: float) -> None:
        """Wait so long for events, and hand each to the object that it is about.

        An earlier event of the same turn may close a socket, and a new connection may get its
        number. The later event is not about that one.
        """
        events = self._epoll.poll(seconds)
        for number, one, flags in [(number, self.get(number), flags) for number, flags in events]:
            if one is not None and self.get(number) is one:
                wasyncore.readwrite(one, flags)
                self.watch(number, one)

    def close(self) -> None:
        """Close every socket."""
        wasyncore.close_all(self, ignore_all=True)
        self._epoll.close()

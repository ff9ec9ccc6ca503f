"""What the agent's loop waits for: its sources, lease events, and the end of any dnsmasq."""

import os
import selectors
import time
from collections.abc import Callable
from typing import Final, Protocol

from ipam.agent.outside import Running

LOOK_SECONDS: Final = 2.0
LEASES_SECONDS: Final = 0.2
"""In a storm a lease event changes nothing that could not wait so long since the last turn."""


class _Source(Protocol):
    def fileno(self) -> int: ...


class Waiting:
    """One thread waits; any thread, and a signal handler, may wake it."""

    def __init__(self) -> None:
        self._woken, self._lease_news = _eventfd(), _eventfd()
        self._selector = selectors.DefaultSelector()
        self._look_at = self._turn_at = 0.0
        for descriptor in (self._woken, self._lease_news):
            self.listen_to(descriptor)

    def close(self) -> None:
        self._selector.close()
        for descriptor in (self._woken, self._lease_news):
            os.close(descriptor)

    def wake(self) -> None:
        """End the wait at once."""
        os.eventfd_write(self._woken, 1)

    def wake_for_lease(self) -> None:
        """End the wait, soon after the one before."""
        os.eventfd_write(self._lease_news, 1)

    def listen_to(self, source: _Source | int) -> None:
        """End each wait while the source can be read; whoever waited reads it."""
        self._selector.register(source, selectors.EVENT_READ)

    def watch(self, network_id: str, running: Running) -> None:
        """End each wait once the network's dnsmasq, or its helper, has ended."""
        for descriptor in (running.descriptor, running.helper):
            self._selector.register(descriptor, selectors.EVENT_READ, network_id)

    def unwatch(self, running: Running) -> None:
        for descriptor in (running.descriptor, running.helper):
            self._selector.unregister(descriptor)

    def wait(self, seconds: float, look: Callable[[], bool]) -> tuple[bool, set[str]]:
        """Wait until something happens: whether anything did, and whose dnsmasq has ended.

        What is settled by now counts, too. Each LOOK_SECONDS it asks `look`, which finds what
        nothing tells: a process that was stopped, or hangs.
        """
        events, is_heard = self._select(seconds, look)
        ended = {key.data for key in events if key.data is not None}
        for key in events:
            if key.fd in (self._woken, self._lease_news):
                os.eventfd_read(key.fd)
        self._turn_at = time.monotonic()
        return is_heard, ended

    def _select(
        self, seconds: float, look: Callable[[], bool]
    ) -> tuple[list[selectors.SelectorKey], bool]:
        until, is_heard = time.monotonic() + seconds, False
        while True:
            now = time.monotonic()
            if now >= self._look_at:
                self._look_at = now + LOOK_SECONDS
                if look():
                    return [], True
            events = [key for key, _ in self._selector.select(min(until, self._look_at) - now)]
            is_heard |= bool(events)
            if events and all(key.fd == self._lease_news for key in events):
                os.eventfd_read(self._lease_news)
                events, until = [], min(until, self._turn_at + LEASES_SECONDS)
            if events or time.monotonic() >= until:
                return events, is_heard


def _eventfd() -> int:
    return os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

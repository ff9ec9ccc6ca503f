"""Turns changes of ports into events for Nova. No other place does."""

from collections.abc import Mapping, Sequence
from typing import Any

from ipam.protocol.wake import Waker
from ipam.rules import nova_events
from ipam.rules.nova_events import ComputeEvent
from ipam.store import compute_events
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record


class ComputeOutbox:
    """Notes events in the transaction of the change, and wakes the worker after its commit."""

    def __init__(self, waker: Waker, *, enabled: bool) -> None:
        """Without `enabled` ([compute] send_events) it does nothing."""
        self._waker = waker
        self._enabled = enabled

    def updated(
        self, tx: Transaction, port: Record, changed: Mapping[str, Any], *, by_service: bool
    ) -> None:
        """These values of the port were changed.

        `port` is the row before the change. `changed` has the key `fixed_ips` if the addresses
        changed.
        """
        self._put(tx, nova_events.of_update(port, changed, by_service=by_service))

    def deleted(self, tx: Transaction, port: Record) -> None:
        """The port was deleted."""
        self._put(tx, nova_events.of_deletion(port))

    def ready(self, tx: Transaction, ports: Sequence[Record]) -> None:
        """DHCP has begun to answer for these ports."""
        self._put(tx, nova_events.of_ready(ports))

    def unplugged(self, tx: Transaction, ports: Sequence[Record]) -> None:
        """The taps of these ports have left their host."""
        self._put(tx, nova_events.of_unplugged(ports))

    def _put(self, tx: Transaction, events: Sequence[ComputeEvent]) -> None:
        if self._enabled and events:
            compute_events.put(tx, events)
            tx.on_commit(self._waker.wake)

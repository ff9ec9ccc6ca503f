"""The worker's thread that sends the events of the outbox to Nova."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from ipam import clock
from ipam.compute import delivery
from ipam.compute.delivery import Done, Drop, Outcome, Pace, Retry
from ipam.compute.nova import TIMEOUT_SECONDS
from ipam.errors import ServiceUnavailable
from ipam.protocol.wake import WakeSocket
from ipam.rules.nova_events import ComputeEvent
from ipam.store import compute_events
from ipam.store.compute_events import Claimed
from ipam.store.engine.database import Database, Transaction
from ipam.trouble import Trouble
from ipam.worker.sending import Sending

LOG = logging.getLogger(__name__)

HOLD_SECONDS: Final = TIMEOUT_SECONDS + 5
"""How long a claim keeps other workers away. The events of a killed worker wait so long."""

LATE_ATTEMPTS: Final = 8
"""After so many attempts, half a minute to a minute, an unsent event is logged."""

Ends = Sequence[tuple[Claimed, Outcome]]


class Nova(Protocol):
    """Something that sends events."""

    def send(self, events: Sequence[ComputeEvent]) -> list[int]:
        """The code for each event. Raises ServiceUnavailable."""


class EventSender(Sending):
    """Sends batches while events are due, then waits to be woken."""

    what = "events for Nova"

    def __init__(
        self, database: Database, nova: Nova, wakes: WakeSocket, *, interval: float
    ) -> None:
        super().__init__(wakes, interval=interval)
        self._database = database
        self._nova = nova
        self._pace = Pace()
        self._trouble = Trouble()

    @property
    def wait_seconds(self) -> float:
        """The wait after requests that failed as a whole."""
        return self._pace.wait_seconds

    def send_batch(self) -> bool:
        """Send the due events, as many as the pace allows; whether there were any."""
        claimed = self._claim()
        if not claimed:
            return False
        ends = self._send(claimed)
        self._database.write(lambda tx: _record(tx, ends))
        _tell(ends)
        return True

    def _claim(self) -> list[Claimed]:
        now_us = clock.now_microseconds()
        if not self._database.read(lambda tx: compute_events.is_due(tx, now_us=now_us)):
            return []
        return self._database.write(
            lambda tx: compute_events.claim(
                tx, now_us=now_us, hold_us=HOLD_SECONDS * 1_000_000, limit=self._pace.limit
            )
        )

    def _send(self, claimed: Sequence[Claimed]) -> Ends:
        groups = delivery.grouped(claimed)
        try:
            codes = self._nova.send(list(groups))
        except ServiceUnavailable as error:
            self._pace = self._pace.failed(error, len(groups))
            self._in_trouble(str(error))
            now_us = clock.now_microseconds()
            return [
                (each, delivery.after_failure(each, error, self._pace, now_us=now_us))
                for each in claimed
            ]
        self._pace = self._pace.heard()
        self._out_of_trouble()
        return _answered(groups, codes)

    def _in_trouble(self, why: str) -> None:
        """Log the reason, once while it stays the same.

        Faults of single events are not logged here.
        """
        if self._pace.wait_seconds and self._trouble.begins(why):
            LOG.warning("Events wait for Nova; trying on: %s", why)

    def _out_of_trouble(self) -> None:
        if self._trouble.ends():
            LOG.info("Works again: events for Nova")


def _answered(groups: Mapping[ComputeEvent, Sequence[Claimed]], codes: Sequence[int]) -> Ends:
    now_us = clock.now_microseconds()
    return [
        (each, delivery.after_answer(each, code, now_us=now_us))
        for rows, code in zip(groups.values(), codes, strict=True)
        for each in rows
    ]


def _record(tx: Transaction, ends: Ends) -> None:
    """Store the outcomes of events."""
    compute_events.done(tx, [each for each, end in ends if not isinstance(end, Retry)])
    now_us = clock.now_microseconds()
    for each, end in ends:
        if isinstance(end, Retry):
            send_at_us = now_us + int(end.in_seconds * 1_000_000)
            compute_events.postpone(tx, each, send_at_us=send_at_us, last_error=end.why)


def _tell(ends: Ends) -> None:
    heard = {each.event for each, end in ends if isinstance(end, Done)}
    if heard:
        LOG.info("Told Nova: %s", _counts(heard))
    for each, end in ends:
        LOG.debug("%s: %s", _names(each), end)
        if isinstance(end, Drop):
            LOG.warning("Dropped %s: %s", _names(each), end.why)
        elif isinstance(end, Retry) and each.attempts == LATE_ATTEMPTS:
            LOG.warning("Nova does not take %s yet; trying on: %s", _names(each), end.why)


def _counts(events: Iterable[ComputeEvent]) -> str:
    names = Counter(event.name for event in events)
    return ", ".join(f"{names[name]} {name}" for name in sorted(names))


def _names(claimed: Claimed) -> str:
    event = claimed.event
    return f"{event.name} of server {event.server_id}, port {event.port_id}"

"""Sends the inbox to the API: in order, in batches, repeated until the API accepts them."""

import logging
import math
import re
import threading
import time
from collections.abc import Callable, Mapping

from ipam import clock
from ipam.agent.leases.inbox_file import InboxFile
from ipam.agent.leases.table import LeaseTable
from ipam.backoff import Backoff
from ipam.client import Client
from ipam.errors import HTTPBadRequest, HTTPRequestEntityTooLarge, IpamError
from ipam.protocol.lease_events import LeaseEventCreate, read_recorded
from ipam.protocol.wire import parsed
from ipam.trouble import Trouble

LOG = logging.getLogger(__name__)

BATCH = 500
BACKOFF = Backoff(first_seconds=0.5, longest_seconds=30.0)
SETTLE_SECONDS = 2.0
"""So long what the API has taken is kept on disk, as each sync costs more than a batch."""
CLOCK = "clock"
"""The name of the trouble about this host's clock."""

_NAMES_AN_EVENT = re.compile(r"\[\d+\] ")


class LeaseShipper:
    """A thread that sends the inbox to the API."""

    def __init__(
        self,
        client: Client,
        file: InboxFile,
        table: LeaseTable,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._monotonic = monotonic
        self._file = file
        self._table = table
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._failures = 0
        self._settle_at = math.inf
        """When what the API has taken is to be forgotten on disk."""
        self._trouble = Trouble()
        self._clock = Trouble()
        self.troubles: Mapping[str, str] = {}
        """What is not as it should be, by what."""
        self._thread = threading.Thread(target=self._run, name="lease-shipper", daemon=True)

    def start(self) -> None:
        """Start the thread. It first sends what an earlier process left."""
        self._wake.set()
        self._thread.start()

    def wake(self) -> None:
        """Say that there is something to send."""
        self._wake.set()

    def stop(self) -> None:
        """Stop after the current batch; the rest stays on disk. Does nothing if not started."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._settle()

    def ship(self) -> None:
        """Send everything. Raises IpamError if the API cannot take it at the moment."""
        while not self._file.is_empty() and not self._stopping.is_set():
            events, position = self._file.peek(BATCH)
            self._ship_batch(events)
            self._file.forget(position, durable=False)
            self._settle_at = min(self._settle_at, self._monotonic() + SETTLE_SECONDS)
            self._settle_if_due()

    def _settle_if_due(self) -> None:
        if self._monotonic() >= self._settle_at:
            self._settle()

    def _settle(self) -> None:
        """Forget events on disk, but only after what follows from them is there."""
        if self._table.save():
            self._file.settle()
            self._settle_at = math.inf
        else:
            self._settle_at = self._monotonic() + SETTLE_SECONDS

    def _seconds_to_settle(self) -> float | None:
        left = self._settle_at - self._monotonic()
        return None if left == math.inf else max(0.0, left)

    def _ship_batch(self, events: list[LeaseEventCreate]) -> None:
        """Send events. If the API refuses them, send halves, down to the faulty event."""
        if not events:
            return
        body = {"lease_events": parsed(events), "sent_at_us": clock.now_microseconds()}
        try:
            answer = read_recorded(self._client.post("/v2.0/lease-events", json=body), events)
        except (HTTPBadRequest, HTTPRequestEntityTooLarge) as error:
            if not _is_about_an_event(error):
                raise
            if len(events) == 1:
                self._file.set_aside(events[0], str(error))
                return
            middle = len(events) // 2
            self._ship_batch(events[:middle])
            self._ship_batch(events[middle:])
        else:
            self._look_at_clock(answer.clock_difference_us)

    def _look_at_clock(self, difference_us: int) -> None:
        """Say once that this host's clock is not the API's, and once that it is."""
        if difference_us:
            said = f"this host's clock is {_apart(difference_us)} the API's: set it by NTP"
            self.troubles = {CLOCK: said}
            if self._clock.begins(CLOCK):
                LOG.warning("%s; the API corrects the times of leases", said)
        else:
            self.troubles = {}
            if self._clock.ends():
                LOG.info("this host's clock is the API's again")

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(self._seconds_to_settle())
            self._wake.clear()
            try:
                self.ship()
            except IpamError as error:
                if self._trouble.begins(str(error)):
                    LOG.warning("lease events wait for the API: %s", error)
                self._wait_before_retry()
            except Exception as error:
                if self._trouble.begins(repr(error)):
                    LOG.exception("lease shipper")
                self._wait_before_retry()
            else:
                self._failures = 0
                if self._trouble.ends():
                    LOG.info("lease events reach the API again")
            self._settle_if_due()

    def _wait_before_retry(self) -> None:
        """Wait.

        New events do not shorten the wait, so that a failing API is not asked more often.
        """
        self._failures += 1
        self._stopping.wait(BACKOFF.seconds(self._failures))
        self._wake.set()


def _is_about_an_event(refusal: HTTPBadRequest | HTTPRequestEntityTooLarge) -> bool:
    """Whether the API itself refuses what it was sent. A proxy refuses everything, for a time."""
    if not refusal.answered:
        return False
    too_long = isinstance(refusal, HTTPRequestEntityTooLarge)
    return too_long or _NAMES_AN_EVENT.search(str(refusal)) is not None


def _apart(difference_us: int) -> str:
    seconds = abs(difference_us) // 1_000_000
    return f"{seconds} s {'behind' if difference_us > 0 else 'ahead of'}"

"""A thread of the worker that sends what is due of an outbox, then waits to be woken."""

import logging
import threading
from typing import Final

from ipam.errors import DatabaseUnavailable
from ipam.protocol.wake import WakeSocket
from ipam.trouble import Trouble

LOG = logging.getLogger(__name__)

STOP_SECONDS: Final = 2.0
"""How long a request may go on when the worker stops. What is cut is sent again."""


class Sending:
    """Sends batches while something is due. What sends them is the class that is made of it."""

    what = ""
    """What is sent, for the log."""

    def __init__(self, wakes: WakeSocket, *, interval: float) -> None:
        self._wakes = wakes
        self._interval = interval
        self._fault = Trouble()
        self._stopping = threading.Event()
        name = self.what.replace(" ", "-")
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def wait_seconds(self) -> float:
        """How long nothing is sent, whatever is due."""
        return 0.0

    def send_batch(self) -> bool:
        """Send some of what is due; whether there was anything."""
        raise NotImplementedError

    def start(self) -> None:
        """Start the thread. It first sends what an earlier worker left."""
        self._wakes.bind()
        self._thread.start()

    def stop(self) -> None:
        """Stop after the current batch, or during it if it takes long."""
        self._stopping.set()
        self._wakes.interrupt()
        self._thread.join(STOP_SECONDS)
        if not self._thread.is_alive():
            self._wakes.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            more = self._try_batch()
            if self.wait_seconds:
                # What is new does not shorten this wait, so that a failing service is not asked
                # more often.
                self._stopping.wait(self.wait_seconds)
            elif not more:
                self._wakes.wait(self._interval)

    def _try_batch(self) -> bool:
        """Like `send_batch`, but a failure is logged once and not raised."""
        try:
            more = self.send_batch()
        except DatabaseUnavailable:
            return False  # the housekeeping logs it
        except Exception as error:
            if self._fault.begins(repr(error)):
                LOG.exception("Failed: %s", self.what)
            return False
        self._fault.ends()
        return more

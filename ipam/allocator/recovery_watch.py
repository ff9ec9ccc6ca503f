"""Whether the service is recovering, as one process knows it, and the end of it when it is due."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from sqlalchemy.exc import DBAPIError

from ipam import clock
from ipam.allocator import recovering
from ipam.allocator.allocator import Allocator
from ipam.errors import DatabaseUnavailable, ServiceRecovering
from ipam.store import recovery
from ipam.store.engine.database import Database
from ipam.store.recovery import Heard, Recovery

LOG = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0


class RecoveryWatch:
    """Threads may share it. A service that is not recovering costs its requests nothing.

    A process looks once when it begins, and after that only when it has been told (`notice`) that
    a backup was restored while it ran: by an agent's question, which the database answers.
    """

    def __init__(
        self,
        database: Database,
        allocator: Allocator,
        *,
        agent_down_time: int,
        lease_seconds: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._allocator = allocator
        self._agent_down_time = agent_down_time
        self._lease_seconds = lease_seconds
        self._monotonic = monotonic
        self._goes_on = True
        self._look_at = 0.0
        self._ending = threading.Lock()

    def begin(self) -> None:
        """Look now, so that no request pays for it. Without a database, the first ones do."""
        with contextlib.suppress(DatabaseUnavailable, DBAPIError):
            self.goes_on()

    def refuse_changes(self) -> None:
        """Raise ServiceRecovering while the service is recovering."""
        if self._goes_on and self.goes_on():
            raise ServiceRecovering(recovery.MESSAGE)

    def notice(self) -> None:
        """A recovery goes on, says the database."""
        self._goes_on = True
        self.goes_on()

    def goes_on(self) -> bool:
        """Whether the service is recovering. Ends the recovery when it is due."""
        if self._goes_on and self._monotonic() >= self._look_at:
            self._goes_on = self._look()
            self._look_at = self._monotonic() + LOOK_SECONDS
        return self._goes_on

    def state(self) -> tuple[Recovery, Heard] | None:
        """The last restore and who has told; None if there was none."""
        found = self._database.read(recovery.read)
        return None if found is None else (found, self._heard(found))

    def finish(self) -> None:
        """End the recovery now, with what was told."""
        with self._ending:
            recovering.finish(
                self._database, self._allocator, agent_down_time=self._agent_down_time
            )
        self._look_at = 0.0

    def take_late(self, host: str) -> None:
        """Take in what a host has told after the recovery was over."""
        recovering.take_late(self._database, self._allocator, host)

    def _look(self) -> bool:
        found = self._database.read(recovery.read)
        if found is None or found.is_over:
            return False
        due = recovering.is_due(
            found,
            self._heard(found),
            lease_seconds=self._lease_seconds,
            now=clock.now_seconds(),
        )
        if not due or not self._ending.acquire(blocking=False):
            return True
        try:
            recovering.finish(
                self._database, self._allocator, agent_down_time=self._agent_down_time
            )
        finally:
            self._ending.release()
        LOG.warning("The recovery after a restore is over: `ipam recover status` says what it did")
        return False

    def _heard(self, found: Recovery) -> Heard:
        return self._database.read(
            lambda tx: recovery.heard(tx, found, agent_down_time=self._agent_down_time)
        )

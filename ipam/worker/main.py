"""`ipam worker`: round after round of housekeeping until it is told to stop."""

import logging
import signal
import time
import uuid
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ipam import systemd
from ipam.allocator.allocator import Allocator
from ipam.errors import DatabaseUnavailable
from ipam.protocol.wake import WORKER_SOCKET, WakeSocket
from ipam.settings import Settings
from ipam.store.engine.database import Database
from ipam.trouble import Trouble
from ipam.worker.housekeeping import Task, tasks

if TYPE_CHECKING:
    from ipam.worker.compute_events import EventSender

LOG = logging.getLogger(__name__)

DATABASE = "the database"


def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT. A database that is away is waited for."""
    database = Database(
        settings.database.connection, pool_size=2, max_attempts=settings.database.max_attempts
    )
    allocator = Allocator(
        database,
        cooldown_seconds=settings.network.address_cooldown_seconds,
        worker=uuid.uuid4().hex,
    )
    # A signal breaks off whatever runs, also a wait for a database that says nothing: each
    # transaction is done or not done, and the next worker goes on from there.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # A database that is away would be told of in every round; the Worker says when that changes.
    logging.getLogger("ipam.store.engine.database").setLevel(logging.ERROR)
    worker = Worker(tasks(settings, database, allocator))
    if settings.compute.reclaim_orphans:
        from ipam.worker import compute_audit  # noqa: PLC0415  # see _event_sender

        compute_audit.start(settings)
    sender = _event_sender(settings, database) if settings.compute.send_events else None
    try:
        LOG.info("Housekeeping every %g s", settings.worker.interval)
        if sender:
            sender.start()
        systemd.notify("READY=1")
        while True:
            worker.round()
            time.sleep(settings.worker.interval)
    except KeyboardInterrupt:
        systemd.notify("STOPPING=1")
        if sender:
            sender.stop()
        LOG.info("Stopped.")
    finally:
        database.dispose()


def _event_sender(settings: Settings, database: Database) -> "EventSender":
    # keystoneauth takes a tenth of a second to load, and few workers have a Nova to tell.
    from ipam.compute.nova import NovaEvents  # noqa: PLC0415  # see above
    from ipam.worker.compute_events import EventSender  # noqa: PLC0415  # see above

    # While Keystone is away it warns at each attempt; the sender says when that changes.
    logging.getLogger("keystoneauth.identity").setLevel(logging.ERROR)
    wakes = WakeSocket(settings.run_path / WORKER_SOCKET)
    interval = settings.compute.events_interval
    return EventSender(database, NovaEvents(settings), wakes, interval=interval)


class Worker:
    """Runs every task of a round, whatever becomes of the others, and says what changed."""

    def __init__(self, work: Mapping[str, Task]) -> None:
        self._tasks = work
        self._troubles: defaultdict[str, Trouble] = defaultdict(Trouble)

    def round(self) -> None:
        """Do each task once. Never raises what a task raised."""
        for name, task in self._tasks.items():
            try:
                count = task()
            except DatabaseUnavailable as error:
                if self._troubles[DATABASE].begins(str(error)):
                    LOG.warning("The database is away; trying on: %s", error)
                return
            except Exception as error:
                if self._troubles[name].begins(repr(error)):
                    LOG.exception("Failed: %s", name)
            else:
                self._worked(name)
                if count:
                    LOG.info("%s: %d", name.capitalize(), count)
        self._worked(DATABASE)

    def _worked(self, what: str) -> None:
        if self._troubles[what].ends():
            LOG.info("Works again: %s", what)

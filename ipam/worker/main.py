"""`ipam worker`: runs rounds of housekeeping until it is told to stop."""

import logging
import signal
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from ipam import extras, systemd
from ipam.allocator.allocator import Allocator
from ipam.errors import DatabaseUnavailable, ServiceRecovering
from ipam.protocol.wake import WORKER_SOCKET, WakeSocket
from ipam.settings import Settings
from ipam.store.allocation_ledger import AllocationLedger
from ipam.store.engine.database import Database
from ipam.trouble import Trouble
from ipam.worker.housekeeping import Task, is_recovering, tasks
from ipam.zones.outbox import zone_outbox

if TYPE_CHECKING:
    from ipam.worker.sending import Sending

LOG = logging.getLogger(__name__)

DATABASE = "the database"
RECOVERY = "the recovery after a restore"


def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT. Waits for a database that does not answer."""
    database = Database(
        settings.database.connection,
        pool_size=3,
        max_attempts=settings.database.max_attempts,
        statement_seconds=settings.database.statement_timeout_seconds,
    )
    allocator = Allocator(
        database,
        cooldown_seconds=settings.network.address_cooldown_seconds,
        worker=uuid.uuid4().hex,
        journal=AllocationLedger(),
    )
    # A signal interrupts anything, even a wait for a silent database. That is safe: each
    # transaction is committed or not, and the next worker continues.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # The retries would log a missing database in every round. The Worker logs when that changes.
    logging.getLogger("ipam.store.engine.database").setLevel(logging.ERROR)
    worker = Worker(
        tasks(settings, database, allocator, zone_outbox(settings)),
        waits=lambda: is_recovering(settings, database, allocator),
    )
    if settings.compute.reclaim_orphans:
        with extras.needed_for("[compute] reclaim_orphans"):
            from ipam.worker import compute_audit  # noqa: PLC0415  # see _event_sender

        compute_audit.start(settings)
    senders = [make(settings, database) for make in _asked_for(settings)]
    try:
        LOG.info("Housekeeping every %g s", settings.worker.interval)
        for sender in senders:
            sender.start()
        systemd.notify("READY=1")
        while True:
            worker.round()
            time.sleep(settings.worker.interval)
    except KeyboardInterrupt:
        systemd.notify("STOPPING=1")
        for sender in senders:
            sender.stop()
        LOG.info("Stopped.")
    finally:
        database.dispose()


def _asked_for(settings: Settings) -> Iterator[Callable[[Settings, Database], "Sending"]]:
    """What makes the threads that the settings ask for."""
    if settings.compute.send_events:
        yield _event_sender
    if settings.dns.zones:
        yield _name_sender


def _name_sender(settings: Settings, database: Database) -> "Sending":
    with extras.needed_for("[dns] zones"):
        from ipam.worker.dns_changes import name_sender  # noqa: PLC0415  # an optional package

    return name_sender(settings, database)


def _event_sender(settings: Settings, database: Database) -> "Sending":
    # keystoneauth takes a tenth of a second to load, and few workers send events to a Nova.
    with extras.needed_for("[compute] send_events"):
        from ipam.compute.nova import NovaEvents  # noqa: PLC0415  # an optional package
        from ipam.worker.compute_events import EventSender  # noqa: PLC0415  # as above

    # keystoneauth warns at each attempt without Keystone. The sender logs when that changes.
    logging.getLogger("keystoneauth.identity").setLevel(logging.ERROR)
    wakes = WakeSocket(settings.run_path / WORKER_SOCKET)
    interval = settings.compute.events_interval
    return EventSender(database, NovaEvents(settings), wakes, interval=interval)


class Worker:
    """Runs every task of a round, even if others fail, and logs what changed."""

    def __init__(
        self, work: Mapping[str, Task], waits: Callable[[], bool] = lambda: False
    ) -> None:
        """While it `waits`, no task is done."""
        self._tasks = work
        self._waits = waits
        self._troubles: defaultdict[str, Trouble] = defaultdict(Trouble)

    def round(self) -> None:
        """Run each task once. Does not raise the errors of tasks."""
        for name, task in {RECOVERY: self._recovery, **self._tasks}.items():
            try:
                count = task()
            except ServiceRecovering:
                return
            except DatabaseUnavailable as error:
                if self._troubles[DATABASE].begins("away"):  # however it says so in between
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

    def _recovery(self) -> int:
        """Raises ServiceRecovering while the service hears what its hosts hold."""
        if self._waits():
            raise ServiceRecovering("A backup was restored.")
        return 0

    def _worked(self, what: str) -> None:
        if self._troubles[what].ends():
            LOG.info("Works again: %s", what)

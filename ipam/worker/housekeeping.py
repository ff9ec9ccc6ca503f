"""The worker's tasks. Several workers may run each at once, and each may be killed at any time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

from ipam import clock
from ipam.allocator import port_endings
from ipam.allocator.allocator import Allocator
from ipam.allocator.lease_ports import LeasePorts
from ipam.allocator.recovery_watch import RecoveryWatch
from ipam.settings import Settings
from ipam.store import (
    address_checks,
    agents,
    allocation_history,
    dhcp_refusals,
    elections,
    idempotency,
    ports,
    subnet_counters,
    usage,
)
from ipam.store.audit import events, seals
from ipam.store.audit.key import read_key
from ipam.store.engine.database import Database, Transaction
from ipam.store.engine.write_again import write_again
from ipam.store.leases import endings
from ipam.worker import own_changes
from ipam.zones.outbox import ZoneOutbox

BATCH_ROWS: Final = 500
"""How many rows a transaction deletes. Few rows keep their locks short, some milliseconds."""
ENDED: Final = "the port's time has ended"
PORTS_AT_ONCE: Final = 100
"""How many ports a transaction deletes, each with its leases and addresses."""
BATCHES: Final = 20
"""How many batches a task does per round, so that no task delays the others for long."""
COUNTED_AT_ONCE: Final = 1_000
COUNTING_BATCHES: Final = 100
"""A round adds up 100,000 events of addresses at most, more than a minute can bring."""
LOOKED_AT: Final = 20_000
"""How many leases a round looks at, some 10 ms. A million is looked at every 12 minutes."""
STALE_CANDIDATES_SECONDS: Final = 900
"""A process uses a list of candidate addresses for seconds. An older list is a dead process's."""

SECONDS_PER_HOUR: Final = 3_600
USAGE_DAYS: Final = 730
REFUSALS_SECONDS: Final = 7 * clock.SECONDS_PER_DAY

Task: TypeAlias = Callable[[], int]
"""Does a part of the work and gives the number of rows it handled."""


def tasks(
    settings: Settings, database: Database, allocator: Allocator, zones: ZoneOutbox
) -> Mapping[str, Task]:
    """The tasks of a round in order, each by its description for the log."""
    sweep = Sweep()
    return {
        "ports whose time has ended": lambda: end_ports(
            database, allocator, zones, audited=settings.audit.enabled
        ),
        "leases that ended unseen": lambda: end_leases(
            database,
            allocator,
            grace_seconds=settings.worker.lease_grace_seconds,
            sweep=sweep,
        ),
        "networks taken from dead agents": lambda: unschedule(
            database, agent_down_time=settings.network.agent_down_time
        ),
        "networks whose elected agent is dead": lambda: elect(
            database, agent_down_time=settings.network.agent_down_time
        ),
        "candidate lists of dead processes": lambda: allocator.revoke_stale(
            STALE_CANDIDATES_SECONDS
        ),
        "addresses counted": lambda: count_addresses(database),
        "answers kept for more than a day": lambda: forget_answers(database),
        "machines that no longer ask in vain": lambda: forget_refusals(database),
        "checks of addresses past a day": lambda: forget_checks(database),
        "lease events past their retention": lambda: forget_events(
            database, retention_days=settings.worker.lease_event_retention_days
        ),
        "allocation events past their retention": lambda: forget_allocations(
            database, retention_days=settings.worker.lease_event_retention_days
        ),
        "counters of subnets corrected": hourly(lambda: correct_counters(database)),
        "subnets sampled": hourly(lambda: sample_usage(database)),
        "peaks of days past their retention": hourly(lambda: forget_usage(database)),
        "audit events sealed": lambda: seal_audit(database, settings.audit.chain_key_file),
        "audit events past their retention": lambda: forget_audit(
            database, retention_days=settings.audit.retention_days
        ),
    }


def is_recovering(settings: Settings, database: Database, allocator: Allocator) -> bool:
    """Whether a restored service still hears what its hosts hold. Ends that when it is due."""
    watch = RecoveryWatch(
        database,
        allocator,
        agent_down_time=settings.network.agent_down_time,
        lease_seconds=settings.network.dhcp_lease_duration,
    )
    return watch.goes_on()


@dataclass(slots=True)
class Sweep:
    """How far one worker has looked through the leases."""

    after: int = 0


def end_leases(
    database: Database, allocator: Allocator, *, grace_seconds: int, sweep: Sweep
) -> int:
    """End leases that expired that many seconds ago, each with a `missed` event.

    It looks at LOOKED_AT leases, and the next time at those after them.
    """
    before, lease_ports = clock.now_seconds() - grace_seconds, LeasePorts(allocator)
    after = sweep.after
    last, are_more = database.read(lambda tx: endings.stretch(tx, after=after, rows=LOOKED_AT))

    def work(tx: Transaction) -> int:
        ended = endings.end_overdue(tx, before=before, after=after, last=last, limit=BATCH_ROWS)
        lease_ports.end(tx, ended)
        return len(ended)

    count = _in_batches(database, work)
    if count < BATCHES * BATCH_ROWS:
        sweep.after = last if are_more else 0
    return count


def end_ports(
    database: Database, allocator: Allocator, zones: ZoneOutbox, *, audited: bool = True
) -> int:
    """Delete the ports whose end has come. Their addresses begin to cool down.

    If changes are audited, so is each of these.
    """

    def work(tx: Transaction) -> int:
        ended = ports.ended(tx, now=clock.now_seconds(), limit=PORTS_AT_ONCE)
        found = []
        for row in ended:
            with zones.changing(tx, row.pk):
                held = port_endings.end(tx, allocator, row, ENDED)
            found.append(own_changes.port_ended(row, held, ENDED))
        if found and audited:
            events.add(tx, found)
        return len(ended)

    return _in_batches(database, work, rows=PORTS_AT_ONCE)


def unschedule(database: Database, *, agent_down_time: int) -> int:
    """Take the networks from dead agents. Another agent takes them when it next asks."""
    return database.write(lambda tx: agents.unschedule_dead(tx, agent_down_time=agent_down_time))


def elect(database: Database, *, agent_down_time: int) -> int:
    """Have others elected than agents that are dead; without others, ports are DOWN."""

    def work(tx: Transaction) -> int:
        oldest = agents.oldest_heartbeat(agent_down_time)
        lost = elections.orphaned(tx, oldest_heartbeat=oldest)
        return len(elections.settle(tx, lost, agent_down_time=agent_down_time)) if lost else 0

    return write_again(database, work)


def forget_events(database: Database, *, retention_days: int) -> int:
    """Delete lease events recorded more than so many days ago; 0 keeps all."""
    if not retention_days:
        return 0
    before_us = clock.now_microseconds() - retention_days * clock.SECONDS_PER_DAY * 1_000_000
    return _in_batches(
        database, lambda tx: endings.forget_events(tx, before_us=before_us, limit=BATCH_ROWS)
    )


def forget_allocations(database: Database, *, retention_days: int) -> int:
    """Delete the history of addresses released more than so many days ago; 0 keeps all."""
    if not retention_days:
        return 0
    before_us = clock.now_microseconds() - retention_days * clock.SECONDS_PER_DAY * 1_000_000
    return _in_batches(
        database,
        lambda tx: allocation_history.forget(tx, before_us=before_us, limit=BATCH_ROWS),
    )


def hourly(task: Task) -> Task:
    """The task once an hour, and at the first time; it does nothing in between."""
    next_at = 0

    def work() -> int:
        nonlocal next_at
        if (now := clock.now_seconds()) < next_at:
            return 0
        done = task()
        next_at = now + SECONDS_PER_HOUR
        return done

    return work


def count_addresses(database: Database) -> int:
    """Add up what happened to addresses since the last round."""
    for _ in range(COUNTING_BATCHES):
        done = database.write(lambda tx: subnet_counters.add_up(tx, limit=COUNTED_AT_ONCE))
        if done < COUNTED_AT_ONCE:
            break
    return 0  # no news


def correct_counters(database: Database) -> int:
    """Count the addresses of subnets whose counters are wrong; how many subnets.

    They are after an upgrade during which an old version still gave addresses.
    """
    wrong = database.read(subnet_counters.wrong)
    for subnet_pk in wrong:
        database.write(partial(subnet_counters.count_anew, subnet_pk=subnet_pk))
    return len(wrong)


def sample_usage(database: Database) -> int:
    """Note how full subnets are, for the peak of this day."""
    now = clock.now_seconds()
    day = now // clock.SECONDS_PER_DAY
    write_again(database, lambda tx: usage.sample(tx, day, now))
    return 0  # no news


def forget_usage(database: Database) -> int:
    """Delete the peaks of days that are two years past."""
    before = clock.now_seconds() // clock.SECONDS_PER_DAY - USAGE_DAYS
    return _in_batches(database, lambda tx: usage.forget(tx, before=before, limit=BATCH_ROWS))


def forget_audit(database: Database, *, retention_days: int) -> int:
    """Delete audit events from more than so many days ago; 0 keeps all."""
    if not retention_days:
        return 0
    before_us = clock.now_microseconds() - retention_days * clock.SECONDS_PER_DAY * 1_000_000

    def work(tx: Transaction) -> int:
        sealed = seals.forget(tx, before_us=before_us)
        if sealed is None:
            return events.forget(tx, before_us=before_us, limit=BATCH_ROWS)
        return sealed

    return _in_batches(database, work)


def seal_audit(database: Database, key_file: Path | None) -> int:
    """Seal audit events that are not sealed yet. Raises SettingsUnfit for a bad key file."""
    if key_file is None:
        return 0
    key = read_key(key_file)
    total = 0
    for _ in range(BATCHES):
        done = write_again(database, lambda tx: seals.seal(tx, key, limit=BATCH_ROWS))
        total += done
        if done < BATCH_ROWS:
            break
    return total


def forget_refusals(database: Database) -> int:
    """Delete machines that DHCP last refused more than a week ago."""
    before = clock.now_seconds() - REFUSALS_SECONDS
    return _in_batches(
        database, lambda tx: dhcp_refusals.forget(tx, before=before, limit=BATCH_ROWS)
    )


def forget_checks(database: Database) -> int:
    """Delete what hosts answered more than a day ago about who uses addresses."""
    return _in_batches(database, lambda tx: address_checks.forget(tx, limit=BATCH_ROWS))


def forget_answers(database: Database) -> int:
    """Delete answers to requests with an Idempotency-Key after a day."""
    return _in_batches(database, lambda tx: idempotency.forget_old(tx, limit=BATCH_ROWS))


def _in_batches(
    database: Database, work: Callable[[Transaction], int], rows: int | None = None
) -> int:
    """Do the work until it handles fewer rows than a batch has; how many it handled."""
    most = BATCH_ROWS if rows is None else rows
    total = 0
    for _ in range(BATCHES):
        done = database.write(work)
        total += done
        if done < most:
            break
    return total

"""The worker's tasks. Each may run in any number of workers at once, and be cut off anywhere."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from ipam import clock
from ipam.allocator.allocator import Allocator
from ipam.settings import Settings
from ipam.store import agents, allocation_history, idempotency
from ipam.store.engine.database import Database, Transaction
from ipam.store.leases import endings

BATCH_ROWS: Final = 500
"""Rows that one transaction deletes: it holds their locks for milliseconds, not for minutes."""
BATCHES: Final = 20
"""Per round; what is left waits for the next, so that no task starves another."""
STALE_CANDIDATES_SECONDS: Final = 900
"""A process holds a list of candidate addresses for seconds; a dead one's is taken back."""

SECONDS_PER_DAY: Final = 86_400

Task: TypeAlias = Callable[[], int]
"""Does a part of the work and gives how many things it did."""


def tasks(settings: Settings, database: Database, allocator: Allocator) -> Mapping[str, Task]:
    """What one round does, in order, each under the words that the log has for it."""
    return {
        "leases that ended unseen": lambda: end_leases(
            database, grace_seconds=settings.worker.lease_grace_seconds
        ),
        "networks taken from dead agents": lambda: unschedule(
            database, agent_down_time=settings.network.agent_down_time
        ),
        "candidate lists of dead processes": lambda: allocator.revoke_stale(
            STALE_CANDIDATES_SECONDS
        ),
        "answers kept for more than a day": lambda: forget_answers(database),
        "lease events past their retention": lambda: forget_events(
            database, retention_days=settings.worker.lease_event_retention_days
        ),
        "allocation events past their retention": lambda: forget_allocations(
            database, retention_days=settings.worker.lease_event_retention_days
        ),
    }


def end_leases(database: Database, *, grace_seconds: int) -> int:
    """End the leases whose time was up that many seconds ago, each with a `missed` event."""
    before = clock.now_seconds() - grace_seconds
    return _in_batches(
        database, lambda tx: endings.end_overdue(tx, before=before, limit=BATCH_ROWS)
    )


def unschedule(database: Database, *, agent_down_time: int) -> int:
    """Free the networks of dead agents; a living one takes them when it next asks."""
    return database.write(lambda tx: agents.unschedule_dead(tx, agent_down_time=agent_down_time))


def forget_events(database: Database, *, retention_days: int) -> int:
    """Delete lease events recorded longer ago than this; none when it is 0."""
    if not retention_days:
        return 0
    before_us = clock.now_microseconds() - retention_days * SECONDS_PER_DAY * 1_000_000
    return _in_batches(
        database, lambda tx: endings.forget_events(tx, before_us=before_us, limit=BATCH_ROWS)
    )


def forget_allocations(database: Database, *, retention_days: int) -> int:
    """Delete the history of addresses given back longer ago than this; none when it is 0."""
    if not retention_days:
        return 0
    before_us = clock.now_microseconds() - retention_days * SECONDS_PER_DAY * 1_000_000
    return _in_batches(
        database,
        lambda tx: allocation_history.forget(tx, before_us=before_us, limit=BATCH_ROWS),
    )


def forget_answers(database: Database) -> int:
    """Delete the answers that were kept for requests with an Idempotency-Key, after a day."""
    return _in_batches(database, lambda tx: idempotency.forget_old(tx, limit=BATCH_ROWS))


def _in_batches(database: Database, work: Callable[[Transaction], int]) -> int:
    total = 0
    for _ in range(BATCHES):
        done = database.write(work)
        total += done
        if done < BATCH_ROWS:
            break
    return total

"""The outbox on three databases: which worker claims which events, and which events stay."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update

from ipam import clock, model
from ipam.rules.nova_events import CHANGED, PLUGGED, ComputeEvent
from ipam.store import compute_events, outbox
from ipam.store.compute_events import Claimed
from ipam.store.engine.database import Database, Transaction
from ipam.store.tables import compute_event

SECOND_US = 1_000_000
HOLD_US = 15 * SECOND_US


def event(number: int, name: str = PLUGGED) -> ComputeEvent:
    return ComputeEvent(name, model.new_id(), f"port-{number}")


def put(database: Database, *events: ComputeEvent) -> None:
    database.write(lambda tx: compute_events.put(tx, events))


def claim(database: Database, *, limit: int = 100, later_us: int = 0) -> list[Claimed]:
    now_us = clock.now_microseconds() + later_us
    return database.write(
        lambda tx: compute_events.claim(tx, now_us=now_us, hold_us=HOLD_US, limit=limit)
    )


def waiting(database: Database) -> int:
    return database.read(compute_events.waiting).events


def test_events_are_claimed_in_their_order_and_by_one_worker(database: Database) -> None:
    given = [event(number) for number in range(5)]
    put(database, *given[:3])
    put(database, *given[3:])
    first = claim(database, limit=3)
    assert [(each.event, each.attempts) for each in first] == [(each, 1) for each in given[:3]]
    assert [each.event for each in claim(database)] == given[3:]
    assert claim(database) == []
    assert waiting(database) == 5


def test_a_claim_runs_out(database: Database) -> None:
    put(database, event(1))
    (first,) = claim(database)
    assert claim(database, later_us=HOLD_US - SECOND_US) == []
    (again,) = claim(database, later_us=HOLD_US + SECOND_US)
    assert (again.pk, again.attempts) == (first.pk, 2)


def test_what_is_done_is_gone(database: Database) -> None:
    put(database, event(1), event(2), event(3))
    claimed = claim(database)
    database.write(lambda tx: compute_events.done(tx, claimed[:2]))
    database.write(lambda tx: compute_events.done(tx, claimed[:2]))
    database.write(lambda tx: compute_events.done(tx, []))
    assert waiting(database) == 1


def test_what_is_postponed_comes_at_its_time_with_the_reason_kept(database: Database) -> None:
    put(database, event(1))
    (claimed,) = claim(database)
    send_at_us = clock.now_microseconds() + 5 * SECOND_US
    database.write(
        lambda tx: compute_events.postpone(
            tx, claimed, send_at_us=send_at_us, last_error="no host " * 100
        )
    )
    assert claim(database) == []
    text = database.read(lambda tx: tx.execute(select(compute_event.c.last_error)).scalar_one())
    assert text.startswith("no host")
    (again,) = claim(database, later_us=6 * SECOND_US)
    assert (again.event, again.attempts) == (claimed.event, 2)


def test_a_worker_that_was_away_too_long_does_not_take_an_event_back(database: Database) -> None:
    put(database, event(1))
    (slow,) = claim(database)
    (other,) = claim(database, later_us=HOLD_US + SECOND_US)

    def write(tx: Transaction) -> None:
        compute_events.postpone(tx, slow, send_at_us=0, last_error="")

    database.write(write)
    assert claim(database) == []
    assert other.attempts == 2


def test_is_due_says_whether_a_claim_would_find_something(database: Database) -> None:
    def due(later_us: int = 0) -> bool:
        now_us = clock.now_microseconds() + later_us
        return database.read(lambda tx: compute_events.is_due(tx, now_us=now_us))

    assert not due()
    put(database, event(1))
    assert due()
    claim(database)
    assert not due()
    assert due(HOLD_US + SECOND_US)


def test_events_that_another_host_makes_are_due_though_its_clock_is_ahead(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = clock.now_microseconds() + 3600 * SECOND_US
    with monkeypatch.context() as patched:
        patched.setattr(clock, "now_microseconds", lambda: ahead)
        put(database, event(1))
    assert len(claim(database)) == 1


def test_the_oldest_is_counted_from_when_it_was_made(database: Database) -> None:
    assert database.read(compute_events.waiting) == outbox.Waiting(0, None)
    before = clock.now_microseconds()
    put(database, event(1, CHANGED))
    after = clock.now_microseconds()
    put(database, event(2))
    claim(database)
    found = database.read(compute_events.waiting)
    assert found.events == 2
    assert found.oldest_at_us is not None
    assert before <= found.oldest_at_us <= after


def test_workers_side_by_side_claim_each_event_once(database: Database) -> None:
    put(database, *[event(number) for number in range(200)])
    together = threading.Barrier(4)

    def work() -> list[int]:
        together.wait()
        mine: list[int] = []
        while found := claim(database, limit=7):
            mine += [each.pk for each in found]
        return mine

    with ThreadPoolExecutor(4) as threads:
        done = [each.result() for each in [threads.submit(work) for _ in range(4)]]
    claimed = [pk for pks in done for pk in pks]
    # One that finds every row locked goes home: what is left is claimed by the next look.
    claimed += [each.pk for each in claim(database, limit=200)]
    assert len(claimed) == len(set(claimed)) == 200


def test_an_event_is_there_exactly_when_its_change_is(database: Database) -> None:
    class UndoError(Exception):
        pass

    def write(tx: Transaction) -> None:
        compute_events.put(tx, [event(1)])
        raise UndoError

    with pytest.raises(UndoError):
        database.write(write)
    assert waiting(database) == 0


def test_claims_need_no_scan_of_what_is_not_due(database: Database) -> None:
    """Many that wait for their time do not keep a worker from the one that is due."""
    put(database, *[event(number) for number in range(50)])
    claim(database)
    put(database, fresh := event(99))
    assert [each.event for each in claim(database)] == [fresh]
    count = select(func.count()).select_from(compute_event)
    assert database.read(lambda tx: tx.execute(count).scalar_one()) == 50 + 1
    later = update(compute_event).values(send_at_us=0)
    assert database.write(lambda tx: tx.execute(later).rowcount) == 51

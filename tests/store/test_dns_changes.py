"""The outbox of names on three databases: who claims which, and what is left when one is done."""

import threading
from concurrent.futures import ThreadPoolExecutor

from ipam import clock
from ipam.store import dns_changes
from ipam.store.dns_changes import Claimed
from ipam.store.engine.database import Database

SECOND_US = 1_000_000
HOLD_US = 15 * SECOND_US
LAB, BACK = "lab.example", "2.0.192.in-addr.arpa"


def put(database: Database, *names: str, zone: str = LAB) -> None:
    database.write(lambda tx: dns_changes.put(tx, [(zone, name) for name in names]))


def claim(
    database: Database, zone: str = LAB, *, limit: int = 100, later_us: int = 0
) -> list[Claimed]:
    now_us = clock.now_microseconds() + later_us
    return database.write(
        lambda tx: dns_changes.claim(tx, zone, now_us=now_us, hold_us=HOLD_US, limit=limit)
    )


def done(database: Database, *claimed: Claimed) -> None:
    database.write(lambda tx: dns_changes.done(tx, claimed))


def postpone(database: Database, claimed: Claimed, why: str) -> None:
    later_us = clock.now_microseconds() + 60 * SECOND_US
    database.write(
        lambda tx: dns_changes.postpone(tx, claimed, send_at_us=later_us, last_error=why)
    )


def waiting(database: Database) -> dict[str, tuple[int, int, str]]:
    return {
        one.zone: (one.names, one.failed, one.last_error)
        for one in database.read(dns_changes.waiting)
    }


def test_each_zone_has_its_names_each_once(database: Database) -> None:
    put(database, "b", "a")
    put(database, "a", "c")
    put(database, "a", zone=BACK)
    assert {each.name for each in claim(database)} == {"a", "b", "c"}
    assert [each.name for each in claim(database, BACK)] == ["a"]
    assert claim(database) == []
    assert {zone: found[0] for zone, found in waiting(database).items()} == {LAB: 3, BACK: 1}


def test_what_is_done_is_gone_unless_it_has_changed_meanwhile(database: Database) -> None:
    put(database, "a", "b")
    claimed = claim(database)
    put(database, "b")
    assert claim(database) == []  # nobody else may send it while it is on its way
    done(database, *claimed)
    (again,) = claim(database)
    assert (again.name, again.attempts) == ("b", 1)
    done(database, again)
    assert waiting(database) == {}


def test_a_claim_runs_out_and_its_late_holder_changes_nothing(database: Database) -> None:
    put(database, "a")
    (first,) = claim(database)
    assert claim(database, later_us=HOLD_US - SECOND_US) == []
    (second,) = claim(database, later_us=HOLD_US + SECOND_US)
    put(database, "a")
    done(database, first)
    assert claim(database) == []  # the second one has it still
    done(database, second)
    assert [each.name for each in claim(database)] == ["a"]


def test_what_failed_waits_with_its_reason_until_its_time_or_a_retry(database: Database) -> None:
    put(database, "a", "b")
    for each in claim(database):
        postpone(database, each, "no" if each.name == "a" else "")
    assert waiting(database) == {LAB: (2, 1, "no")}
    put(database, "a")
    assert claim(database) == []
    assert database.write(lambda tx: dns_changes.retry(tx, [BACK])) == 0
    assert database.write(lambda tx: dns_changes.retry(tx, [LAB])) == 1
    assert [each.name for each in claim(database)] == ["a"]


def test_what_waits_for_other_zones_is_forgotten(database: Database) -> None:
    put(database, "a")
    put(database, "b", zone=BACK)
    assert database.write(lambda tx: dns_changes.forget_others(tx, [LAB])) == 1
    assert set(waiting(database)) == {LAB}


def test_workers_at_once_claim_each_name_once(database: Database) -> None:
    names = [f"n{number}" for number in range(60)]
    put(database, *names)
    together = threading.Barrier(4)

    def work() -> list[str]:
        together.wait()
        mine: list[str] = []
        while found := claim(database, limit=5):
            mine += [each.name for each in found]
        return mine

    with ThreadPoolExecutor(4) as pool:
        found = [
            one for future in [pool.submit(work) for _ in range(4)] for one in future.result()
        ]
    # One that skipped a locked row may have ended before it was free again.
    found += [each.name for each in claim(database)]
    assert sorted(found) == sorted(names)

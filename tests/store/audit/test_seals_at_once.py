"""Several workers that seal at once, and one that is killed meanwhile, make one chain."""

import subprocess
import sys
import time

import pytest
from sqlalchemy import select

from ipam.errors import DatabaseUnavailable
from ipam.store import tables
from ipam.store.audit import events, seals
from ipam.store.engine.database import Database
from ipam.store.engine.write_again import write_again
from tests.store.audit.test_events import event
from tests.worker.test_housekeeping import at_once

KEY = b"k" * 32
EVENTS = 60
DAY_US = 86_400_000_000

WORKER = """
import sys
from ipam.store.audit import seals
from ipam.store.engine.database import Database
from ipam.store.engine.write_again import write_again

database = Database(sys.argv[1])
while write_again(database, lambda tx: seals.seal(tx, b"k" * 32, limit=2)):
    print(flush=True)
"""


@pytest.fixture
def unsealed(database: Database) -> Database:
    at_us = time.time_ns() // 1000 - DAY_US
    new = [event(at_us + number) for number in range(EVENTS)]
    database.write(lambda tx: events.add(tx, new))
    return database


def seal_all(database: Database) -> int:
    """How many events this worker sealed, two in each seal, until there are none left."""
    total = 0
    while True:
        try:
            done = write_again(database, lambda tx: seals.seal(tx, KEY, limit=2))
        except DatabaseUnavailable:  # the others were faster each time: the next round
            continue
        if not done:
            return total
        total += done


def check_one_chain(database: Database) -> None:
    verified = list(seals.verify(database, KEY, retention_days=365))
    assert [fault for each in verified for fault in each.faults] == []
    assert [each.number for each in verified] == list(range(1, EVENTS // 2 + 1))
    pks = database.read(lambda tx: list(tx.execute(select(tables.audit_event.c.pk)).scalars()))
    last = select(tables.audit_seal.c.last_pk).order_by(tables.audit_seal.c.number.desc())
    assert database.read(lambda tx: tx.execute(last.limit(1)).scalar_one()) == max(pks)


def test_workers_at_once_make_one_chain(unsealed: Database) -> None:
    assert sum(at_once(lambda: seal_all(unsealed), threads=3)) == EVENTS
    check_one_chain(unsealed)


def test_a_worker_that_is_killed_leaves_a_chain_that_another_goes_on_with(
    unsealed: Database, database_url: str
) -> None:
    command = [sys.executable, "-c", WORKER, database_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as killed:
        assert killed.stdout is not None
        for _ in range(3):
            assert killed.stdout.readline()
        killed.kill()
    assert 0 <= seal_all(unsealed) <= EVENTS - 6
    check_one_chain(unsealed)

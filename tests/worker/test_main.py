"""The worker's loop: which failures it survives, what it logs, how it stops."""

import contextlib
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from ipam.errors import DatabaseUnavailable
from ipam.store.engine.database import Database
from ipam.store.tables import lease
from ipam.worker.main import Worker
from tests.servers.choice import on_servers
from tests.servers.private_server import PrivateServer
from tests.waiting import PATIENCE_SECONDS, eventually, ready_process

PROGRAM = """
import logging, sys
from ipam import settings
from ipam.worker.main import run
logging.basicConfig(level="INFO", format="%(levelname)s %(message)s")
run(settings.load([sys.argv[1]]))
"""


@contextlib.contextmanager
def running(database_url: str, directory: Path) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """A worker with a short interval that has said READY=1, and its log."""
    config = directory / "ipam.conf"
    config.write_text(
        f"[DEFAULT]\nstate_path = {directory}\nrun_path = {directory}\n"
        f"[database]\nconnection = {database_url}\n[worker]\ninterval = 0.1\n"
    )
    log = directory / "worker.log"
    command = [sys.executable, "-c", PROGRAM, str(config)]
    with ready_process(command, directory, log) as process:
        yield process, log


def overdue(database: Database, address: bytes) -> None:
    row = {
        "id": f"11111111-2222-4333-8444-{address.hex():0>12}",
        "network_id": "n",
        "ip_address": address,
        "project_id": "p",
        "host": "h",
        "expires_at": 1_000_000_000,
        "first_seen_at_us": 1,
        "last_seen_at_us": 1,
    }
    database.write(lambda tx: tx.execute(insert(lease).values(row)).rowcount)


def has_leases(database: Database) -> bool:
    return bool(database.read(lambda tx: tx.execute(select(lease.c.pk)).all()))


def test_the_worker_does_its_rounds_and_stops_when_told(
    database_url: str, database: Database, tmp_path: Path
) -> None:
    overdue(database, b"\x0a\0\0\1")
    with running(database_url, tmp_path) as (process, log):
        eventually(lambda: "Leases that ended unseen: 1" in log.read_text())
        assert not has_leases(database)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
    assert "Traceback" not in log.read_text()


@on_servers
def test_a_database_that_is_away_is_waited_for_with_one_line(
    database_server: PrivateServer | None, database_url: str, database: Database, tmp_path: Path
) -> None:
    assert database_server is not None
    with running(database_url, tmp_path) as (process, log):
        database_server.stop()
        try:
            eventually(lambda: "The database is away" in log.read_text())
            time.sleep(1)  # several rounds
        finally:
            database_server.start()
        eventually(lambda: "Works again: the database" in log.read_text())
        overdue(database, b"\x0a\0\0\2")
        eventually(lambda: not has_leases(database))
        assert process.poll() is None
    assert log.read_text().count("WARNING") == 1


def test_a_task_that_fails_stops_no_other_and_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    broken = True
    done: list[int] = []

    def fail() -> int:
        if broken:
            raise ValueError("of all things")
        return 0

    def succeed() -> int:
        done.append(1)
        return 1

    worker = Worker({"bad work": fail, "good work": succeed})
    for _ in range(3):
        worker.round()
    assert len(done) == 3
    failures = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.exc_info is not None for record in failures] == [True]
    broken = False
    worker.round()
    assert "Works again: bad work" in caplog.text


def test_the_rest_of_a_round_waits_for_a_database_that_is_away(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done: list[int] = []

    def away() -> int:
        raise DatabaseUnavailable("It does not answer.")

    def note() -> int:
        done.append(1)
        return 1

    worker = Worker({"first": away, "second": note})
    worker.round()
    worker.round()
    assert done == []
    assert len(caplog.records) == 1


def test_a_signal_in_the_middle_of_a_task_is_no_failure() -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Worker({"work": interrupted}).round()

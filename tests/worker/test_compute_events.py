"""The sender with each answer of Nova, in this process and in a worker that may be killed."""

import contextlib
import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from ipam import clock, model
from ipam.compute.delivery import RequestRefused
from ipam.errors import ServiceUnavailable
from ipam.protocol.wake import WORKER_SOCKET, Waker, WakeSocket
from ipam.rules.nova_events import CHANGED, DELETED, PLUGGED, ComputeEvent
from ipam.store import compute_events
from ipam.store.engine.database import Database
from ipam.store.tables import compute_event
from ipam.worker.compute_events import EventSender
from tests.compute.nova_endpoint import NovaEndpoint, by_code
from tests.servers.choice import on_servers
from tests.servers.private_server import PrivateServer
from tests.waiting import PATIENCE_SECONDS, eventually, ready_process

LATER_US = 3600 * 1_000_000

PROGRAM = """
import logging, sys
from ipam import settings
from ipam.worker import compute_events
from ipam.worker.main import run
compute_events.HOLD_SECONDS = float(sys.argv[2])
logging.basicConfig(level="INFO", format="%(levelname)s %(name)s %(message)s")
run(settings.load([sys.argv[1]]))
"""


class FakeNova:
    """Answers as it is told; each event that it gave 200 is in `heard`."""

    def __init__(self) -> None:
        self.code_of: Callable[[ComputeEvent], int] = lambda _event: 200
        self.error: Callable[[Sequence[ComputeEvent]], Exception | None] = lambda _events: None
        self.sizes: list[int] = []
        self.heard: list[ComputeEvent] = []

    def send(self, events: Sequence[ComputeEvent]) -> list[int]:
        self.sizes.append(len(events))
        if error := self.error(events):
            raise error
        codes = [self.code_of(event) for event in events]
        self.heard += [each for each, code in zip(events, codes, strict=True) if code == 200]
        return codes


@pytest.fixture
def nova() -> FakeNova:
    return FakeNova()


@pytest.fixture
def sender(database: Database, nova: FakeNova, tmp_path: Path) -> Iterator[EventSender]:
    wakes = WakeSocket(tmp_path / WORKER_SOCKET)
    yield EventSender(database, nova, wakes, interval=3600)
    with contextlib.suppress(OSError):  # a test that stopped the sender closed it
        wakes.close()


def event(name: str = PLUGGED) -> ComputeEvent:
    return ComputeEvent(name, model.new_id(), model.new_id())


def put(database: Database, *events: ComputeEvent) -> None:
    database.write(lambda tx: compute_events.put(tx, events))


def waiting(database: Database) -> list[Any]:
    query = select(compute_event).order_by(compute_event.c.pk)
    return list(database.read(lambda tx: tx.execute(query).all()))


def make_due(database: Database) -> None:
    """As if the time to send had come for all that waits."""
    now = update(compute_event).values(send_at_us=0)
    database.write(lambda tx: tx.execute(now).rowcount)


def send_all(sender: EventSender) -> None:
    while sender.send_batch():
        pass


def test_what_nova_heard_is_gone_and_the_log_counts_it(
    database: Database, sender: EventSender, nova: FakeNova, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    events = [event(), event(CHANGED), event()]
    put(database, *events)
    assert sender.send_batch()
    assert not sender.send_batch()
    assert (nova.heard, nova.sizes) == (events, [3])
    assert waiting(database) == []
    assert [record.message for record in caplog.records] == [
        "Told Nova: 1 network-changed, 2 network-vif-plugged"
    ]


def test_many_go_in_batches_at_once(
    database: Database, sender: EventSender, nova: FakeNova
) -> None:
    put(database, *[event() for _ in range(250)])
    send_all(sender)
    assert nova.sizes == [100, 100, 50]


def test_an_event_that_was_asked_for_twice_is_sent_once(
    database: Database, sender: EventSender, nova: FakeNova
) -> None:
    twice = event(CHANGED)
    put(database, twice, event(), twice)
    send_all(sender)
    assert nova.heard.count(twice) == 1
    assert waiting(database) == []


def test_each_event_ends_as_nova_answers_for_it(
    database: Database, sender: EventSender, nova: FakeNova, caplog: pytest.LogCaptureFixture
) -> None:
    codes = dict(zip([event() for _ in range(4)], (200, 404, 400, 422), strict=True))
    deleted = event(DELETED)
    put(database, *codes, deleted)
    nova.code_of = lambda each: codes.get(each, 404)
    send_all(sender)
    (left,) = waiting(database)
    (without_host,) = [each for each, code in codes.items() if code == 422]
    assert (left.port_id, left.attempts) == (without_host.port_id, 1)
    assert left.last_error == "the server has no host yet"
    assert left.send_at_us > clock.now_microseconds() - LATER_US
    dropped = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert len(dropped) == 2
    for each, code in codes.items():
        told = [line for line in dropped if each.server_id in line and each.port_id in line]
        assert len(told) == (code in (404, 400))
    nova.code_of = lambda _event: 200
    make_due(database)
    send_all(sender)
    assert waiting(database) == []


def test_an_event_that_nova_does_not_take_for_long_is_told_once(
    database: Database, sender: EventSender, nova: FakeNova, caplog: pytest.LogCaptureFixture
) -> None:
    put(database, stuck := event())
    nova.code_of = lambda _event: 422
    for _ in range(12):
        sender.send_batch()
        make_due(database)
    (line,) = [record.message for record in caplog.records]
    assert stuck.port_id in line
    assert "no host" in line


def test_a_nova_that_is_away_is_told_once_and_tried_with_single_events(
    database: Database, sender: EventSender, nova: FakeNova, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    put(database, *[event() for _ in range(10)])
    nova.error = lambda _events: ServiceUnavailable("Nova does not answer: see nova-api.")
    for _ in range(5):
        sender.send_batch()
    assert nova.sizes == [10]  # the rest of the tries found nothing due
    for _ in range(5):
        make_due(database)
        sender.send_batch()
    assert nova.sizes == [10, 1, 1, 1, 1, 1]
    assert len(waiting(database)) == 10
    nova.error = lambda _events: None
    make_due(database)
    send_all(sender)
    assert nova.sizes[6:] == [1, 9]
    assert waiting(database) == []
    levels = [(record.levelname, record.message.partition(":")[0]) for record in caplog.records]
    assert levels[:2] == [
        ("WARNING", "Events wait for Nova; trying on"),
        ("INFO", "Works again"),
    ]
    assert "nova-api" in caplog.text


def test_one_event_that_nova_chokes_on_keeps_no_other_back(
    database: Database, sender: EventSender, nova: FakeNova, caplog: pytest.LogCaptureFixture
) -> None:
    events = [event() for _ in range(60)]
    poison = events[17]
    put(database, *events)
    nova.error = lambda sent: RequestRefused("HTTP 500") if poison in sent else None
    send_all(sender)
    (left,) = waiting(database)
    assert left.port_id == poison.port_id
    assert sorted(map(str, nova.heard)) == sorted(map(str, set(events) - {poison}))
    assert not [record for record in caplog.records if record.levelname == "WARNING"]
    for _ in range(10):
        put(database, *[event() for _ in range(3)])
        make_due(database)
        send_all(sender)
    assert len(nova.heard) == 59 + 30
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert poison.port_id in caplog.text


def test_a_fault_of_ours_is_told_once_and_ends_nothing(
    database: Database, sender: EventSender, nova: FakeNova, caplog: pytest.LogCaptureFixture
) -> None:
    nova.error = lambda _events: ValueError("of all things")
    put(database, event())
    for _ in range(3):
        assert not sender._try_batch()
        make_due(database)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    nova.error = lambda _events: None
    assert sender._try_batch()
    assert waiting(database) == []


def test_the_thread_is_woken_and_stops_when_told(
    database: Database, sender: EventSender, nova: FakeNova, tmp_path: Path
) -> None:
    put(database, left := event())
    sender.start()
    eventually(lambda: left in nova.heard)
    put(database, fresh := event())
    Waker(str(tmp_path / "worker-wake.sock")).wake()
    eventually(lambda: fresh in nova.heard)  # long before the interval is over
    sender.stop()
    assert not sender._thread.is_alive()
    assert not (tmp_path / "worker-wake.sock").exists()


# As processes


def has_more_than(count: int, endpoint: NovaEndpoint) -> bool:
    return len(endpoint.batches) > count


@pytest.fixture
def endpoint() -> Iterator[NovaEndpoint]:
    opened = NovaEndpoint()
    yield opened
    opened.close()


class Workers:
    """Worker processes with one settings file, and their logs."""

    def __init__(self, directory: Path, database_url: str) -> None:
        self.directory = directory
        self.database_url = database_url
        self.interval = 3600.0
        self.hold_seconds = 3600.0
        """After this the events that a worker took and did not send are another's."""
        self._started = 0
        self._running = contextlib.ExitStack()

    def start(self, nova: str) -> "subprocess.Popen[str]":
        """A worker that has said READY=1."""
        number, self._started = self._started, self._started + 1
        config = self.directory / f"ipam-{number}.conf"
        config.write_text(
            f"[DEFAULT]\nstate_path = {self.directory}\nrun_path = {self.directory}\n"
            f"[database]\nconnection = {self.database_url}\n[worker]\ninterval = 0.5\n"
            f"[compute]\nsend_events = true\nevents_interval = {self.interval}\n{nova}"
        )
        command = [sys.executable, "-c", PROGRAM, str(config), str(self.hold_seconds)]
        log = self.directory / f"worker-{number}.log"
        return self._running.enter_context(ready_process(command, self.directory, log))

    def close(self) -> None:
        self._running.close()

    def log(self, number: int = 0) -> str:
        return (self.directory / f"worker-{number}.log").read_text()

    def wake(self) -> None:
        Waker(str(self.directory / "worker-wake.sock")).wake()


@pytest.fixture
def workers(tmp_path: Path, database_url: str) -> Iterator[Workers]:
    made = Workers(tmp_path, database_url)
    yield made
    made.close()


def test_a_worker_sends_when_it_is_woken_and_stops_when_told(
    database: Database, workers: Workers, endpoint: NovaEndpoint
) -> None:
    put(database, event())
    worker = workers.start(endpoint.settings())
    eventually(lambda: len(endpoint.heard) == 1)
    put(database, event(CHANGED), event(CHANGED))
    workers.wake()
    eventually(lambda: len(endpoint.heard) == 3)
    eventually(lambda: not waiting(database))
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(PATIENCE_SECONDS) == 0
    assert "Told Nova: 2 network-changed" in workers.log()
    assert "Traceback" not in workers.log()


def test_a_nova_that_hangs_does_not_keep_the_worker_from_stopping(
    database: Database, workers: Workers, endpoint: NovaEndpoint
) -> None:
    released = threading.Event()

    def hang(_events: Any) -> tuple[int, Any]:
        released.wait()
        return 500, {}

    endpoint.answer = hang
    put(database, event())
    worker = workers.start(endpoint.settings())
    eventually(lambda: endpoint.batches)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(PATIENCE_SECONDS) == 0
    released.set()
    assert "Traceback" not in workers.log()
    assert len(waiting(database)) == 1


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # the database is the same to it
@pytest.mark.parametrize(
    ("status", "word"),
    [(500, "HTTP 500"), (403, "role service"), (401, "auth_url"), (404, "v2.1")],
)
def test_what_nova_refuses_is_told_once_and_sent_when_it_takes_it(
    database: Database, workers: Workers, endpoint: NovaEndpoint, status: int, word: str
) -> None:
    workers.interval = 0.1
    endpoint.answer = lambda _events: (status, {"forbidden": {"message": "no"}})
    put(database, *[event() for _ in range(5)])
    workers.start(endpoint.settings())
    eventually(lambda: "WARNING" in workers.log() and len(endpoint.batches) >= 3)
    accept(endpoint)
    eventually(lambda: len(endpoint.heard) == 5)
    eventually(lambda: "Works again: events for Nova" in workers.log())
    assert word in workers.log()
    assert workers.log().count("WARNING") == 1


def accept(endpoint: NovaEndpoint) -> None:
    endpoint.answer = by_code(lambda _event: 200)


def test_a_nova_that_nobody_listens_for_is_waited_for(
    database: Database, workers: Workers, endpoint: NovaEndpoint
) -> None:
    endpoint.close()
    workers.interval = 0.1
    put(database, *[event() for _ in range(5)])
    workers.start(endpoint.settings())
    eventually(lambda: "Events wait for Nova" in workers.log())
    eventually(lambda: any(row.attempts > 1 for row in waiting(database)))
    back = NovaEndpoint(endpoint.port)
    eventually(lambda: len(back.heard) == 5)
    eventually(lambda: "Works again: events for Nova" in workers.log())
    back.close()
    assert workers.log().count("WARNING") == 1


@on_servers
def test_a_database_that_is_away_is_waited_for_with_one_line(
    database_server: PrivateServer | None,
    database: Database,
    workers: Workers,
    endpoint: NovaEndpoint,
) -> None:
    assert database_server is not None
    workers.interval = 0.1
    workers.start(endpoint.settings())
    database_server.stop()
    try:
        eventually(lambda: "The database is away" in workers.log())
        time.sleep(1)  # several looks
    finally:
        database_server.start()
    put(database, event())
    eventually(lambda: len(endpoint.heard) == 1)
    eventually(lambda: "Works again: the database" in workers.log())
    assert workers.log().count("WARNING") == 1
    assert "ERROR" not in workers.log()


def test_two_workers_send_each_of_500_events_once(
    database: Database, workers: Workers, endpoint: NovaEndpoint
) -> None:
    workers.interval = 0.1
    for _ in range(2):
        workers.start(endpoint.settings())
    events = [event() for _ in range(500)]
    for start in range(0, 500, 10):
        put(database, *events[start : start + 10])
        workers.wake()
    eventually(lambda: not waiting(database))
    expected = sorted((each.name, each.server_id, each.port_id) for each in events)
    assert sorted(endpoint.heard) == expected
    assert workers.log(0).count("Told Nova") + workers.log(1).count("Told Nova") >= 5


def test_a_worker_that_is_killed_again_and_again_loses_no_event(
    database: Database, workers: Workers, endpoint: NovaEndpoint
) -> None:
    workers.interval = 0.1
    workers.hold_seconds = 2
    made: list[ComputeEvent] = []
    stop = threading.Event()

    def load() -> None:
        while not stop.is_set():
            events = [event(), event(CHANGED), event(DELETED)]
            put(database, *events)
            made.extend(events)  # committed, so it must be heard
            workers.wake()
            stop.wait(0.005)

    loading = threading.Thread(target=load)
    loading.start()
    try:
        for _ in range(6):
            killed = workers.start(endpoint.settings())
            eventually(partial(has_more_than, len(endpoint.batches) + 2, endpoint))
            killed.send_signal(signal.SIGKILL)
            killed.wait()
    finally:
        stop.set()
        loading.join()
    workers.start(endpoint.settings())
    eventually(lambda: not waiting(database))
    heard = {ComputeEvent(*each) for each in endpoint.heard}
    assert set(made) - heard == set(), "an event is lost"
    assert heard <= set(made)
    again = len(endpoint.heard) - len(heard)
    assert again <= 6 * 100, "more than the batch that each killed worker had was sent again"

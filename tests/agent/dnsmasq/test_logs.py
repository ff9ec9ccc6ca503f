"""The logs of real files, written to as each dnsmasq would."""

import errno
import logging
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from ipam.agent.dnsmasq import server_log as reading
from ipam.agent.dnsmasq.logs import ServerLogs
from ipam.agent.dnsmasq.refusals import DECLINED
from ipam.agent.dnsmasq.server_log import LINES_A_SECOND, MOST_DUIDS
from ipam.agent.dnsmasq.verdicts import Kind
from tests.waiting import PATIENCE_SECONDS, eventually

FIRST, SECOND = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
MAC = "fa:16:3e:00:00:01"
HEAD = "dnsmasq-dhcp[7]: "
LEASED = f"{HEAD}not using configured address 10.0.0.5 because it is leased to {MAC}"
DISCOVER = f"{HEAD}DHCPDISCOVER(ns-1) {MAC} no address available"


class Desk:
    """The logs of two networks, and how often their reader had news."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.news = threading.Semaphore(0)
        self.logs = ServerLogs(self.news.release)
        for one in (FIRST, SECOND):
            self.open(one)
        self.written = {one: self.logs.begin_anew(one) for one in (FIRST, SECOND)}

    def open(self, network_id: str) -> None:
        path = self.directory / network_id
        path.mkdir(exist_ok=True)
        self.logs.open(network_id, path)

    def say(self, network_id: str, *lines: str) -> None:
        os.write(self.written[network_id], "".join(line + "\n" for line in lines).encode())

    def kinds(self, network_id: str) -> list[Kind]:
        return [one.kind for one in self.logs.verdicts(network_id)]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    one = Desk(tmp_path)
    yield one
    one.logs.stop()


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic time of the logs, set by the test."""
    now = [1000.0]
    clock = SimpleNamespace(monotonic=lambda: now[0], time=time.time)
    monkeypatch.setattr(reading, "time", clock)
    return now


def duid(number: int) -> str:
    return f"00:04:{number // 256:02x}:{number % 256:02x}"


def refused(number: int) -> str:
    return f"{HEAD}12345 DHCPADVERTISE(ns-1) {duid(number)} no addresses available"


def test_what_was_just_said_is_known_before_the_reader_comes_to_it(desk: Desk) -> None:
    desk.say(FIRST, LEASED)
    assert desk.kinds(FIRST) == [Kind.ADDRESS_LEASED]
    assert desk.kinds(SECOND) == []
    desk.say(FIRST, f"{HEAD}first", f"{HEAD}second")
    assert desk.logs.last_words(FIRST).endswith("; first; second")


def test_a_new_verdict_is_news_once(desk: Desk) -> None:
    desk.logs.start()
    desk.say(FIRST, LEASED)
    assert desk.news.acquire(timeout=PATIENCE_SECONDS)
    desk.say(FIRST, LEASED, f"{HEAD}DHCP, sockets bound exclusively")
    desk.say(SECOND, f"{HEAD}last of all")
    eventually(lambda: "last of all" in desk.logs.last_words(SECOND))
    desk.logs.last_words(FIRST)
    assert not desk.news.acquire(blocking=False)


def test_what_one_dnsmasq_has_said_does_not_hold_for_the_next(desk: Desk) -> None:
    desk.say(FIRST, LEASED)
    desk.written[FIRST] = desk.logs.begin_anew(FIRST)
    assert desk.kinds(FIRST) == [], "not even of a line that was not read yet"
    assert desk.logs.last_words(FIRST) == ""
    desk.say(FIRST, LEASED)
    assert desk.kinds(FIRST) == [Kind.ADDRESS_LEASED]


def test_the_last_words_are_the_last_five_without_their_heads(desk: Desk) -> None:
    desk.say(FIRST, *(f"{HEAD}line {number}" for number in range(7)), "without a head")
    assert desk.logs.last_words(FIRST) == "line 3; line 4; line 5; line 6; without a head"


def test_a_refused_machine_is_known_and_named_until_it_gets_its_address(desk: Desk) -> None:
    desk.say(FIRST, DISCOVER, DISCOVER)
    desk.logs.last_words(FIRST)
    ((network_id, (one,)),) = desk.logs.refusals().items()
    assert (network_id, one.client, one.count) == (FIRST, MAC, 2)
    assert desk.logs.refusals() == {}, "each change is told once"
    desk.say(FIRST, DISCOVER, f"{HEAD}DHCPOFFER(ns-1) 10.0.0.5 {MAC}")
    desk.logs.last_words(FIRST)
    assert desk.logs.refusals() == {}


def test_a_lease_that_ends_because_its_machine_declined_it_has_that_reason(desk: Desk) -> None:
    assert desk.logs.reason_of_end(FIRST, "10.0.0.5") == ""
    desk.say(FIRST, f"{HEAD}disabling DHCP static address 10.0.0.5 for 10m")
    assert desk.logs.reason_of_end(FIRST, "10.0.0.5") == DECLINED
    assert desk.logs.reason_of_end(FIRST, "10.0.0.6") == ""
    assert desk.logs.reason_of_end(SECOND, "10.0.0.5") == ""


def test_a_probe_of_the_agent_is_no_refused_machine_and_no_line(
    desk: Desk, told: pytest.LogCaptureFixture
) -> None:
    desk.logs.expect_probe(FIRST, MAC)
    desk.say(FIRST, DISCOVER)
    assert desk.logs.last_words(FIRST) == ""
    assert desk.logs.refusals() == {}
    assert not told.records
    desk.say(FIRST, DISCOVER)
    assert "no address available" in desk.logs.last_words(FIRST), "a machine, this time"
    desk.logs.expect_probe("a network without a log", MAC)


def test_machines_that_dhcpv6_refuses_are_given_once(desk: Desk) -> None:
    desk.say(FIRST, refused(1), refused(2), refused(1))
    desk.logs.verdicts(FIRST)
    assert set(desk.logs.refused_duids(FIRST)) == {duid(1), duid(2)}
    assert not desk.logs.refused_duids(FIRST)
    assert not desk.logs.refused_duids(SECOND)
    assert not desk.logs.refused_duids("a network without a log")


def test_machines_with_ever_new_names_take_a_bounded_space(desk: Desk) -> None:
    for start in range(0, 3 * MOST_DUIDS, 50):
        desk.say(FIRST, *map(refused, range(start, start + 50)))
        desk.logs.verdicts(FIRST)
    assert len(desk.logs.refused_duids(FIRST)) == MOST_DUIDS


def test_refused_machines_are_news_only_so_often(desk: Desk, second: list[float]) -> None:
    log = desk.logs._logs[FIRST]
    desk.say(FIRST, refused(1))
    assert log.read()
    desk.say(FIRST, refused(2))
    assert not log.read()
    second[0] += reading.DUIDS_SECONDS
    desk.say(FIRST, refused(3))
    assert log.read()
    assert set(desk.logs.refused_duids(FIRST)) == {duid(1), duid(2), duid(3)}


def test_a_flood_of_one_network_is_counted_and_not_logged(
    desk: Desk, told: pytest.LogCaptureFixture, second: list[float]
) -> None:
    desk.say(FIRST, *[f"{HEAD}flood"] * (LINES_A_SECOND + 7))
    desk.say(SECOND, f"{HEAD}calm")
    for network_id in (FIRST, SECOND):
        desk.logs.verdicts(network_id)
    texts = [record.getMessage() for record in told.records]
    assert texts.count(f"network {FIRST}: dnsmasq: flood") == LINES_A_SECOND
    assert texts[-1] == f"network {SECOND}: dnsmasq: calm", "its bound is its own"
    told.clear()
    second[0] += 1
    desk.say(FIRST, f"{HEAD}on")
    desk.logs.verdicts(FIRST)
    assert [record.getMessage() for record in told.records] == [
        f"network {FIRST}: 7 more lines of dnsmasq",
        f"network {FIRST}: dnsmasq: on",
    ]


def test_files_that_are_read_are_told_for_debugging_only(
    desk: Desk, told: pytest.LogCaptureFixture
) -> None:
    path = desk.directory / FIRST / "hosts" / "port"
    desk.say(FIRST, f"{HEAD}read {path}", f"{HEAD}bad hex constant at line 1 of {path}")
    (verdict,) = desk.logs.verdicts(FIRST)
    assert (verdict.file, verdict.line) == ("hosts/port", 1)
    assert [record.levelno for record in told.records] == [logging.DEBUG, logging.INFO]
    desk.say(FIRST, f"{HEAD}read {path}")
    assert desk.kinds(FIRST) == []


def test_lines_of_routine_are_told_for_debugging_only(
    desk: Desk, told: pytest.LogCaptureFixture
) -> None:
    path = desk.directory / FIRST / "hosts" / "port"
    desk.say(
        FIRST,
        f"{HEAD}inotify: {path} new or modified",
        f"{HEAD}RTR-ADVERT(ns-1) 2001:db8::",
        f"{HEAD}DHCPACK(ns-1) 10.0.0.5 fa:16:3e:00:00:01 inotify: ",
    )
    desk.logs.verdicts(FIRST)
    debug, info = logging.DEBUG, logging.INFO
    assert [record.levelno for record in told.records] == [debug, debug, info]


def test_a_line_that_cannot_be_taken_ends_neither_the_reader_nor_other_networks(
    desk: Desk, told: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> bool:
        desk.logs._logs[FIRST].file.read()
        raise ZeroDivisionError

    monkeypatch.setattr(desk.logs._logs[FIRST], "read", fail)
    desk.logs.start()
    desk.say(FIRST, f"{HEAD}odd")
    eventually(lambda: f"network {FIRST}: a line of dnsmasq's log" in told.text)
    desk.say(SECOND, LEASED)
    assert desk.news.acquire(timeout=PATIENCE_SECONDS)


def test_a_closed_log_is_heard_no_more_and_may_be_opened_again(desk: Desk) -> None:
    desk.logs.start()
    desk.logs.close(FIRST)
    desk.logs.close(FIRST)
    assert desk.kinds(FIRST) == []
    desk.open(FIRST)
    desk.written[FIRST] = desk.logs.begin_anew(FIRST)
    desk.say(FIRST, LEASED)
    assert desk.news.acquire(timeout=PATIENCE_SECONDS)
    assert desk.kinds(FIRST) == [Kind.ADDRESS_LEASED]


def test_a_log_is_opened_once(desk: Desk) -> None:
    desk.open(FIRST)
    desk.say(FIRST, LEASED)
    assert desk.kinds(FIRST) == [Kind.ADDRESS_LEASED]


def test_lines_of_the_time_between_two_agents_are_read_by_the_next(tmp_path: Path) -> None:
    """Whether a dnsmasq is there or not."""
    first = Desk(tmp_path)
    held = os.dup(first.written[FIRST])
    first.logs.start()
    first.logs.stop()
    os.write(held, f"{LEASED}\n".encode())
    os.close(held)
    news = threading.Semaphore(0)
    following = ServerLogs(news.release)
    following.open(FIRST, tmp_path / FIRST)
    following.start()
    assert news.acquire(timeout=PATIENCE_SECONDS)
    assert [one.kind for one in following.verdicts(FIRST)] == [Kind.ADDRESS_LEASED]
    following.stop()


def test_a_log_that_cannot_be_watched_is_read_all_the_same(
    desk: Desk, told: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_unused: object) -> int:
        raise OSError(errno.ENOSPC, "no watch left")

    desk.logs.close(FIRST)
    with monkeypatch.context() as patch:
        patch.setattr(desk.logs._watch._inotify, "add_watch", full)
        desk.open(FIRST)
    desk.written[FIRST] = desk.logs.begin_anew(FIRST)
    desk.logs.start()
    eventually(lambda: not desk.logs._watch._due)
    desk.say(FIRST, LEASED)
    assert desk.news.acquire(timeout=PATIENCE_SECONDS)
    assert "fs.inotify.max_user_watches" in told.text


def test_more_than_is_read_at_once_is_read_to_its_end(desk: Desk) -> None:
    desk.say(FIRST, *["x" * 100] * 2000, LEASED)
    desk.logs.start()
    assert desk.news.acquire(timeout=PATIENCE_SECONDS)

"""The file into which dnsmasq logs."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from ipam.agent.dnsmasq import log_file
from ipam.agent.dnsmasq.log_file import (
    LIMIT_BYTES,
    LONGEST_LINE_BYTES,
    NAME,
    TURN_BYTES,
    LogFile,
)

LINE = "x" * 99
LINES_OF_A_TURN = TURN_BYTES // (len(LINE) + 1) + 1


class Pen:
    """A dnsmasq, which writes lines, and the agent that has started it."""

    def __init__(self, directory: Path) -> None:
        self.log = LogFile(directory)
        self.written = self.log.begin_anew()

    def say(self, *lines: str) -> None:
        os.write(self.written, "".join(line + "\n" for line in lines).encode())


@pytest.fixture
def pen(tmp_path: Path) -> Iterator[Pen]:
    one = Pen(tmp_path)
    yield one
    one.log.close()


def heard(log: LogFile) -> list[str]:
    found = []
    while lines := log.read():
        found += lines
        log.forget()
    return found


def next_life(directory: Path) -> list[str]:
    log = LogFile(directory)
    found = heard(log)
    log.close()
    return found


def test_lines_come_whole_and_in_order(pen: Pen) -> None:
    assert pen.log.read() == []
    os.write(pen.written, b"one\ntwo\nthr")
    assert pen.log.read() == ["one", "two"]
    os.write(pen.written, b"ee\n\xff\n")
    assert pen.log.read() == ["three", "\\xff"]


def test_a_line_without_end_is_cut(pen: Pen) -> None:
    os.write(pen.written, b"x" * (LONGEST_LINE_BYTES - 1))
    assert pen.log.read() == []
    os.write(pen.written, b"xy")
    assert pen.log.read() == ["x" * LONGEST_LINE_BYTES]


def test_the_next_life_reads_what_none_has_taken_in(tmp_path: Path, pen: Pen) -> None:
    pen.say("heard")
    pen.log.read()
    pen.log.forget()
    pen.say("read", "left")
    pen.log.read()
    pen.say("last")
    assert next_life(tmp_path) == ["read", "left", "last"]
    assert next_life(tmp_path) == []


def test_what_is_taken_in_needs_no_memory_and_the_file_does_not_grow(pen: Pen) -> None:
    for number in range(4 * LINES_OF_A_TURN):
        pen.say(LINE)
        if number % 1000 == 0:
            heard(pen.log)
    heard(pen.log)
    assert os.fstat(pen.written).st_size < 2 * TURN_BYTES
    assert os.fstat(pen.written).st_blocks * 512 < TURN_BYTES
    assert not pen.log.is_worn()


@pytest.mark.parametrize("has_holes", [True, False])
def test_the_next_life_finds_where_a_log_goes_on_that_was_turned(
    tmp_path: Path, pen: Pen, has_holes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_holes:
        refused = SimpleNamespace(fallocate=lambda *_unused: -1)
        monkeypatch.setattr(log_file, "_libc", refused)
    pen.say(*[LINE] * LINES_OF_A_TURN)
    heard(pen.log)
    pen.say("at the start again")
    assert heard(pen.log) == ["at the start again"]
    pen.say("then")
    log = LogFile(tmp_path)
    assert heard(log) == ["then"]
    pen.say("later")
    assert heard(log) == ["later"]
    log.close()


def test_another_dnsmasq_begins_with_an_empty_log(tmp_path: Path, pen: Pen) -> None:
    os.truncate(tmp_path / NAME, LIMIT_BYTES)
    assert pen.log.is_worn()
    pen.written = pen.log.begin_anew()
    pen.say("first")
    assert heard(pen.log) == ["first"]
    assert not pen.log.is_worn()


def test_the_pipe_of_an_older_agent_is_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / NAME)
    log = LogFile(tmp_path)
    assert log.read() == []
    assert stat.S_ISREG((tmp_path / NAME).stat().st_mode)
    log.close()

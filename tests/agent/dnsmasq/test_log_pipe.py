"""The pipe into which dnsmasq logs."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipam.agent.dnsmasq.log_pipe import LONGEST_LINE_BYTES, PIPE, LogPipe


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[LogPipe]:
    pipe = LogPipe(tmp_path)
    yield pipe
    pipe.close()


def test_lines_come_whole_and_in_order(pipe: LogPipe) -> None:
    assert pipe.read() == []
    os.write(pipe.descriptor, b"one\ntwo\nthr")
    assert pipe.read() == ["one", "two"]
    os.write(pipe.descriptor, b"ee\n\xff\n")
    assert pipe.read() == ["three", "\\xff"]


def test_a_line_without_end_is_cut(pipe: LogPipe) -> None:
    for _ in range(3):
        os.write(pipe.descriptor, b"x" * 1000)
        assert pipe.read() == []
    os.write(pipe.descriptor, b"\n")
    assert pipe.read() == ["x" * LONGEST_LINE_BYTES]


def test_what_one_reader_left_the_next_one_reads(tmp_path: Path, pipe: LogPipe) -> None:
    os.write(pipe.descriptor, b"left\n")
    second = LogPipe(tmp_path)
    assert second.read() == ["left"]
    second.close()


def test_a_plain_file_in_its_place_is_replaced(tmp_path: Path) -> None:
    (tmp_path / PIPE).write_text("an older agent's log\n")
    pipe = LogPipe(tmp_path)
    assert pipe.read() == []
    assert (tmp_path / PIPE).is_fifo()
    pipe.close()

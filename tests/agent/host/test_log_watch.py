"""The watch over files that somebody writes into."""

import errno
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from inotify_simple import INotify

from ipam.agent.host.log_watch import LogWatch


@pytest.fixture
def watch() -> Iterator[LogWatch]:
    watch = LogWatch()
    yield watch
    watch.close()


def made(tmp_path: Path, name: str) -> Path:
    path = tmp_path / name
    path.touch()
    return path


def refuse(*_: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_file_is_told_at_its_start_and_when_something_is_written(
    watch: LogWatch, tmp_path: Path
) -> None:
    one, other = made(tmp_path, "one"), made(tmp_path, "other")
    watch.watch("one", one)
    watch.watch("other", other)
    assert watch.wait() == {"one", "other"}
    other.write_text("line\n")
    assert watch.wait() == {"other"}


def test_a_file_with_more_in_it_is_told_again(watch: LogWatch, tmp_path: Path) -> None:
    watch.watch("one", made(tmp_path, "one"))
    watch.wait()
    watch.tell_again("one")
    assert watch.wait() == {"one"}


def test_a_file_that_is_not_watched_any_more_is_not_told(watch: LogWatch, tmp_path: Path) -> None:
    one, other = made(tmp_path, "one"), made(tmp_path, "other")
    watch.watch("one", one)
    watch.watch("other", other)
    watch.wait()
    watch.unwatch("one")
    one.write_text("line\n")
    other.write_text("line\n")
    assert watch.wait() == {"other"}


def test_a_watch_that_stops_tells_nothing(watch: LogWatch) -> None:
    watch.stop()
    assert watch.wait() is None


def test_a_file_that_the_kernel_does_not_watch_is_told_all_the_same(
    watch: LogWatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(INotify, "add_watch", refuse)
    watch.watch("one", made(tmp_path, "one"))
    assert watch.wait() == {"one"}
    assert watch.wait() == {"one"}


def test_the_kernels_refusal_is_said_once_each_time_it_begins(
    watch: LogWatch,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refused() -> int:
        return sum("max_user_watches" in record.getMessage() for record in caplog.records)

    caplog.set_level(logging.WARNING)
    one, other = made(tmp_path, "one"), made(tmp_path, "other")
    with monkeypatch.context() as full:
        full.setattr(INotify, "add_watch", refuse)
        watch.watch("one", one)
        watch.watch("other", other)
        assert refused() == 1
    watch.watch("one", one)
    watch.watch("other", other)
    with monkeypatch.context() as full:
        full.setattr(INotify, "add_watch", refuse)
        watch.watch("one", one)
    assert refused() == 2

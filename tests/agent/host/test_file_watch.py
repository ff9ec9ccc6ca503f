import contextlib
import select
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipam import files
from ipam.agent.host.file_watch import InotifyWatch


@pytest.fixture
def watch() -> Iterator[InotifyWatch]:
    with contextlib.closing(InotifyWatch()) as one:
        yield one


def test_what_others_do_in_a_watched_directory_is_told_once(
    watch: InotifyWatch, tmp_path: Path
) -> None:
    for name in ("written", "deleted", "moved"):
        (tmp_path / name).touch()
    watch.watch(tmp_path)
    assert set(watch.changed()) == set()
    (tmp_path / "written").write_text("more")
    (tmp_path / "deleted").unlink()
    (tmp_path / "moved").rename(tmp_path / "there")
    (tmp_path / ".invisible").write_text("x")
    assert select.select([watch], [], [], 0)[0]
    names = {"written", "deleted", "moved", "there"}
    assert set(watch.changed()) == {tmp_path / name for name in names}
    assert set(watch.changed()) == set()
    assert not select.select([watch], [], [], 0)[0]


def test_a_file_that_is_put_in_place_whole_is_told_by_its_name(
    watch: InotifyWatch, tmp_path: Path
) -> None:
    watch.watch(tmp_path)
    files.put(tmp_path / "file", b"x")
    assert set(watch.changed()) == {tmp_path / "file"}


def test_a_directory_that_goes_is_told_and_may_be_watched_again(
    watch: InotifyWatch, tmp_path: Path
) -> None:
    directory = tmp_path / "directory"
    for _ in range(2):
        directory.mkdir()
        watch.watch(directory)
        shutil.rmtree(directory)
        assert set(watch.changed()) == {directory}
    watch.unwatch(directory)


def test_what_is_watched_no_longer_is_not_told(watch: InotifyWatch, tmp_path: Path) -> None:
    watch.watch(tmp_path)
    watch.unwatch(tmp_path)
    (tmp_path / "file").touch()
    assert set(watch.changed()) == set()


def test_more_changes_than_the_kernel_keeps_are_a_change_of_everything(
    watch: InotifyWatch, tmp_path: Path
) -> None:
    queue = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    watch.watch(tmp_path)
    first, second = tmp_path / "a", tmp_path / "b"
    first.touch()
    for _ in range(queue // 4 + 1):  # a rename is two events
        first.rename(second)
        second.rename(first)
    assert set(watch.changed()) == {tmp_path}


def test_what_cannot_be_watched_is_said_once(
    watch: InotifyWatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        watch.watch(tmp_path / "nowhere")
    assert len(caplog.messages) == 1
    assert "nowhere" in caplog.messages[0]

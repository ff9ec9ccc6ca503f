"""Acknowledged events are sent, whatever happens to the agent in between."""

import contextlib
import random
import resource
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipam.agent.leases import inbox_file
from ipam.agent.leases.inbox_file import InboxFile
from tests.agent.leases.events import numbered


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[InboxFile]:
    file = InboxFile(tmp_path)
    yield file
    file.close()


def test_events_come_out_in_order_and_once(inbox: InboxFile) -> None:
    inbox.append(numbered(1, 2))
    inbox.append(numbered(3))
    events, position = inbox.peek(2)
    assert events == numbered(1, 2)
    inbox.forget(position)
    events, position = inbox.peek(2)
    assert events == numbered(3)
    inbox.forget(position)
    assert inbox.is_empty()
    assert inbox.peek(2)[0] == []


def test_an_emptied_inbox_takes_no_space(inbox: InboxFile, tmp_path: Path) -> None:
    inbox.append(numbered(*range(100)))
    inbox.forget(inbox.peek(1000)[1])
    assert (tmp_path / "inbox").stat().st_size == 0


def test_a_long_inbox_is_cut_at_its_head(
    inbox: InboxFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_file, "COMPACT_BYTES", 100)
    inbox.append(numbered(*range(100)))
    _events, position = inbox.peek(50)
    before = (tmp_path / "inbox").stat().st_size
    inbox.forget(position)
    assert (tmp_path / "inbox").stat().st_size == before - position
    inbox.append(numbered(100))
    assert inbox.peek(1000)[0] == numbered(*range(50, 101))


def test_a_torn_last_line_is_cut_off(tmp_path: Path) -> None:
    first = InboxFile(tmp_path)
    first.append(numbered(1))
    first.close()
    with (tmp_path / "inbox").open("ab") as file:
        file.write(b'{"id": 2')
    second = InboxFile(tmp_path)
    second.append(numbered(3))
    assert second.peek(9)[0] == numbered(1, 3)
    second.close()


def test_a_damaged_line_is_set_aside_and_blocks_nothing(tmp_path: Path) -> None:
    first, second = map(msgspec.json.encode, numbered(1, 2))
    (tmp_path / "inbox").write_bytes(first + b"\n\x00\x00\n" + second + b"\n")
    file = InboxFile(tmp_path)
    assert file.peek(9)[0] == numbered(1, 2)
    assert (tmp_path / "inbox.rejected").exists()
    file.close()


@contextlib.contextmanager
def disk_full_at(size: int) -> Iterator[None]:
    """No file of this process grows beyond this size, and a write up to it is done in part."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [0, 10, 200])
def test_a_disk_that_is_full_halfway_through_leaves_no_part_of_an_event(
    inbox: InboxFile, tmp_path: Path, room: int
) -> None:
    """The next events would be on the line of that part, and be lost with it."""
    inbox.append(numbered(1))
    before = (tmp_path / "inbox").read_bytes()
    with disk_full_at(len(before) + room), pytest.raises(OSError, match="too large"):
        inbox.append(numbered(*range(2, 10)))
    assert (tmp_path / "inbox").read_bytes() == before
    inbox.append(numbered(10))
    assert inbox.peek(99)[0] == numbered(1, 10)


@pytest.mark.parametrize("room", [0, 5], ids=["for nothing", "for the position alone"])
def test_what_a_full_disk_kept_from_being_forgotten_is_sent_again(
    inbox: InboxFile, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    monkeypatch.setattr(inbox_file, "COMPACT_BYTES", 1)
    inbox.append(numbered(1, 2, 3))
    _events, position = inbox.peek(1)
    with disk_full_at(room), pytest.raises(OSError, match="too large"):
        inbox.forget(position)
    assert inbox.peek(9)[0] == numbered(1, 2, 3)
    inbox.append(numbered(4))
    assert inbox.peek(9)[0] == numbered(1, 2, 3, 4)
    inbox.forget(position)
    assert inbox.peek(9)[0] == numbered(2, 3, 4)


def test_what_waits_is_what_the_api_has_not_taken(inbox: InboxFile, tmp_path: Path) -> None:
    inbox.append(numbered(1, 2))
    inbox.forget(inbox.peek(1)[1])
    with (tmp_path / "inbox").open("ab") as file:
        file.write(b"damaged\n")
    assert list(inbox.waiting()) == numbered(2)
    assert not (tmp_path / "inbox.rejected").exists(), "peek sets it aside, once"


@given(seed=st.integers(0, 2**32))
def test_nothing_acknowledged_is_lost_over_any_number_of_deaths(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    """Each life appends and ships a little; death may take the position's last write with it."""
    chance = random.Random(seed)
    directory = tmp_path_factory.mktemp("inbox")
    shipped: list[int] = []
    promised = 0
    for _life in range(6):
        file = InboxFile(directory)
        for _step in range(chance.randrange(6)):
            if chance.random() < 0.6:
                file.append(numbered(promised))
                promised += 1
            else:
                events, position = file.peek(chance.randrange(1, 4))
                shipped += [int(event.id) for event in events]
                if chance.random() < 0.8:
                    file.forget(position)
        file.close()
        if chance.random() < 0.5:
            with (directory / "inbox").open("ab") as torn:
                torn.write(b'{"id"')
    file = InboxFile(directory)
    shipped += [int(event.id) for event in file.peek(1000)[0]]
    file.close()
    assert sorted(set(shipped)) == list(range(promised))
    firsts = list(dict.fromkeys(shipped))
    assert firsts == sorted(firsts), "first deliveries are in order"

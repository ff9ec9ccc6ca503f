"""Acknowledged events are sent, whatever happens to the agent in between."""

import contextlib
import os
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
    with disk_full_at(len(before) + room):
        inbox.append(numbered(*range(2, 10)))
    assert (tmp_path / "inbox").read_bytes() == before
    assert inbox.peek(99)[0] == numbered(*range(1, 10))
    inbox.append(numbered(10))
    assert inbox.peek(99)[0] == numbered(*range(1, 11))
    assert (tmp_path / "inbox").read_bytes().count(b"\n") == 10


def test_what_waits_in_memory_is_shipped_in_order_and_said(
    inbox: InboxFile, caplog: pytest.LogCaptureFixture
) -> None:
    inbox.append(numbered(1))
    with disk_full_at(0):
        inbox.append(numbered(2))
        inbox.append(numbered(3))
        assert "File too large" in inbox.troubles["inbox"]
        events, position = inbox.peek(2)
        assert events == numbered(1, 2)
        inbox.forget(position)
        assert inbox.peek(9)[0] == numbered(3)
        assert not inbox.is_empty()
        inbox.append(numbered(4))
    inbox.append(numbered(5))
    assert inbox.peek(9)[0] == numbered(3, 4, 5)
    assert inbox.troubles == {}
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    inbox.forget(inbox.peek(9)[1])
    assert inbox.is_empty()


def test_memory_is_bounded_and_what_does_not_fit_is_refused_whole(
    inbox: InboxFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = len(msgspec.json.encode(numbered(1)[0])) + 1
    monkeypatch.setattr(inbox_file, "MEMORY_BYTES", 2 * one)
    with disk_full_at(0):
        inbox.append(numbered(1))
        with pytest.raises(OSError, match="too large"):
            inbox.append(numbered(2, 3))
        inbox.append(numbered(4))
    assert inbox.peek(9)[0] == numbered(1, 4)


def test_an_inbox_that_cannot_be_made_takes_events_and_is_made_when_it_can(
    tmp_path: Path,
) -> None:
    place = tmp_path / "state"
    place.write_text("in the way")
    file = InboxFile(place)
    file.append(numbered(1))
    assert file.peek(9)[0] == numbered(1)
    assert "inbox" in file.troubles
    place.unlink()
    place.mkdir()
    file.append(numbered(2))
    assert file.peek(9)[0] == numbered(1, 2)
    assert (place / "inbox").read_bytes().count(b"\n") == 2
    file.close()


@pytest.mark.parametrize("size", [0, 1, 60, 10**6])
def test_a_file_that_somebody_cut_or_grew_is_sent_again_as_it_is(
    inbox: InboxFile, tmp_path: Path, size: int
) -> None:
    inbox.append(numbered(1, 2, 3, 4))
    inbox.forget(inbox.peek(2)[1])
    os.truncate(tmp_path / "inbox", size)
    sent = [event.id for event in inbox.peek(9)[0]]
    inbox.append(numbered(5))
    assert [event.id for event in inbox.peek(9)[0]] == [*sent, "5"]
    inbox.forget(inbox.peek(9)[1])
    assert inbox.is_empty()


def test_a_file_that_somebody_removed_is_there_again_with_what_waits(
    inbox: InboxFile, tmp_path: Path
) -> None:
    inbox.append(numbered(1, 2))
    inbox.forget(inbox.peek(1)[1])
    (tmp_path / "inbox").unlink()
    inbox.append(numbered(3))
    assert inbox.peek(9)[0] == numbered(2, 3)
    assert (tmp_path / "inbox").read_bytes().count(b"\n") == 2


@pytest.mark.parametrize("position", [b"-5", b"7", b"999999999", b"garbage", b"1.5", b"", b"\xff"])
def test_a_position_that_is_none_sends_everything_again(tmp_path: Path, position: bytes) -> None:
    first = InboxFile(tmp_path)
    first.append(numbered(1, 2))
    first.close()
    (tmp_path / "inbox.position").write_bytes(position)
    second = InboxFile(tmp_path)
    assert second.peek(9)[0] == numbered(1, 2)
    second.close()


DETAIL = msgspec.json.encode(numbered(9)[0]).replace(b'"details":{}', b'"details":{"a":%s}')


@pytest.mark.parametrize(
    "poison",
    [
        b"NaN",
        b"[" * 100_000,
        b"\xff\xfe\x00garbage",
        b'"\\ud800"',
        b"\xed\xa0\x80",
        b"x" * 3_000_000,
        DETAIL.replace(b"%s", b"1e999"),
        DETAIL.replace(b"%s", b"NaN"),
        DETAIL.replace(b"%s", b"[" * 5000 + b"]" * 5000),
        DETAIL.replace(b"%s", b'"\\ud800"'),
    ],
    ids=lambda poison: repr(poison[-30:]),
)
def test_a_poisoned_line_is_set_aside_and_blocks_nothing(tmp_path: Path, poison: bytes) -> None:
    first, second = map(msgspec.json.encode, numbered(1, 2))
    (tmp_path / "inbox").write_bytes(b"\n".join([first, poison, second, b""]))
    file = InboxFile(tmp_path)
    assert list(file.waiting()) == numbered(1, 2)
    events, position = file.peek(99)
    assert events == numbered(1, 2)
    assert (tmp_path / "inbox.rejected").stat().st_size < 1_000_000
    file.forget(position)
    assert file.is_empty()
    file.close()


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_no_garbage_stops_what_can_be_sent(
    tmp_path_factory: pytest.TempPathFactory, garbage: list[bytes]
) -> None:
    directory = tmp_path_factory.mktemp("inbox")
    (directory / "inbox").write_bytes(b"\n".join(garbage) + b"\n")
    file = InboxFile(directory)
    file.append(numbered(1))
    sent: list[str] = []
    while not file.is_empty():
        events, position = file.peek(3)
        sent += [event.id for event in events]
        file.forget(position)
    assert sent == ["1"]
    file.close()


@pytest.mark.parametrize("room", [0, 5], ids=["for nothing", "for the position alone"])
def test_what_a_full_disk_kept_from_being_forgotten_is_sent_again(
    inbox: InboxFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    monkeypatch.setattr(inbox_file, "COMPACT_BYTES", 1)
    inbox.append(numbered(1, 2, 3))
    _events, position = inbox.peek(1)
    with disk_full_at(room):
        inbox.forget(position)
    assert inbox.peek(9)[0] == numbered(2, 3)
    inbox.append(numbered(4))
    assert inbox.peek(9)[0] == numbered(2, 3, 4)
    next_life = InboxFile(tmp_path)
    assert next_life.peek(9)[0] == numbered(1, 2, 3, 4)
    next_life.close()
    inbox.forget(inbox.peek(1)[1])
    assert inbox.peek(9)[0] == numbered(3, 4)


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

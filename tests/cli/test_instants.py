"""Points in time as people write them."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from ipam.cli.instants import end, instant, shown

NOW = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)  # a Wednesday


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("now", "2026-11-25T12:30"),
        ("90m", "2026-11-25T11:00"),
        ("2h ago", "2026-11-25T10:30"),
        ("3 days", "2026-11-22T12:30"),
        ("1 week ago", "2026-11-18T12:30"),
        ("10:00", "2026-11-25T10:00"),
        ("13:00", "2026-11-24T13:00"),
        ("today", "2026-11-25T00:00"),
        ("today 13:00", "2026-11-25T13:00"),
        ("yesterday at 10:00:05", "2026-11-24T10:00:05"),
        ("last tuesday 10:00", "2026-11-24T10:00"),
        ("Tue 10:00", "2026-11-24T10:00"),
        ("wednesday 10:00", "2026-11-25T10:00"),
        ("last wednesday 13:00", "2026-11-18T13:00"),
        ("thursday", "2026-11-19T00:00"),
        ("2026-11-22", "2026-11-22T00:00"),
        ("2026-11-22 08:00", "2026-11-22T08:00"),
        ("2026-11-22T08:00:00+02:00", "2026-11-22T06:00"),
        ("2026-11-22T08:00:00Z", "2026-11-22T08:00"),
    ],
)
def test_each_form_means_the_last_such_moment(text: str, meant: str) -> None:
    assert instant(text, NOW) == datetime.fromisoformat(meant).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "noon", "tuesday 25:00", "tuesday noon", "10:60", "5 apples", "32.11.2026"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        instant(text, NOW)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("90m", "2026-11-25T14:00"),
        ("in 2 hours", "2026-11-25T14:30"),
        ("2026-11-26", "2026-11-26T00:00"),
        ("2026-11-26 08:00", "2026-11-26T08:00"),
        ("2026-11-26T08:00:00+02:00", "2026-11-26T06:00"),
    ],
)
def test_a_length_of_time_means_the_end_of_it(text: str, meant: str) -> None:
    assert end(text, NOW) == datetime.fromisoformat(meant).replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "2h ago", "in 2h ago", "yesterday", "5 apples", "in"])
def test_what_is_no_end_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        end(text, NOW)


@pytest.mark.usefixtures("berlin")
def test_a_time_without_a_zone_is_local_by_the_rules_of_its_day() -> None:
    now = NOW.astimezone()
    winter, summer = instant("2026-11-22 08:00", now), instant("2026-07-22 08:00", now)
    assert (winter.utcoffset(), summer.utcoffset()) == (timedelta(hours=1), timedelta(hours=2))
    assert instant("tuesday 10:00", now) == datetime(2026, 11, 24, 9, tzinfo=UTC)


@pytest.mark.usefixtures("berlin")
def test_an_instant_is_shown_with_its_zone() -> None:
    assert shown("2026-11-24T09:00:00.000001Z") == "Tue 24 Nov 2026 10:00:00 CET"
    assert shown("2026-11-24T09:00:00Z", UTC) == "Tue 24 Nov 2026 09:00:00 UTC"
    assert shown(None) == ""

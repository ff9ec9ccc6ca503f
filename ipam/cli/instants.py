"""Reads points in time: `2h`, `last tuesday 10:00`, or an ISO instant; shows them with a zone."""

import re
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any

import click

from ipam import model

UNITS = {
    "seconds": ("s", "sec", "secs", "second"),
    "minutes": ("m", "min", "mins", "minute"),
    "hours": ("h", "hour"),
    "days": ("d", "day"),
    "weeks": ("w", "week"),
}
LENGTH = re.compile(r"(\d{1,6}) ?([a-z]+)")
CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
FORMS = (
    "2h or 7d (ago), now, today 10:00, yesterday, last tuesday 10:00, 10:00, 2026-11-22,"
    " '2026-11-22 08:00' or 2026-11-22T08:00:00Z"
)


def instant(text: str, now: datetime) -> datetime:
    """The instant that `text` means, in the zone of `now` if it names none.

    `90m` is 90 minutes before `now`. A weekday is the last one, today only if its time has come.
    A day without a time is its beginning. Raises ValueError for other text that is not ISO 8601.
    """
    words = " ".join(text.lower().split())
    if not words:
        raise ValueError("It is empty")
    if words == "now":
        return now
    if length := LENGTH.fullmatch(words.removesuffix(" ago")):
        return now - timedelta(**{_unit(length[2]): int(length[1])})
    day, _, clock = words.removeprefix("last ").removeprefix("on ").partition(" ")
    if CLOCK.fullmatch(day) and not clock:
        day, clock = "", day
    back = _days_back(day, now)
    if back is None:
        moment = datetime.fromisoformat(text.strip())
        return moment if moment.tzinfo else _in_zone(moment, now)
    at = _clock(clock.removeprefix("at ")) if clock else time()
    found = _on(now, back[0], at)
    return found if found <= now or not back[1] else _on(now, back[0] + back[1], at)


def _unit(word: str) -> str:
    found = [unit for unit, short in UNITS.items() if word in (unit, *short)]
    if not found:
        raise ValueError(word)
    return found[0]


def _days_back(day: str, now: datetime) -> tuple[int, int] | None:
    """How many days ago that day is, and how many more if that is still to come."""
    if day == "today":
        return 0, 0
    if day == "yesterday":
        return 1, 0
    if not day:
        return 0, 1
    named = [number for number, name in enumerate(WEEKDAYS) if day in (name, name[:3])]
    return ((now.weekday() - named[0]) % 7, 7) if named else None


def _on(now: datetime, days_back: int, at: time) -> datetime:
    return _in_zone(datetime.combine(now.date() - timedelta(days=days_back), at), now)


def _in_zone(moment: datetime, now: datetime) -> datetime:
    """The same time of day in the zone of `now`; in the system's, by the rules of that day."""
    return moment.replace(tzinfo=UTC) if now.tzinfo is UTC else moment.astimezone()


def _clock(text: str) -> time:
    found = CLOCK.fullmatch(text)
    if found is None:
        raise ValueError(text)
    hour, minute, second = (int(part or 0) for part in found.groups())
    return time(hour, minute, second)


LONG = "%a %d %b %Y %H:%M:%S %Z"
SHORT = "%Y-%m-%d %H:%M %Z"


def shown(text: str | None, zone: tzinfo | None = None, form: str = LONG) -> str:
    """An instant of the API, such as `Tue 24 Nov 2026 10:00:00 CET`; empty for none.

    In the system's zone, if none is given.
    """
    if text is None:
        return ""
    return datetime.fromisoformat(text).astimezone(zone).strftime(form)


_STEPS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def moment(text: str) -> datetime:
    """An instant of the API; in UTC if it names no zone."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def relative(text: str, now: datetime) -> str:
    """An instant of the API as seen from `now`, in its largest unit: `5 min ago`, `in 3 h`."""
    seconds = (moment(text) - now).total_seconds()
    count, unit = next(
        ((int(abs(seconds)) // size, unit) for size, unit in _STEPS if abs(seconds) >= size),
        (0, "s"),
    )
    return f"in {count} {unit}" if seconds > 0 else f"{count} {unit} ago"


LAST = "9999-12-31T23:59:59Z"
"""The last instant that the API can name."""
END_FORMS = "30d or 12h (from now), 2027-01-31, '2027-01-31 18:00', 2027-01-31T18:00:00Z or never"


def end(text: str, now: datetime) -> datetime:
    """The instant at which something is to end: so long after `now`, or in ISO 8601.

    Raises ValueError for other text, OverflowError for what no calendar has.
    """
    words = " ".join(text.lower().split()).removeprefix("in ")
    if length := LENGTH.fullmatch(words):
        return now + timedelta(**{_unit(length[2]): int(length[1])})
    found = datetime.fromisoformat(text.strip())
    return found if found.tzinfo else _in_zone(found, now)


class End(click.ParamType[str]):
    """An option that takes the end of something: an instant of the API, or NEVER."""

    name = "when"
    never = "never"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The instant. A usage error shows the possible forms."""
        if value == self.never:
            return self.never
        try:
            found = end(value, datetime.now().astimezone()).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no end: write {END_FORMS}.", param, ctx)
        return model.iso_time(int(found.timestamp()))


class Instant(click.ParamType[datetime]):
    """An option that takes an instant, in local time if it names no zone."""

    name = "when"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """The instant. A usage error shows the possible forms."""
        if isinstance(value, datetime):
            return value
        in_utc = ctx is not None and ctx.params.get("utc")
        try:
            return instant(value, datetime.now(UTC) if in_utc else datetime.now().astimezone())
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no point in time: write {FORMS}.", param, ctx)

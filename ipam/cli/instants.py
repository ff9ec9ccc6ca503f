"""Reads points in time: `2h` for two hours ago, a day, or an ISO instant."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
AGO = re.compile(r"(\d{1,6})([smhdw])")


def instant(text: str, now: datetime) -> datetime:
    """The instant that `text` means, with its time zone, which is UTC if it names none.

    `90m` is 90 minutes before `now`. Raises ValueError for other text that is not ISO 8601.
    """
    if ago := AGO.fullmatch(text):
        return now - timedelta(**{UNITS[ago[2]]: int(ago[1])})
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Instant(click.ParamType[datetime]):
    """An option that takes an instant."""

    name = "when"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """The instant. A usage error shows the possible forms."""
        if isinstance(value, datetime):
            return value
        try:
            return instant(value, datetime.now(UTC))
        except (ValueError, OverflowError):
            forms = "30m, 2h or 7d (ago), 2026-11-22 or 2026-11-22T08:00:00Z"
            self.fail(f"{value!r} is no point in time: write {forms}.", param, ctx)

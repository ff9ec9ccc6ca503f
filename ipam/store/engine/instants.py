"""Filters by time: compare an instant given as text with a column of the database.

The text is ISO 8601 (`2026-11-22T08:00:00Z`, `2026-11-22 08:00`, `2026-11-22`; UTC if it has no
offset) or seconds since the epoch.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Table, and_

from ipam.chunks import padded
from ipam.errors import HTTPBadRequest
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import SpecialFilter

_EPOCH = datetime.fromtimestamp(0, UTC)
_SECONDS = re.compile(r"\d{1,11}", re.ASCII)


def microseconds(text: str) -> int:
    """The instant in microseconds since the epoch. Raises HTTPBadRequest for any other text."""
    try:
        if _SECONDS.fullmatch(text):
            return int(text) * 1_000_000
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        raise HTTPBadRequest(
            f"{text[:64]!r} is no instant such as 2026-11-22T08:00:00Z or seconds since the epoch."
        ) from None


def equal(column: ColumnElement[int]) -> SpecialFilter:
    """Rows whose column of microseconds has exactly one of these instants."""

    def condition(_tx: Transaction, texts: Sequence[str]) -> ColumnElement[bool]:
        return column.in_(padded([microseconds(text) for text in texts]))

    return condition


def equal_seconds(column: ColumnElement[int]) -> SpecialFilter:
    """Rows whose column of seconds has exactly one of these instants."""

    def condition(_tx: Transaction, texts: Sequence[str]) -> ColumnElement[bool]:
        return column.in_(padded([microseconds(text) // 1_000_000 for text in texts]))

    return condition


def before_seconds(column: ColumnElement[int]) -> SpecialFilter:
    """Rows whose column of seconds is before this instant; none without a value."""

    def condition(_tx: Transaction, texts: Sequence[str]) -> ColumnElement[bool]:
        earliest = min(microseconds(text) for text in texts)
        return column < -(-earliest // 1_000_000)  # rounded up: an index has the bare column

    return condition


def of_changes(table: Table) -> dict[str, SpecialFilter]:
    """The filters on when a row was made and last changed."""
    return {name: equal_seconds(table.c[name]) for name in ("created_at", "updated_at")}


def at_or_after(*columns: ColumnElement[int]) -> SpecialFilter:
    """Rows whose columns of microseconds are all at this instant or after it."""

    def condition(_tx: Transaction, texts: Sequence[str]) -> ColumnElement[bool]:
        instant = max(microseconds(text) for text in texts)
        return and_(*(column >= instant for column in columns))

    return condition


def before(column: ColumnElement[int]) -> SpecialFilter:
    """Rows before this instant.

    The instant is excluded, so that successive periods do not overlap.
    """

    def condition(_tx: Transaction, texts: Sequence[str]) -> ColumnElement[bool]:
        return column < min(microseconds(text) for text in texts)

    return condition

"""Statements on the outbox of names that may not be in the zones elsewhere as they should be.

A row says which name, and not what it should be: the worker looks that up when it sends. So a
name has one row however often it changes, and what is sent last is what holds. A worker that has
claimed the row is the only one who sends the name.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Insert, and_, case, delete, func, literal_column, or_, select, update
from sqlalchemy.dialects import mysql, postgresql, sqlite

from ipam import clock
from ipam.chunks import chunks
from ipam.rules.dns_zones import Place
from ipam.store import outbox, tables
from ipam.store.engine.database import Transaction
from ipam.store.outbox import AT_ONCE_US

_T = tables.dns_change

WHOLE_ZONE: Final = ""
"""In place of a name: the whole zone is to be compared."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A name that only this worker sends, until its claim ends."""

    pk: int
    name: str
    revision: int
    attempts: int
    """This one included."""
    last_error: str


@dataclass(frozen=True, slots=True)
class OfZone:
    """What waits for a zone."""

    zone: str
    names: int
    failed: int
    """How many of them were not taken at the last attempt."""
    oldest_at_us: int
    last_error: str
    """Why: that of one of these."""


def put(tx: Transaction, places: Iterable[Place]) -> None:
    """Note names as changed, to be sent at once, or when the wait after a failure is over."""
    now_us = clock.now_microseconds()
    new = [
        {
            "zone": zone,
            "name": name,
            "created_at_us": now_us,
            "send_at_us": AT_ONCE_US,
            "attempts": 0,
        }
        for zone, name in sorted(
            places
        )  # in one order, so that no two transactions lock crosswise
    ]
    for some in chunks(new):
        tx.execute(_UPSERTS[tx.dialect], some)


def _upserts() -> dict[str, Insert]:
    # Not as a parameter: PyMySQL takes none there for many rows.
    raised: dict[str, Any] = {"revision": _T.c.revision + literal_column("1")}
    key = (_T.c.zone, _T.c.name)
    return {
        "sqlite": sqlite.insert(_T).on_conflict_do_update(index_elements=key, set_=raised),
        "postgresql": postgresql.insert(_T).on_conflict_do_update(index_elements=key, set_=raised),
        "mysql": mysql.insert(_T).on_duplicate_key_update(raised),
    }


_UPSERTS: Final = _upserts()


def is_due(tx: Transaction, zone: str, *, now_us: int) -> bool:
    """Whether there is something to claim."""
    return outbox.is_due(tx, _T, _T.c.zone == zone, now_us=now_us)


def claim(tx: Transaction, zone: str, *, now_us: int, hold_us: int, limit: int) -> list[Claimed]:
    """The oldest names of the zone that are due, at most `limit`: see `outbox.claim`."""
    of_zone = _T.c.zone == zone
    return [
        Claimed(row.pk, row.name, row.revision, row.attempts + 1, row.last_error)
        for row in outbox.claim(tx, _T, of_zone, now_us=now_us, hold_us=hold_us, limit=limit)
    ]


def done(tx: Transaction, claimed: Sequence[Claimed]) -> None:
    """Delete names that are as they should be. One that changed meanwhile is due again at once."""
    if not claimed:
        return
    same = (and_(_T.c.pk == each.pk, _T.c.revision == each.revision) for each in claimed)
    tx.execute(delete(_T).where(or_(*same)))
    mine = (and_(_T.c.pk == each.pk, _T.c.attempts == each.attempts) for each in claimed)
    again = update(_T).where(or_(*mine))
    tx.execute(again.values(send_at_us=AT_ONCE_US, attempts=0, last_error=""))


def postpone(tx: Transaction, claimed: Claimed, *, send_at_us: int, last_error: str) -> None:
    """Send the name again at that time, unless another worker has claimed it meanwhile."""
    outbox.postpone(
        tx,
        _T,
        claimed.pk,
        attempts=claimed.attempts,
        send_at_us=send_at_us,
        last_error=last_error,
    )


def retry(tx: Transaction, zones: Sequence[str]) -> int:
    """Let the names that wait after a failure be sent at once; how many there are."""
    waiting = update(_T).where(_T.c.zone.in_(zones), _T.c.last_error != "")
    return int(tx.execute(waiting.values(send_at_us=AT_ONCE_US)).rowcount)


def forget_others(tx: Transaction, zones: Sequence[str]) -> int:
    """Delete what waits for zones that are not among these."""
    return int(tx.execute(delete(_T).where(_T.c.zone.not_in(zones))).rowcount)


def waiting(tx: Transaction) -> list[OfZone]:
    """What waits, by zone."""
    query = (
        select(
            _T.c.zone,
            func.count().label("names"),
            func.sum(case((_T.c.last_error != "", 1), else_=0)).label("failed"),
            func.min(_T.c.created_at_us).label("oldest"),
            func.max(_T.c.last_error).label("error"),
        )
        .group_by(_T.c.zone)
        .order_by(_T.c.zone)
    )
    return [
        OfZone(row.zone, row.names, int(row.failed), row.oldest, row.error)
        for row in tx.execute(query)
    ]

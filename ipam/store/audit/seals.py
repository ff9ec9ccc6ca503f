"""Seals audit events in batches, verifies the seals, and forgets events that are old."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final

from sqlalchemy import delete, insert, select, update

from ipam import clock, model
from ipam.store import tables
from ipam.store.audit import chain
from ipam.store.engine.database import Database, Transaction
from ipam.store.engine.listing import Record

_T, _EVENT = tables.audit_seal, tables.audit_event

SETTLED_US: Final = 300_000_000
"""Five minutes: an event gets its number shortly before its commit, so that by then no event with
a lower number is still to come."""
PATIENCE_US: Final = 3_600_000_000
"""An hour: so long a batch waits to become full."""
DAY_US: Final = clock.SECONDS_PER_DAY * 1_000_000
NAMED_MAX: Final = 100
"""So many inserted events are named of one seal whose own are deleted."""


@dataclass(frozen=True, slots=True)
class Verified:
    """One seal, and each sentence on what is wrong with it or its events."""

    number: int
    digest: str
    faults: list[str]


def seal(tx: Transaction, key: bytes, *, limit: int) -> int:
    """Seal the next events, at most `limit`; how many. Two workers at once: a duplicate key."""
    now_us = clock.now_microseconds()
    last = tx.execute(select(_T).order_by(_T.c.number.desc()).limit(1)).one_or_none()
    after = last.last_pk if last else 0
    query = select(_EVENT).where(_EVENT.c.pk > after).order_by(_EVENT.c.pk).limit(limit)
    found = tx.execute(query).all()
    settled = list(takewhile(lambda row: row.occurred_at_us < now_us - SETTLED_US, found))
    if not settled:
        return 0
    if len(settled) < limit and settled[0].occurred_at_us > now_us - PATIENCE_US:
        return 0
    marks = b"".join(chain.mark(key, row._asdict()) for row in settled)
    new = {
        "number": last.number + 1 if last else 1,
        "first_pk": after + 1,
        "last_pk": settled[-1].pk,
        "last_at_us": max(row.occurred_at_us for row in settled),
        "sealed_at": clock.now_seconds(),
        "marks_digest": chain.marks_digest(marks),
    }
    digest = chain.digest(key, last.digest if last else "", new)
    tx.execute(insert(_T).values(**new, marks=marks, digest=digest))
    return len(settled)


def forget(tx: Transaction, *, before_us: int) -> int | None:
    """Delete the events of the oldest seal if all are from before this instant; how many.

    The seal stays without marks, and the one before it, by which it can be checked that its events
    were due. None: nothing is sealed.
    """
    query = select(_T).where(_T.c.marks.is_not(None)).order_by(_T.c.number).limit(1)
    oldest = tx.execute(query).one_or_none()
    if oldest is None:
        return None
    if oldest.last_at_us >= before_us:
        return 0
    within = _EVENT.c.pk.between(oldest.first_pk, oldest.last_pk)
    count = tx.execute(delete(_EVENT).where(within)).rowcount
    tx.execute(update(_T).where(_T.c.number == oldest.number).values(marks=None))
    tx.execute(delete(_T).where(_T.c.number < oldest.number - 1))
    return count


def verify(database: Database, key: bytes, *, retention_days: int) -> Iterator[Verified]:
    """Every seal, the oldest first, compared with its events and with the seal before it.

    Of a seal whose events were deleted it is looked whether they were older than the retention.
    """
    due_us = clock.now_microseconds() - retention_days * DAY_US if retention_days else 0
    previous, found = None, database.read(lambda tx: _after(tx, None))
    while found is not None:
        following = database.read(lambda tx, last=found: _after(tx, last))  # type: ignore[misc]
        faults = _faults_of_seal(key, found, previous)
        if found.marks is not None:
            faults += _faults_of_events(database, key, found)
        elif previous is not None or found.number == 1:
            faults += _faults_of_deletion(found, due_us)
        elif following is None or following.marks is not None:  # its time is anybody's word
            faults.append(f"the seals before {found.number} were removed")
        if previous is None or found.marks is None:
            faults += _inserted(database, found, is_first=previous is None)
        yield Verified(found.number, found.digest, faults)
        previous, found = found, following


def _after(tx: Transaction, previous: Record | None) -> Record | None:
    query = select(_T).order_by(_T.c.number).limit(1)
    if previous is not None:
        query = query.where(_T.c.number > previous.number)
    return tx.execute(query).one_or_none()


def _faults_of_seal(key: bytes, found: Record, previous: Record | None) -> list[str]:
    """What is wrong with the seal itself, or with what is left before it."""
    faults = []
    number, is_whole = found.number, found.marks is not None
    if previous is not None or number == 1:
        expected = chain.digest(key, "" if previous is None else previous.digest, found._asdict())
        if found.digest != expected:
            faults.append(f"seal {number} is not as it was made, or not the next one")
    if previous is None:
        if is_whole and number > 1:
            faults.append(f"the seals before {number} were removed")
    elif previous.marks is not None and not is_whole:
        faults.append(f"seal {number} has lost its marks")
    if is_whole and chain.marks_digest(found.marks) != found.marks_digest:
        faults.append(f"the marks of seal {number} were altered")
    return faults


def _faults_of_deletion(found: Record, due_us: int) -> list[str]:
    if found.last_at_us < due_us:
        return []
    last = model.iso_time(found.last_at_us // 1_000_000)
    return [f"the events of seal {found.number}, up to {last}, were deleted before their time"]


def _inserted(database: Database, found: Record, *, is_first: bool) -> list[str]:
    """Events with numbers that no event has any more: those of a forgotten seal, or before it."""
    last = found.last_pk if found.marks is None else found.first_pk - 1
    numbers = _EVENT.c.pk <= last
    if not is_first:
        numbers &= _EVENT.c.pk >= found.first_pk
    query = select(_EVENT.c.id).where(numbers).order_by(_EVENT.c.pk).limit(NAMED_MAX)
    ids = database.read(lambda tx: tx.execute(query).scalars().all())
    return [f"event {each} was inserted" for each in ids]


def _faults_of_events(database: Database, key: bytes, found: Record) -> list[str]:
    query = select(_EVENT).where(_EVENT.c.pk.between(found.first_pk, found.last_pk))
    rows: list[Mapping[str, Any]] = database.read(
        lambda tx: [dict(row) for row in tx.execute(query).mappings()]
    )
    ids = {row["pk"]: row["id"] for row in rows}
    result = chain.differences(found.marks, [chain.mark(key, row) for row in rows])
    return [
        *(f"event {ids[pk]} was altered" for pk in result.altered),
        *(f"event number {pk} of seal {found.number} was removed" for pk in result.removed),
        *(f"event {ids[pk]} was inserted" for pk in result.inserted),
    ]

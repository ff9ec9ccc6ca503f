"""Statements on audit events: who changed what, and who was refused."""

import os
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, and_, delete, select

from ipam.store import tables
from ipam.store.engine import instants, last_rows
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Collection

_T = tables.audit_event
_COLUMNS: Final = tuple(column.name for column in _T.c if column is not _T.c.pk)

EMPTY: Final[Mapping[str, Any]] = {
    "request_id": "",
    "user_id": "",
    "user_name": "",
    "user_project_id": "",
    "roles": "",
    "authentication": "",
    "address": "",
    "path": "",
    "object_type": "",
    "object_id": "",
    "object_name": "",
    "project_id": "",
    "changes": {},
    "reason": "",
    "times": 1,
}
"""Every column but `occurred_at_us`, `operation` and `status`."""
WORKER: Final = "worker"
"""Who did what the worker does by itself, and how it was recognised: no request's user is so."""

OUT_OF_ORDER_MS: Final = 600_000
"""Ten minutes: numbers and times of events differ in their order by less, because an event gets
both shortly before its commit. The rest allows for clocks of several machines."""


def add(tx: Transaction, events: Sequence[Mapping[str, Any]]) -> None:
    """Insert events before the commit, each with every column but `id` and `pk`.

    `changes` may be `msgspec.Raw`.
    """
    last_rows.add(tx, _T, _COLUMNS, [_row(event) for event in events])


def _row(event: Mapping[str, Any]) -> tuple[Any, ...]:
    changes = msgspec.json.encode(event["changes"]).decode()
    values = {**event, "id": _new_id(), "changes": changes}
    return tuple([values[name] for name in _COLUMNS])


def _new_id() -> str:
    """A UUID of version 7 (RFC 9562), which grows with time."""
    return _id_at(time.time_ns() // 1_000_000, int.from_bytes(os.urandom(10), "big"))


def _id_at(milliseconds: int, rest: int = 0) -> str:
    """The UUID of version 7 with this time; without a `rest` the least one."""
    number = max(milliseconds, 0) << 80 | rest
    number = number & ~(0xF << 76) | 7 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=number))


def _since(tx: Transaction, texts: Sequence[str]) -> ColumnElement[bool]:
    """Events from this instant on.

    The list goes by number. The limit of the numbers lets the database begin where the time does.
    """
    condition = instants.at_or_after(_T.c.occurred_at_us)(tx, texts)
    at_ms = max(instants.microseconds(text) for text in texts) // 1000
    earlier = _T.c.id < _id_at(at_ms - OUT_OF_ORDER_MS)
    query = select(_T.c.pk).where(earlier).order_by(_T.c.id.desc()).limit(1)
    first = tx.execute(query).scalar_one_or_none()
    return condition if first is None else and_(condition, _T.c.pk > first)


def _until(tx: Transaction, texts: Sequence[str]) -> ColumnElement[bool]:
    """Events before this instant. Like `_since`."""
    condition = instants.before(_T.c.occurred_at_us)(tx, texts)
    at_ms = min(instants.microseconds(text) for text in texts) // 1000
    later = _T.c.id > _id_at(at_ms + OUT_OF_ORDER_MS)
    query = select(_T.c.pk).where(later).order_by(_T.c.id).limit(1)
    last = tx.execute(query).scalar_one_or_none()
    return condition if last is None else and_(condition, _T.c.pk < last)


def _refused(_tx: Transaction, texts: Sequence[str]) -> ColumnElement[bool]:
    """Whether the change was refused: true or false."""
    is_refusal = _T.c.status >= 400
    return is_refusal if texts[-1].lower() in ("true", "1") else ~is_refusal


COLLECTION: Final = Collection(
    source=_T,
    selected=tuple(_T.c),
    columns={
        "id": _T.c.id,
        "request_id": _T.c.request_id,
        "user_id": _T.c.user_id,
        "user_name": _T.c.user_name,
        "user_project_id": _T.c.user_project_id,
        "authentication": _T.c.authentication,
        "address": _T.c.address,
        "operation": _T.c.operation,
        "status": _T.c.status,
        "object_type": _T.c.object_type,
        "object_id": _T.c.object_id,
        "object_name": _T.c.object_name,
        "project_id": _T.c.project_id,
        "tenant_id": _T.c.project_id,
    },
    id=_T.c.id,
    pk=_T.c.pk,
    special={
        "occurred_at": instants.equal(_T.c.occurred_at_us),
        "since": _since,
        "until": _until,
        "refused": _refused,
    },
    newest_first=True,
)


def forget(tx: Transaction, *, before_us: int, limit: int) -> int:
    """Delete at most `limit` unsealed events from before this instant; how many were deleted."""
    query = (
        select(_T.c.pk)
        .where(_T.c.id < _id_at(before_us // 1000))
        .order_by(_T.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    pks = list(tx.execute(query).scalars())
    return tx.execute(delete(_T).where(_T.c.pk.in_(pks))).rowcount if pks else 0

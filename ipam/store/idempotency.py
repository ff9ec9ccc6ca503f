"""Statements on the answers that are kept for requests with an Idempotency-Key."""

import zlib
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from ipam import clock
from ipam.store import tables
from ipam.store.engine.database import Transaction

_T = tables.idempotency_key

KEPT_SECONDS: Final = 86_400
"""A day: longer than any client retries, short enough that the table stays small."""


class KeyTaken(Exception):  # noqa: N818  # no error: another request has given the answer
    """Another transaction, now committed, used the key first."""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What is known of the first request with the key. Without an answer it has no status."""

    request: str
    status: int | None
    answer: bytes
    is_over: bool
    """Whether it was kept long enough, so that the key is free again."""


def find(tx: Transaction, key_id: str) -> KeptAnswer | None:
    """What is kept under the key."""
    row = tx.execute(select(_T).where(_T.c.id == key_id)).one_or_none()
    if row is None:
        return None
    answer = zlib.decompress(row.answer) if row.answer else b""
    return KeptAnswer(row.request, row.status, answer, is_over=row.created_at <= _oldest())


def claim(tx: Transaction, key_id: str, request: str, *, is_over: bool) -> None:
    """Take the key for this transaction, or wait for the transaction that has it.

    `is_over` says that there may be a row that was kept long enough. Raises KeyTaken.
    """
    if is_over:
        tx.execute(delete(_T).where(_T.c.id == key_id, _T.c.created_at <= _oldest()))
    new = {"id": key_id, "request": request, "created_at": clock.now_seconds()}
    try:
        tx.execute(insert(_T).values(new))
    except IntegrityError as error:
        raise KeyTaken from error


def settle(tx: Transaction, key_id: str, status: int, answer: bytes) -> None:
    """Keep the answer to the request that has claimed the key."""
    packed = zlib.compress(answer, level=1)
    tx.execute(update(_T).where(_T.c.id == key_id).values(status=status, answer=packed))


def forget_old(tx: Transaction, *, limit: int) -> int:
    """Delete at most `limit` answers that are older than a day; how many were deleted."""
    old = select(_T.c.id).where(_T.c.created_at <= _oldest()).limit(limit)
    ids = list(tx.execute(old).scalars())
    return tx.execute(delete(_T).where(_T.c.id.in_(ids))).rowcount if ids else 0


def _oldest() -> int:
    return clock.now_seconds() - KEPT_SECONDS

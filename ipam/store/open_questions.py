"""Whether any agent may have a question to answer: one look for all kinds of them."""

from typing import Final

from sqlalchemy import bindparam, select, union_all

from ipam import clock
from ipam.store import tables
from ipam.store.engine.database import Transaction

OPEN_SECONDS: Final = 60
"""A question is open so long. After that nobody waits for its answer."""

_ANY_OPEN: Final = union_all(
    *(
        select(table.c.id)
        .where(table.c.asked_at > bindparam("after"))
        .limit(1)
        .subquery()
        .select()
        for table in (tables.port_probe, tables.address_check)
    )
)


def oldest() -> int:
    """A question that was asked after this time (epoch seconds) is open."""
    return clock.now_seconds() - OPEN_SECONDS


def is_any(tx: Transaction) -> bool:
    """False nearly always, and most agents ask every few seconds."""
    return tx.execute(_ANY_OPEN, {"after": oldest()}).first() is not None

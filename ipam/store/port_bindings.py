"""Statements on the inactive bindings of ports; the active one stands in the port's own row."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert, select, update

from ipam.store import tables
from ipam.store.database import Transaction
from ipam.store.listing import Record

_T = tables.port_binding


def of_port(tx: Transaction, port_pk: int) -> Sequence[Record]:
    """The port's inactive bindings, by host."""
    query = select(_T).where(_T.c.port_pk == port_pk).order_by(_T.c.host)
    return tx.execute(query).all()


def find(tx: Transaction, port_pk: int, host: str) -> Record | None:
    """The port's inactive binding to this host."""
    query = select(_T).where(_T.c.port_pk == port_pk, _T.c.host == host)
    return tx.execute(query).one_or_none()


def add(tx: Transaction, port_pk: int, host: str, values: Mapping[str, Any]) -> None:
    """Insert an inactive binding. The caller holds the port's row, so the key is free."""
    tx.execute(insert(_T), {"port_pk": port_pk, "host": host, "ready": False, **values})


def change(tx: Transaction, port_pk: int, host: str, values: Mapping[str, Any]) -> None:
    """Set these columns of an inactive binding."""
    if values:
        mine = (_T.c.port_pk == port_pk, _T.c.host == host)
        tx.execute(update(_T).where(*mine).values(**values))


def remove(tx: Transaction, port_pk: int, host: str) -> bool:
    """Delete an inactive binding; whether there was one."""
    mine = (_T.c.port_pk == port_pk, _T.c.host == host)
    return tx.execute(delete(_T).where(*mine)).rowcount > 0

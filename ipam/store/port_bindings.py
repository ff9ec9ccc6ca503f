"""Statements on inactive bindings of ports. The active binding is in the port's own row.

The API shows inactive bindings. A host that the port has left also has a row, marked `leaving`,
until the new host's agent is ready for the port. Until then the old host's agent serves the port.
The API does not show such rows.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert, not_, select, update

from ipam import model
from ipam.store import host_filters, tables
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record

_T = tables.port_binding
_IS_INACTIVE = not_(_T.c.leaving)


def of_port(tx: Transaction, port_pk: int) -> Sequence[Record]:
    """The port's inactive bindings, by host, and what `host_filters` says of their hosts."""
    query = select(*_T.c, host_filters.of_host(_T.c.host))
    mine = query.where(_T.c.port_pk == port_pk, _IS_INACTIVE)
    return tx.execute(mine.order_by(_T.c.host)).all()


def find(tx: Transaction, port_pk: int, host: str) -> Record | None:
    """The port's inactive binding to this host. PostgreSQL cannot be asked for a NUL."""
    if "\0" in host:
        return None
    query = select(_T).where(_T.c.port_pk == port_pk, _T.c.host == host, _IS_INACTIVE)
    return tx.execute(query).one_or_none()


def add(tx: Transaction, port_pk: int, host: str, values: Mapping[str, Any]) -> None:
    """Insert an inactive binding. It replaces a `leaving` one of the same host.

    The caller has locked the port's row, so the key is free.
    """
    remove(tx, port_pk, host)
    tx.execute(insert(_T), {"port_pk": port_pk, "host": host, "ready": False, **values})


def demote(tx: Transaction, port: Record, *, leaving: bool) -> None:
    """Keep the port's active binding as an inactive one, or as a `leaving` one."""
    values = {
        name: getattr(port, f"binding_{name}") for name in ("vnic_type", "profile", "vif_type")
    }
    values["ready"] = port.status == model.ACTIVE  # its agent goes on serving
    add(tx, port.pk, port.binding_host_id, {**values, "leaving": leaving})


def change(tx: Transaction, port_pk: int, host: str, values: Mapping[str, Any]) -> None:
    """Set these columns of an inactive binding."""
    if values:
        mine = (_T.c.port_pk == port_pk, _T.c.host == host)
        tx.execute(update(_T).where(*mine).values(**values))


def remove(tx: Transaction, port_pk: int, host: str) -> None:
    """Delete the port's binding to this host, inactive or `leaving`."""
    tx.execute(delete(_T).where(_T.c.port_pk == port_pk, _T.c.host == host))


def end_leaving(tx: Transaction, port_pks: Sequence[int]) -> None:
    """Delete the `leaving` bindings of these ports: their own host serves them."""
    tx.execute(delete(_T).where(_T.c.port_pk.in_(port_pks), _T.c.leaving))

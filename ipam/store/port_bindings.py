"""Statements on the bindings of ports that are not active; the active one is the port's own row.

Inactive ones are what the API shows. A host that the port has left has a row too, `leaving`, until
the new host's agent is ready for the port (`settle`): so long its agent serves the port, and
nobody else hears of it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert, not_, select, update

from ipam import model
from ipam.store import tables
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record

_T = tables.port_binding
_IS_INACTIVE = not_(_T.c.leaving)


def of_port(tx: Transaction, port_pk: int) -> Sequence[Record]:
    """The port's inactive bindings, by host."""
    query = select(_T).where(_T.c.port_pk == port_pk, _IS_INACTIVE).order_by(_T.c.host)
    return tx.execute(query).all()


def find(tx: Transaction, port_pk: int, host: str) -> Record | None:
    """The port's inactive binding to this host."""
    query = select(_T).where(_T.c.port_pk == port_pk, _T.c.host == host, _IS_INACTIVE)
    return tx.execute(query).one_or_none()


def add(tx: Transaction, port_pk: int, host: str, values: Mapping[str, Any]) -> None:
    """Insert an inactive binding, also in the place of one that is leaving.

    The caller holds the port's row, so the key is free.
    """
    remove(tx, port_pk, host)
    tx.execute(insert(_T), {"port_pk": port_pk, "host": host, "ready": False, **values})


def demote(tx: Transaction, port: Record, *, leaving: bool) -> None:
    """Keep the port's active binding as an inactive one, or as one that is leaving."""
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
    """Delete what the port has of this host, inactive or leaving."""
    tx.execute(delete(_T).where(_T.c.port_pk == port_pk, _T.c.host == host))


def settle(tx: Transaction, port_pks: Sequence[int]) -> None:
    """Nobody serves these ports any more on behalf of the host where they are."""
    tx.execute(delete(_T).where(_T.c.port_pk.in_(port_pks), _T.c.leaving))

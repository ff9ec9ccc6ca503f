"""Statements on address scopes."""

from typing import Final

from sqlalchemy import delete, exists, select, update

from ipam import clock
from ipam.store import rbac, tables, visibility
from ipam.store.engine import instants
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Collection, Record, Viewer
from ipam.store.engine.reading import read_one

_T = tables.address_scope

COLLECTION: Final = Collection(
    source=_T,
    selected=rbac.selected(_T, "address_scope"),
    columns={
        "id": _T.c.id,
        "name": _T.c.name,
        "project_id": _T.c.project_id,
        "tenant_id": _T.c.project_id,
        "description": _T.c.description,
        "ip_version": _T.c.ip_version,
        "shared": rbac.shared_for_viewer(_T, "address_scope"),
        "revision_number": _T.c.revision_number,
        "created_at": _T.c.created_at,
        "updated_at": _T.c.updated_at,
    },
    id=_T.c.id,
    pk=_T.c.pk,
    special=instants.of_changes(_T),
    relations=visibility.ADDRESS_SCOPE,
)


def bump(tx: Transaction, scope_id: str, project_id: str) -> Record | None:
    """The scope's row, if the project may use it. Raising its revision locks it on every database.

    Call this before adding prefixes to the scope, so that nobody else does meanwhile.
    """
    raised = {"revision_number": _T.c.revision_number + 1, "updated_at": clock.now_seconds()}
    tx.execute(update(_T).where(_T.c.id == scope_id).values(**raised))
    return read_one(tx, COLLECTION, scope_id, Viewer(project_id, _USERS))


_USERS: Final = frozenset({"owner", "shared"})


def of_number(tx: Transaction, pk: int) -> Record:
    """The `id` and `project_id` of the scope with this number."""
    return tx.execute(select(_T.c.id, _T.c.project_id).where(_T.c.pk == pk)).one()


def in_use(tx: Transaction, pk: int) -> bool:
    """Whether any subnet pool is in the scope."""
    pool = tables.subnetpool
    return bool(tx.execute(select(exists().where(pool.c.address_scope_pk == pk))).scalar())


def remove(tx: Transaction, pk: int) -> None:
    """Delete a scope that has no subnet pools."""
    tx.execute(delete(_T).where(_T.c.pk == pk))

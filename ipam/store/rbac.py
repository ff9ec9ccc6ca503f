"""Statements on RBAC policies: with whom networks, subnet pools and address scopes are shared."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    String,
    Table,
    bindparam,
    delete,
    exists,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from ipam import model
from ipam.errors import DuplicateRbacPolicy
from ipam.store import tables
from ipam.store.engine import rows
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Collection, Record
from ipam.store.engine.retry import is_duplicate_key

_T = tables.rbac_policy

SHARED: Final = "access_as_shared"
EXTERNAL: Final = "access_as_external"
EVERYBODY: Final = "*"
"""The target that means every project."""

OBJECTS: Final[Mapping[str, Table]] = {
    "network": tables.network,
    "subnetpool": tables.subnetpool,
    "address_scope": tables.address_scope,
}
"""The types of objects that can be shared, and their tables."""

DEPENDENTS: Final[Mapping[str, tuple[Table, Column[Any]]]] = {
    "network": (tables.port, tables.port.c.network_pk),
    "subnetpool": (tables.subnet, tables.subnet.c.subnetpool_pk),
    "address_scope": (tables.subnetpool, tables.subnetpool.c.address_scope_pk),
}
"""The table of what depends on each type of object, and its column that refers to the object."""

COLLECTION: Final = Collection(
    source=_T,
    selected=tuple(_T.c),
    columns={
        "id": _T.c.id,
        "project_id": _T.c.project_id,
        "tenant_id": _T.c.project_id,
        "object_type": _T.c.object_type,
        "object_id": _T.c.object_id,
        "action": _T.c.action,
        "target_tenant": _T.c.target_project_id,
    },
    id=_T.c.id,
    pk=_T.c.pk,
)


def shared_with(
    object_type: str, project_id: str, actions: Sequence[str] = (SHARED, EXTERNAL)
) -> Select[Any]:
    """The ids of the objects that policies share with this project or with everybody.

    For `table.c.id.in_(shared_with("network", project_id))`: answered from one index.
    """
    return select(_T.c.object_id).where(
        _T.c.target_project_id.in_((project_id, EVERYBODY)),
        _T.c.object_type == object_type,
        _T.c.action.in_(actions),
    )


def is_shared_with(tx: Transaction, object_type: str, object_id: str, project_id: str) -> bool:
    """Whether a policy shares the object with this project, which may be everybody."""
    found = shared_with(object_type, project_id).where(_T.c.object_id == object_id).limit(1)
    return tx.execute(found).first() is not None


_VIEWER: Final = bindparam("viewer", "", String())
"""The project that reads, a parameter that `listing` sets. Its default is no project."""


def shared_for_viewer(table: Table, object_type: str) -> ColumnElement[bool]:
    """Whether the object is shared with the reader: with everybody, or with the reader's project.

    Neutron does the same: a client that asks for shared networks means those that it may use.
    """
    with_viewer = select(_T.c.object_id).where(
        _T.c.target_project_id == _VIEWER,
        _T.c.object_type == object_type,
        _T.c.action == SHARED,
    )
    return or_(table.c.shared, table.c.id.in_(with_viewer))


def selected(table: Table, object_type: str) -> tuple[ColumnElement[Any], ...]:
    """The columns of a table of shareable objects, with `shared` as the reader sees it."""
    shared = shared_for_viewer(table, object_type).label("shared")
    return tuple(shared if column.name == "shared" else column for column in table.c)


def add(tx: Transaction, values: Mapping[str, Any]) -> int:
    """Insert a policy; its number. Raises DuplicateRbacPolicy."""
    try:
        return rows.insert_one(tx, _T, {"id": model.new_id(), **values})
    except IntegrityError as error:
        if is_duplicate_key(error, "uq_rbac_policy_object_id_action_target_project_id"):
            raise DuplicateRbacPolicy(
                "An RBAC policy already exists with those values."
            ) from error
        raise


def change_target(tx: Transaction, pk: int, target: str) -> None:
    """Give a policy another target project. Raises DuplicateRbacPolicy."""
    if tx.notes is not None:
        tx.notes.touch(_T.name, pk, {"target_project_id": target})
    try:
        tx.execute(update(_T).where(_T.c.pk == pk).values(target_project_id=target))
    except IntegrityError as error:
        raise DuplicateRbacPolicy("An RBAC policy already exists with those values.") from error


def remove(tx: Transaction, pk: int) -> None:
    """Delete a policy. The caller has checked that nothing depends on it."""
    tx.execute(delete(_T).where(_T.c.pk == pk))


def forget(tx: Transaction, object_id: str) -> None:
    """Delete the policies of an object that is deleted in this transaction."""
    tx.execute(delete(_T).where(_T.c.object_id == object_id))


def lock_object(tx: Transaction, object_type: str, object_id: str) -> Record | None:
    """The row of the object of policies, locked until the transaction ends."""
    return rows.lock(tx, OBJECTS[object_type], object_id)


def publish(tx: Transaction, object_type: str, row: Any, action: str) -> None:
    """Add a policy of its owner that shares an object with everybody, if there is none."""
    if _of_everybody(tx, row.id, action) is None:
        add(
            tx,
            {
                "project_id": row.project_id,
                "object_type": object_type,
                "object_id": row.id,
                "action": action,
                "target_project_id": EVERYBODY,
            },
        )


def withdraw(tx: Transaction, object_id: str, action: str) -> None:
    """Delete the policies that make the object's attribute true."""
    tx.execute(delete(_T).where(*_behind_flag(object_id, action)))


def has_flag(tx: Transaction, object_id: str, action: str) -> bool:
    """Whether a policy makes the object's attribute true."""
    found = select(_T.c.pk).where(*_behind_flag(object_id, action)).limit(1)
    return tx.execute(found).first() is not None


def _behind_flag(object_id: str, action: str) -> list[ColumnElement[bool]]:
    """Shared is what everybody shares; a network is external by any policy, as in Neutron."""
    conditions = [_T.c.object_id == object_id, _T.c.action == action]
    if action != EXTERNAL:
        conditions.append(_T.c.target_project_id == EVERYBODY)
    return conditions


def _of_everybody(tx: Transaction, object_id: str, action: str) -> int | None:
    return tx.execute(
        select(_T.c.pk).where(
            _T.c.object_id == object_id,
            _T.c.action == action,
            _T.c.target_project_id == EVERYBODY,
        )
    ).scalar_one_or_none()


def set_flag(tx: Transaction, object_type: str, pk: int, flag: str, *, value: bool) -> None:
    """Set the attribute of the object that repeats what its policies say."""
    table = OBJECTS[object_type]
    if tx.execute(select(table.c[flag]).where(table.c.pk == pk)).scalar_one() != value:
        rows.touch(tx, table, pk, {flag: value})


def dependent(tx: Transaction, object_type: str, row: Record, target: str) -> str | None:
    """The id of a resource that needs the policy for this target, if there is one.

    It is a port on the network, a subnet of the subnet pool, or a subnet pool in the address
    scope. It belongs to the target project; for the target `*`, to any project that is not the
    owner and that has no policy of its own.
    """
    table, reference = DEPENDENTS[object_type]
    conditions = [reference == row.pk, table.c.project_id != row.project_id]
    covered = select(_T.c.target_project_id).where(
        _T.c.object_id == row.id, _T.c.action == SHARED, _T.c.target_project_id != target
    )
    if target == EVERYBODY:
        conditions.append(table.c.project_id.not_in(covered))
    else:
        everybody = exists().where(
            _T.c.object_id == row.id,
            _T.c.action == SHARED,
            _T.c.target_project_id == EVERYBODY,
        )
        conditions += [table.c.project_id == target, not_(everybody)]
    return tx.execute(select(table.c.id).where(*conditions).limit(1)).scalar_one_or_none()

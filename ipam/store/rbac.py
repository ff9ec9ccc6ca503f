"""Statements on RBAC policies: with whom networks, subnet pools and address scopes are shared."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select, select

from ipam.store import tables
from ipam.store.listing import Collection

_T = tables.rbac_policy

SHARED: Final = "access_as_shared"
EXTERNAL: Final = "access_as_external"
EVERYBODY: Final = "*"
"""The target that is every project."""

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
        "target_project_id": _T.c.target_project_id,
    },
    id=_T.c.id,
    pk=_T.c.pk,
)


def shared_with(
    object_type: str, project_id: str, actions: Sequence[str] = (SHARED, EXTERNAL)
) -> Select[Any]:
    """The ids of the objects that policies share with this project, with everybody included.

    For `table.c.id.in_(shared_with("network", project_id))`: answered from one index.
    """
    return select(_T.c.object_id).where(
        _T.c.target_project_id.in_((project_id, EVERYBODY)),
        _T.c.object_type == object_type,
        _T.c.action.in_(actions),
    )

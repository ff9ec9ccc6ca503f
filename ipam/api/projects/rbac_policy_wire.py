"""The bodies of RBAC policies."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from ipam.api.http.kind import Kind
from ipam.api.http.standard_attributes import ID, PROJECT_ID, TENANT_ID
from ipam.errors import CallerError, InvalidInput, RbacPolicyNotFound
from ipam.store import rbac
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.values import NAME_LENGTH, Name, ProjectId, Uuid, printable

ObjectType: TypeAlias = Literal["network", "subnetpool", "address_scope"]
Target: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=NAME_LENGTH, extra={"check": printable})
]
"""A project, or `*` for all projects."""
Action: TypeAlias = Literal["access_as_shared", "access_as_external"]


OBJECT_TYPE: Final = Meta(description="The kind of the shared object.")
OBJECT_ID: Final = Meta(description="The id of the shared object.")
ACTION: Final = Meta(description="access_as_shared, or access_as_external for networks.")
TARGET_TENANT: Final = Meta(description="The project that it is shared with; * for all projects.")


class RbacPolicyCreate(Struct, kw_only=True):
    object_type: Annotated[ObjectType, OBJECT_TYPE]
    object_id: Annotated[Uuid, OBJECT_ID]
    action: Annotated[Action, ACTION]
    target_tenant: Annotated[Target, TARGET_TENANT]
    project_id: Annotated[ProjectId | UnsetType, PROJECT_ID] = UNSET
    tenant_id: Annotated[ProjectId | UnsetType, TENANT_ID] = UNSET


class RbacPolicyUpdate(Struct, kw_only=True):
    target_tenant: Annotated[Target | UnsetType, TARGET_TENANT] = UNSET


class RbacPolicyView(Struct, kw_only=True):
    id: Annotated[str, ID]
    project_id: Annotated[str, PROJECT_ID]
    tenant_id: Annotated[str, TENANT_ID]
    object_type: Annotated[ObjectType, OBJECT_TYPE]
    object_id: Annotated[Uuid, OBJECT_ID]
    action: Annotated[Action, ACTION]
    target_tenant: Annotated[Name, TARGET_TENANT]


def views(_tx: Transaction, found: Sequence[Record]) -> list[RbacPolicyView]:
    """The policies of these rows."""
    return [
        RbacPolicyView(
            id=row.id,
            project_id=row.project_id,
            tenant_id=row.project_id,
            object_type=row.object_type,
            object_id=row.object_id,
            action=row.action,
            target_tenant=row.target_project_id,
        )
        for row in found
    ]


KIND: Final = Kind(
    "rbac_policy",
    "rbac_policies",
    RbacPolicyView,
    rbac.COLLECTION,
    views,
    RbacPolicyNotFound,
    guards={"target_tenant": lambda value: value == rbac.EVERYBODY},
)


def faults(values: Mapping[str, Any]) -> list[CallerError]:
    """The contradictions in a body."""
    kind, action = values.get("object_type", "network"), values.get("action")
    if action == rbac.EXTERNAL and kind != "network":
        return [
            InvalidInput(f"{action} is not an action for a {kind}: only networks lead outside.")
        ]
    return []

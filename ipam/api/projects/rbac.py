"""RBAC policies: sharing a network, subnet pool or address scope with one project or with all.

The attribute `shared` (and `router:external`) of an object says that there is a policy for
everybody: whichever of the two a client writes, the other follows in the same transaction.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from ipam.api.http import writing
from ipam.api.http.kind import Kind
from ipam.api.http.service import Service
from ipam.errors import (
    AddressScopeNotFound,
    CallerError,
    InvalidInput,
    InvalidSharedSetting,
    NetworkNotFound,
    NotFound,
    RbacPolicyInUse,
    RbacPolicyNotFound,
    SubnetPoolNotFound,
)
from ipam.identity.caller import Caller
from ipam.store import rbac, tables
from ipam.store.engine import rows
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.values import NAME_LENGTH, Name, ProjectId, Uuid, is_uuid, printable

ObjectType: TypeAlias = Literal["network", "subnetpool", "address_scope"]
Target: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=NAME_LENGTH, extra={"check": printable})
]
"""A project, or `*` for all of them."""
Action: TypeAlias = Literal["access_as_shared", "access_as_external"]

NOT_FOUND: Final[Mapping[str, type[NotFound]]] = {
    "network": NetworkNotFound,
    "subnetpool": SubnetPoolNotFound,
    "address_scope": AddressScopeNotFound,
}

FLAGS: Final[Mapping[str, str]] = {rbac.SHARED: "shared", rbac.EXTERNAL: "router_external"}
"""By action, the attribute that says of an object that everybody has it."""


class RbacPolicyCreate(Struct, kw_only=True):
    object_type: ObjectType
    object_id: Uuid
    action: Action
    target_tenant: Target
    project_id: ProjectId | UnsetType = UNSET
    tenant_id: ProjectId | UnsetType = UNSET


class RbacPolicyUpdate(Struct, kw_only=True):
    target_tenant: Target | UnsetType = UNSET


class RbacPolicyView(Struct, kw_only=True):
    id: str
    project_id: str
    tenant_id: str
    object_type: ObjectType
    object_id: Uuid
    action: Action
    target_tenant: Name


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
    "rbac_policy", "rbac_policies", RbacPolicyView, rbac.COLLECTION, views, RbacPolicyNotFound
)


def faults(values: Mapping[str, Any]) -> list[CallerError]:
    """What contradicts itself in a body."""
    kind, action = values.get("object_type", "network"), values.get("action")
    if action == rbac.EXTERNAL and kind != "network":
        return [
            InvalidInput(f"{action} is not an action for a {kind}: only networks lead outside.")
        ]
    return []


class RbacActions:
    """Writes policies, each under the lock of the object that it is about."""

    create_struct: type[Struct] = RbacPolicyCreate
    update_struct: type[Struct] = RbacPolicyUpdate

    def __init__(self, service: Service) -> None:
        self._service = service

    def create(self, caller: Caller, bodies: Sequence[Any]) -> list[RbacPolicyView]:
        read = writing.read_bodies(RbacPolicyCreate, RbacPolicyView, bodies, faults)

        def work(tx: Transaction) -> list[RbacPolicyView]:
            pks = [self._add(tx, caller, body) for body in read]
            tx.on_commit(self._service.waker.wake)
            return views(tx, writing.made(tx, KIND, pks, self._service.settings))

        return self._service.database.write(work)

    def update(
        self,
        _caller: Caller,
        resource_id: str,
        body: Any,
        revision: int | None,  # noqa: ARG002  # policies have none
    ) -> RbacPolicyView:
        asked = writing.read_update(RbacPolicyUpdate, RbacPolicyView, body)

        def work(tx: Transaction) -> RbacPolicyView:
            policy, shared = self._locked(tx, resource_id)
            target = asked.target_tenant
            if target not in (UNSET, policy.target_project_id):
                _refuse_if_in_use(tx, policy, shared)
                rbac.change_target(tx, policy.pk, str(target))
                _follow(tx, policy, shared)
            view: RbacPolicyView = KIND.show(tx, resource_id)
            return view

        return self._service.database.write(work)

    def delete(
        self,
        resource_id: str,
        revision: int | None,  # noqa: ARG002  # policies have none
    ) -> None:
        def work(tx: Transaction) -> None:
            policy, shared = self._locked(tx, resource_id)
            _refuse_if_in_use(tx, policy, shared)
            rbac.remove(tx, policy.pk)
            _follow(tx, policy, shared)

        self._service.database.write(work)

    def _add(self, tx: Transaction, caller: Caller, body: RbacPolicyCreate) -> int:
        shared = rbac.lock_object(tx, body.object_type, body.object_id)
        if shared is None or not (caller.is_admin or shared.project_id == caller.project_id):
            name = body.object_type.replace("_", " ").capitalize()
            raise NOT_FOUND[body.object_type](f"{name} {body.object_id} could not be found.")
        values = {
            "project_id": writing.project_of(body, caller),
            "object_type": body.object_type,
            "object_id": body.object_id,
            "action": body.action,
            "target_project_id": body.target_tenant,
        }
        pk = rbac.add(tx, values)
        if body.target_tenant == rbac.EVERYBODY:
            rbac.set_flag(tx, body.object_type, shared.pk, FLAGS[body.action], value=True)
        return pk

    def _locked(self, tx: Transaction, policy_id: str) -> tuple[Record, Record]:
        """The policy and what it is about, both held: the object first, as for a new policy."""
        seen = rows.find(tx, tables.rbac_policy, policy_id) if is_uuid(policy_id) else None
        if seen is None:
            raise KIND.missing(policy_id)
        shared = rbac.lock_object(tx, seen.object_type, seen.object_id)
        policy = rows.lock(tx, tables.rbac_policy, policy_id)
        if shared is None or policy is None:
            raise KIND.missing(policy_id)
        return policy, shared


def follow_new(tx: Transaction, object_type: str, made: Sequence[Record]) -> None:
    """Make the policies of objects that were just made, where their attributes ask for any."""
    for row in made:
        flags = {flag: True for flag in FLAGS.values() if getattr(row, flag, False)}
        follow_flags(tx, object_type, row, flags)


def follow_flags(
    tx: Transaction, object_type: str, row: Record, values: Mapping[str, Any]
) -> None:
    """Make the policies of an object, whose row is held, say what its new attributes say.

    Raises InvalidSharedSetting when others use what would no longer be shared.
    """
    for action, flag in FLAGS.items():
        if flag not in values:
            continue
        if values[flag]:
            rbac.publish(tx, object_type, row, action)
            continue
        if action == rbac.SHARED and rbac.dependent(tx, object_type, row, rbac.EVERYBODY):
            raise InvalidSharedSetting(
                f"Unable to reconfigure sharing settings for {object_type} {row.id}. Multiple"
                " tenants are using it."
            )
        rbac.withdraw(tx, row.id, action)


def _refuse_if_in_use(tx: Transaction, policy: Record, shared: Record) -> None:
    if policy.action != rbac.SHARED:
        return
    user = rbac.dependent(tx, policy.object_type, shared, policy.target_project_id)
    if user is not None:
        raise RbacPolicyInUse(
            f"RBAC policy on object {shared.id} cannot be removed because other objects depend on"
            f" it.\nDetails: {user} of another project is one of them."
        )


def _follow(tx: Transaction, policy: Record, shared: Record) -> None:
    """Make the object's attribute say whether there still is a policy for everybody."""
    value = rbac.is_published(tx, shared.id, policy.action)
    rbac.set_flag(tx, policy.object_type, shared.pk, FLAGS[policy.action], value=value)

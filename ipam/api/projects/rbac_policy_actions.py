"""Writing RBAC policies, which share an object with one project or with all."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import UNSET, Struct

from ipam.api.http import writing
from ipam.api.projects.rbac_policy_wire import (
    KIND,
    RbacPolicyCreate,
    RbacPolicyUpdate,
    RbacPolicyView,
    faults,
    views,
)
from ipam.api.projects.sharing import follow_policies, require_scope_too
from ipam.api.service import Service
from ipam.errors import (
    AddressScopeNotFound,
    InvalidInput,
    NetworkNotFound,
    NotFound,
    RbacPolicyInUse,
    SubnetPoolNotFound,
)
from ipam.identity.caller import Caller
from ipam.store import rbac, tables
from ipam.store.engine import rows
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record

NOT_FOUND: Final[Mapping[str, type[NotFound]]] = {
    "network": NetworkNotFound,
    "subnetpool": SubnetPoolNotFound,
    "address_scope": AddressScopeNotFound,
}


class RbacPolicyActions:
    """Writes policies, each with its object's row locked."""

    create_struct: type[Struct] = RbacPolicyCreate
    update_struct: type[Struct] = RbacPolicyUpdate

    def __init__(self, service: Service) -> None:
        self._service = service

    def create(self, caller: Caller, bodies: Sequence[Any]) -> list[RbacPolicyView]:
        read = writing.read_bodies(RbacPolicyCreate, RbacPolicyView, bodies, faults)

        def work(tx: Transaction) -> list[RbacPolicyView]:
            pks = [_add(tx, caller, body) for body in read]
            self._service.wakes.after(tx)
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
                require_scope_too(tx, policy.object_type, shared, str(target))
                rbac.change_target(tx, policy.pk, str(target))
                follow_policies(tx, policy.object_type, policy.action, shared)
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
            follow_policies(tx, policy.object_type, policy.action, shared)

        self._service.database.write(work)

    def _locked(self, tx: Transaction, policy_id: str) -> tuple[Record, Record]:
        """The policy and its object, both locked: the object first, as for a new policy."""
        seen = rows.find(tx, tables.rbac_policy, policy_id)
        if seen is None:
            raise KIND.missing(policy_id)
        shared = rbac.lock_object(tx, seen.object_type, seen.object_id)
        policy = rows.lock(tx, tables.rbac_policy, policy_id)
        if shared is None or policy is None:
            raise KIND.missing(policy_id)
        return policy, shared


def _add(tx: Transaction, caller: Caller, body: RbacPolicyCreate) -> int:
    shared = _held_object(tx, caller, body.object_type, body.object_id)
    require_scope_too(tx, body.object_type, shared, body.target_tenant)
    values = {
        "project_id": writing.project_of(body, caller),
        "object_type": body.object_type,
        "object_id": body.object_id,
        "action": body.action,
        "target_project_id": body.target_tenant,
    }
    pk = rbac.add(tx, values)
    follow_policies(tx, body.object_type, body.action, shared)
    return pk


def _held_object(tx: Transaction, caller: Caller, object_type: str, object_id: str) -> Record:
    """The locked object that the caller shares.

    Raises NotFound, or InvalidInput if not its own.
    """
    name = object_type.replace("_", " ")
    shared = rbac.lock_object(tx, object_type, object_id)
    if shared is not None and (caller.is_admin or shared.project_id == caller.project_id):
        return shared
    if shared is not None and rbac.is_shared_with(tx, object_type, object_id, caller.project_id):
        raise InvalidInput(
            f"Only admins can manipulate policies on objects they do not own: {name} {object_id}"
            " is another project's."
        )
    raise NOT_FOUND[object_type](f"{name.capitalize()} {object_id} could not be found.")


def _refuse_if_in_use(tx: Transaction, policy: Record, shared: Record) -> None:
    if policy.action != rbac.SHARED:
        if policy.target_project_id == rbac.EVERYBODY and shared.is_default:
            raise RbacPolicyInUse(
                f"RBAC policy on object {shared.id} cannot be removed because other objects depend"
                " on it.\nDetails: Default external networks must be shared to everyone."
            )
        return
    user = rbac.dependent(tx, policy.object_type, shared, policy.target_project_id)
    if user is not None:
        raise RbacPolicyInUse(
            f"RBAC policy on object {shared.id} cannot be removed because other objects depend on"
            f" it.\nDetails: {user} of another project is one of them."
        )

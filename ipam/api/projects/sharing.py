"""Keeps attributes of shared objects and their RBAC policies equal.

The attribute `shared` of an object says that there is a policy for everybody, `router:external` of
a network that there is one for anybody: whichever of the two a client writes, attribute or policy,
the other follows in the same transaction.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ipam.errors import InvalidInput, InvalidSharedSetting
from ipam.store import address_scopes, rbac
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record

FLAGS: Final[Mapping[str, str]] = {rbac.SHARED: "shared", rbac.EXTERNAL: "router_external"}
"""By action, the attribute that follows the action's policies."""


def follow_new(tx: Transaction, object_type: str, made: Sequence[Record]) -> None:
    """Make the policies that the attributes of new objects ask for."""
    for row in made:
        flags = {flag: True for flag in FLAGS.values() if getattr(row, flag, False)}
        follow_flags(tx, object_type, row, flags)


def follow_flags(
    tx: Transaction, object_type: str, row: Record, values: Mapping[str, Any]
) -> None:
    """Change the policies of an object, whose row is locked, to what its new attributes say.

    Raises InvalidSharedSetting if others use what would not be shared any more, and InvalidInput
    like `require_scope_too`.
    """
    for action, flag in FLAGS.items():
        if flag not in values:
            continue
        if values[flag]:
            require_scope_too(tx, object_type, row, rbac.EVERYBODY)
            rbac.publish(tx, object_type, row, action)
            continue
        if action == rbac.SHARED and rbac.dependent(tx, object_type, row, rbac.EVERYBODY):
            raise InvalidSharedSetting(
                f"Unable to reconfigure sharing settings for {object_type} {row.id}. Multiple"
                " tenants are using it."
            )
        rbac.withdraw(tx, row.id, action)


def require_scope_too(tx: Transaction, object_type: str, row: Record, target: str) -> None:
    """Refuse to share a subnet pool with a project that cannot see its address scope."""
    if object_type != "subnetpool" or row.address_scope_pk is None:
        return
    scope = address_scopes.of_number(tx, row.address_scope_pk)
    if scope.project_id != target and not rbac.is_shared_with(
        tx, "address_scope", scope.id, target
    ):
        raise InvalidInput(
            f"Failed to create RBAC policy on object {row.id} because target project doesn't have"
            f" access to associated address scope {scope.id}: share that first."
        )


def follow_policies(tx: Transaction, object_type: str, action: str, shared: Record) -> None:
    """Set the object's attribute to whether there is a policy."""
    value = rbac.has_flag(tx, shared.id, action)
    rbac.set_flag(tx, object_type, shared.pk, FLAGS[action], value=value)

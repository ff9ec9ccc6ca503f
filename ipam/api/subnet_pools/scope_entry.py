"""Checks whether a subnet pool may be in an address scope with its prefixes."""

from collections.abc import Sequence

from ipam.errors import (
    AddressScopeNotFound,
    IllegalSubnetPoolIpVersionAssociationToAddressScope,
    IllegalSubnetPoolUpdate,
)
from ipam.identity.caller import Caller
from ipam.rules import subnet_pools as subnet_pool_rules
from ipam.store import address_scopes, subnet_pools
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record


def change_scope(
    tx: Transaction, row: Record, scope_id: str | None, mine: Sequence[str]
) -> int | None:
    """The number of the scope that the pool moves to; None if it leaves its scope."""
    scope_pk = None if scope_id is None else enter_scope(tx, scope_id, row, mine)
    if scope_pk != row.address_scope_pk:
        mixed = subnet_pools.network_with_other_pool(tx, row.pk, row.ip_version)
        if mixed is not None:
            raise IllegalSubnetPoolUpdate(
                "Illegal subnetpool update : network"
                f" {mixed} has subnets of this pool and of others, which must stay in one address"
                " scope."
            )
    return scope_pk


def enter_scope(tx: Transaction, scope_id: str, row: Record, mine: Sequence[str]) -> int:
    """The number of the locked scope, in which the pool may have these prefixes."""
    scope_pk = held_scope(tx, scope_id, row.project_id, row.ip_version)
    others = subnet_pools.prefixes_of_scope(tx, scope_pk, but_pool_pk=row.pk)
    subnet_pool_rules.check_scope(mine, others)
    return scope_pk


def require_own_scope(tx: Transaction, row: Record, caller: Caller) -> None:
    """Refuse new prefixes for a pool in another project's scope, as Neutron does.

    The scope's owner keeps its addresses unique. The pool has entered the scope with the prefixes
    that it had then.
    """
    if row.address_scope_pk is None or caller.is_admin:
        return
    scope = address_scopes.of_number(tx, row.address_scope_pk)
    if scope.project_id != caller.project_id:
        raise IllegalSubnetPoolUpdate(
            f"Illegal subnetpool update : subnetpool {row.id} cannot be updated when associated"
            f" with shared address scope {scope.id}: its prefixes are for the scope's owner to"
            " change."
        )


def held_scope(tx: Transaction, scope_id: str, project_id: str, ip_version: int) -> int:
    """The number of a locked scope that may have the project's pools of this IP version."""
    scope = address_scopes.bump(tx, scope_id, project_id)
    if scope is None:
        raise AddressScopeNotFound(f"Address scope {scope_id} could not be found.")
    if scope.ip_version != ip_version:
        raise IllegalSubnetPoolIpVersionAssociationToAddressScope(
            "Illegal subnetpool association: an IPv"
            f"{ip_version} subnet pool cannot associate with address scope {scope_id} because"
            f" subnetpool ip_version is not {scope.ip_version}."
        )
    return int(scope.pk)

"""How rows stand to a project: what of a collection its members may see, as SQL conditions.

A network's `shared` flag says the same as a policy that shares it with everybody.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import ColumnElement

from ipam.store import tables
from ipam.store.listing import Relation
from ipam.store.rbac import EXTERNAL, SHARED, shared_with

_NETWORK: Final = tables.network


def _owned(project_id: str) -> Sequence[ColumnElement[bool]]:
    return (_NETWORK.c.project_id == project_id,)


def _shared(project_id: str) -> Sequence[ColumnElement[bool]]:
    by_policy = shared_with("network", project_id, (SHARED,))
    return (_NETWORK.c.shared, _NETWORK.c.id.in_(by_policy))


def _external(project_id: str) -> Sequence[ColumnElement[bool]]:
    by_policy = shared_with("network", project_id, (EXTERNAL,))
    return (_NETWORK.c.router_external, _NETWORK.c.id.in_(by_policy))


def _pool_shared(project_id: str) -> Sequence[ColumnElement[bool]]:
    by_policy = shared_with("subnetpool", project_id, (SHARED,))
    return (tables.subnetpool.c.shared, tables.subnetpool.c.id.in_(by_policy))


def _scope_shared(project_id: str) -> Sequence[ColumnElement[bool]]:
    by_policy = shared_with("address_scope", project_id, (SHARED,))
    return (tables.address_scope.c.shared, tables.address_scope.c.id.in_(by_policy))


SUBNETPOOL: Final[Mapping[str, Relation]] = {"shared": _pool_shared}
"""Of subnet pools."""

ADDRESS_SCOPE: Final[Mapping[str, Relation]] = {"shared": _scope_shared}
"""Of address scopes."""

NETWORK: Final[Mapping[str, Relation]] = {"shared": _shared, "external": _external}
"""Of networks themselves."""

ON_NETWORK: Final[Mapping[str, Relation]] = {**NETWORK, "network_owner": _owned}
"""Of what is on a network, in collections whose source joins it."""

"""The relations of rows to a project: which rows its members may see, as SQL conditions.

The flags `shared` and `router:external` are not used: policies say the same and for whom, and they
have an index.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement

from ipam.store import tables
from ipam.store.engine.listing import Relation
from ipam.store.rbac import EXTERNAL, SHARED, shared_with


def _owned(project_id: str) -> Sequence[ColumnElement[bool]]:
    return (tables.network.c.project_id == project_id,)


def _by_policy(table: Any, action: str) -> Relation:
    def conditions(project_id: str) -> Sequence[ColumnElement[bool]]:
        return (table.c.id.in_(shared_with(table.name, project_id, (action,))),)

    return conditions


SUBNETPOOL: Final[Mapping[str, Relation]] = {"shared": _by_policy(tables.subnetpool, SHARED)}
"""Relations of subnet pools."""

ADDRESS_SCOPE: Final[Mapping[str, Relation]] = {"shared": _by_policy(tables.address_scope, SHARED)}
"""Relations of address scopes."""

NETWORK: Final[Mapping[str, Relation]] = {
    "shared": _by_policy(tables.network, SHARED),
    "external": _by_policy(tables.network, EXTERNAL),
}
"""Relations of networks themselves."""

ON_NETWORK: Final[Mapping[str, Relation]] = {**NETWORK, "network_owner": _owned}
"""Relations of subnets and ports, in collections whose source joins the network."""

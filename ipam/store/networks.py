"""Statements on networks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    bindparam,
    delete,
    func,
    literal,
    or_,
    select,
    union_all,
    update,
)

from ipam import clock, model
from ipam.chunks import alternatives
from ipam.store import rbac, tables, tags, visibility
from ipam.store.engine import instants
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Collection, Record

_T = tables.network

_COLUMNS: Final[Mapping[str, ColumnElement[Any]]] = {
    "id": _T.c.id,
    "name": _T.c.name,
    "project_id": _T.c.project_id,
    "tenant_id": _T.c.project_id,
    "description": _T.c.description,
    "admin_state_up": _T.c.admin_state_up,
    "status": literal(model.ACTIVE),
    "shared": rbac.shared_for_viewer(_T, "network"),
    "mtu": _T.c.mtu,
    "dns_domain": _T.c.dns_domain,
    "port_security_enabled": _T.c.port_security_enabled,
    "router:external": _T.c.router_external,
    "is_default": _T.c.is_default,
    "provider:network_type": _T.c.provider_network_type,
    "provider:physical_network": _T.c.provider_physical_network,
    "provider:segmentation_id": _T.c.provider_segmentation_id,
    "revision_number": _T.c.revision_number,
    "created_at": _T.c.created_at,
    "updated_at": _T.c.updated_at,
}

COLLECTION: Final = Collection(
    source=_T,
    selected=rbac.selected(_T, "network"),
    columns=_COLUMNS,
    id=_T.c.id,
    pk=_T.c.pk,
    special={**instants.of_changes(_T), **tags.filters(_T)},
    relations=visibility.NETWORK,
    verbatim=frozenset(_COLUMNS) - {"created_at", "shared", "status", "updated_at"},
)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The parts of a network's view that come from other tables."""

    subnet_ids: list[str] = field(default_factory=list)
    """Oldest first."""
    zones: list[str] = field(default_factory=list)
    """The availability zones of the agents that serve it, sorted."""
    address_scopes: dict[int, str] = field(default_factory=dict)
    """The address scope's id by IP version. All subnets of one version have the same."""


def surroundings(tx: Transaction, pks: Sequence[int]) -> dict[int, Surroundings]:
    """The surroundings of each network. Runs one statement per chunk of networks."""
    found: dict[int, Surroundings] = {pk: Surroundings() for pk in pks}
    for some in alternatives(pks):
        for row in tx.execute(_SURROUNDINGS, {"pks": some}):
            around = found[row.network_pk]
            if row.place == _ZONE:
                around.zones.append(row.text)
            elif row.place < 0:
                around.address_scopes[-row.place] = row.text
            else:
                around.subnet_ids.append(row.text)
    return found


_ZONE: Final = -1
"""The `place` of a row that is a zone. Of a scope it is the negative IP version, of a subnet its
number."""

_SUBNET, _ASSIGNED, _AGENT = tables.subnet, tables.network_dhcp_agent, tables.agent
_POOL, _SCOPE = tables.subnetpool, tables.address_scope
_PKS: Any = bindparam("pks", expanding=True)
_SURROUNDINGS: Final = union_all(
    select(_SUBNET.c.network_pk, _SUBNET.c.pk.label("place"), _SUBNET.c.id.label("text")).where(
        _SUBNET.c.network_pk.in_(_PKS)
    ),
    select(_ASSIGNED.c.network_pk, literal(_ZONE), _AGENT.c.availability_zone)
    .join_from(_ASSIGNED, _AGENT, _AGENT.c.pk == _ASSIGNED.c.agent_pk)
    .where(_ASSIGNED.c.network_pk.in_(_PKS), func.length(_AGENT.c.availability_zone) > 0)
    .distinct(),
    select(_SUBNET.c.network_pk, -_SUBNET.c.ip_version, _SCOPE.c.id)
    .join_from(_SUBNET, _POOL, _POOL.c.pk == _SUBNET.c.subnetpool_pk)
    .join(_SCOPE, _SCOPE.c.pk == _POOL.c.address_scope_pk)
    .where(_SUBNET.c.network_pk.in_(_PKS))
    .distinct(),
).order_by("place", "text")


def names(tx: Transaction, ids: Sequence[str]) -> dict[str, str]:
    """The names of those of these networks that exist, by id."""
    found = {}
    for some in alternatives(ids):
        query = select(_T.c.id, _T.c.name).where(_T.c.id.in_(some))
        found.update({row.id: row.name for row in tx.execute(query)})
    return found


def ids(tx: Transaction, pks: Sequence[int]) -> list[str]:
    """The ids of those of the networks with these numbers that exist, in order."""
    found: list[str] = []
    for some in alternatives(pks):
        found += tx.execute(select(_T.c.id).where(_T.c.pk.in_(some))).scalars()
    return sorted(found)


def bump(tx: Transaction, network_id: str) -> Record | None:
    """The network's row. Raising its revision locks it on every database.

    On a Galera cluster only the write, not a lock, makes changes on two nodes collide.
    """
    raised = update(_T).where(_T.c.id == network_id)
    tx.execute(
        raised.values(revision_number=_T.c.revision_number + 1, updated_at=clock.now_seconds())
    )
    return tx.execute(select(_T).where(_T.c.id == network_id)).one_or_none()


def port_in_use(tx: Transaction, network_pk: int, *, dhcp_device_id: str) -> str | None:
    """The id of a port of the network other than its DHCP port."""
    port = tables.port
    return tx.execute(
        select(port.c.id)
        .where(
            port.c.network_pk == network_pk,
            or_(port.c.device_owner != model.DHCP_PORT_OWNER, port.c.device_id != dhcp_device_id),
        )
        .limit(1)
    ).scalar_one_or_none()


def remove(tx: Transaction, network_pk: int) -> None:
    """Delete a network that has neither ports nor subnets."""
    tags.forget(tx, _T, network_pk)
    tx.execute(delete(_T).where(_T.c.pk == network_pk))

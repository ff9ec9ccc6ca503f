"""Statements on how full networks are."""

from collections.abc import Container, Sequence
from typing import Final

from sqlalchemy import ColumnElement, select

from ipam.errors import HTTPBadRequest
from ipam.store import tables
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Collection, Record
from ipam.store.engine.rows_by_number import ByNumbers

_NETWORK, _SUBNET = tables.network, tables.subnet


def _by_version(_tx: Transaction, texts: Sequence[str]) -> ColumnElement[bool]:
    """Networks with a subnet of these IP versions."""
    if not set(texts) <= {"4", "6"}:
        raise HTTPBadRequest("Invalid input for ip_version. Reason: it is neither 4 nor 6.")
    versions = sorted({int(text) for text in texts})
    return _NETWORK.c.pk.in_(
        select(_SUBNET.c.network_pk).where(_SUBNET.c.ip_version.in_(versions))
    )


COLLECTION: Final = Collection(
    source=_NETWORK,
    selected=(_NETWORK.c.pk, _NETWORK.c.id, _NETWORK.c.name, _NETWORK.c.project_id),
    columns={
        "network_id": _NETWORK.c.id,
        "network_name": _NETWORK.c.name,
        "project_id": _NETWORK.c.project_id,
        "tenant_id": _NETWORK.c.project_id,
    },
    id=_NETWORK.c.id,
    pk=_NETWORK.c.pk,
    special={"ip_version": _by_version},
)

_SUBNETS_OF: Final = ByNumbers(
    select(
        _SUBNET.c.pk,
        _SUBNET.c.id,
        _SUBNET.c.name,
        _SUBNET.c.network_pk,
        _SUBNET.c.cidr,
        _SUBNET.c.ip_version,
    ).order_by(_SUBNET.c.pk),
    _SUBNET.c.network_pk,
)


def subnets_of(
    tx: Transaction, network_pks: Sequence[int], versions: Container[int]
) -> list[Record]:
    """The subnets of these networks and IP versions, oldest first."""
    found: list[Record] = []
    for statement, parameters in _SUBNETS_OF.each(tx, network_pks):
        found.extend(tx.execute(statement, parameters))
    return [row for row in found if row.ip_version in versions]

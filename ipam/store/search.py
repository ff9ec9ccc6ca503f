"""Finds the rows of any kind of resource that a search term means."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, case, func, or_, select

from ipam.rules.search_terms import SearchTerm
from ipam.store import tables
from ipam.store.engine.database import Transaction
from ipam.store.engine.list_statements import each_if_visible
from ipam.store.engine.listing import Collection, Record, Viewer
from ipam.store.engine.reading import read_many

MOST: Final = 20
"""How many rows of a kind are found at most."""

_PORT, _IP, _SUBNET, _LEASE, _STATIC = (
    tables.port.c,
    tables.ip_address.c,
    tables.subnet.c,
    tables.lease.c,
    tables.static_range.c,
)
_REFUSAL: Final = tables.dhcp_refusal.c


def rows(
    tx: Transaction, name: str, collection: Collection, term: SearchTerm, viewer: Viewer | None
) -> tuple[list[Record], bool]:
    """The rows of the kind of this name that the viewer may see; and whether there are more.

    What is called exactly so comes first. `viewer` None may see all.
    """
    ways = _WAYS[name](term)
    if not ways:
        return [], False
    statement = select(collection.pk).select_from(collection.source).where(or_(*ways))
    statement = each_if_visible(statement, collection, viewer)
    if "name" in collection.columns:
        statement = statement.order_by(
            case((func.lower(collection.columns["name"]) == term.text, 0), else_=1)
        )
    found = list(tx.execute(statement.order_by(collection.pk).limit(MOST + 1)).scalars())
    return list(read_many(tx, collection, found[:MOST])), len(found) > MOST


def network_names(
    tx: Transaction, collection: Collection, ids: Sequence[str], viewer: Viewer | None
) -> dict[str, str]:
    """The names of those of these networks that the viewer may see."""
    if not ids:
        return {}
    network = tables.network.c
    query = select(network.id, network.name).where(network.id.in_(ids))
    return {row.id: row.name for row in tx.execute(each_if_visible(query, collection, viewer))}


def _named(table: Any, term: SearchTerm) -> list[ColumnElement[bool]]:
    """Rows with this id, or with this name or a part of it."""
    if term.resource_id is not None:
        return [table.c.id == term.resource_id]
    return [func.lower(table.c.name).contains(term.text, autoescape=True)] if term.is_name else []


def _networks(term: SearchTerm) -> list[ColumnElement[bool]]:
    return _named(tables.network, term)


def _subnets(term: SearchTerm) -> list[ColumnElement[bool]]:
    if term.ip_address is not None or term.prefix is not None:
        return [_SUBNET.cidr.in_(term.enclosing)]
    if not term.is_name:
        return _named(tables.subnet, term)
    labels = func.lower(_STATIC.label + "\n" + _STATIC.owner).contains(term.text, autoescape=True)
    return [*_named(tables.subnet, term), _SUBNET.pk.in_(select(_STATIC.subnet_pk).where(labels))]


def _ports(term: SearchTerm) -> list[ColumnElement[bool]]:
    if term.ip_address is not None:
        owners = select(_IP.owner_pk).where(_IP.ip == term.ip_address, _IP.owner_pk.is_not(None))
        return [_PORT.pk.in_(owners)]
    if term.mac_address is not None:
        return [_PORT.mac_address == term.mac_address]
    if term.resource_id is not None:
        return [_PORT.id == term.resource_id, _PORT.device_id == term.resource_id]
    if not term.is_name:
        return []
    if term.mac_part is not None:
        return [_PORT.mac_address.contains(term.mac_part, autoescape=True)]
    names = func.lower(_PORT.name + "\n" + _PORT.dns_name)  # one pass over both
    return [
        names.contains(term.text, autoescape=True),
        _PORT.device_id.in_((term.typed, term.text)),
    ]


def _leases(term: SearchTerm) -> list[ColumnElement[bool]]:
    if term.ip_address is not None:
        return [_LEASE.ip_address == term.ip_address]
    if term.mac_address is not None:
        return [_LEASE.mac_address == term.mac_address]
    if term.resource_id is not None:
        return [_LEASE.id == term.resource_id]
    if not term.is_name:
        return []
    if term.mac_part is not None:
        return [_LEASE.mac_address.contains(term.mac_part, autoescape=True)]
    return [_LEASE.hostname.in_((term.typed, term.text, term.text.upper()))]


def _refusals(term: SearchTerm) -> list[ColumnElement[bool]]:
    return [_REFUSAL.client == term.mac_address] if term.mac_address is not None else []


_WAYS: Final[Mapping[str, Callable[[SearchTerm], list[ColumnElement[bool]]]]] = {
    "network": _networks,
    "subnet": _subnets,
    "port": _ports,
    "lease": _leases,
    "dhcp_refusal": _refusals,
    "subnetpool": lambda term: _named(tables.subnetpool, term),
    "address_scope": lambda term: _named(tables.address_scope, term),
}
"""What the rows of each kind have to do with a search term, any of which is enough."""

"""The addresses of one subnet that are not free: owned by ports, cooling down, or leased."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    true,
    union,
)

from ipam import model
from ipam.errors import HTTPBadRequest
from ipam.store import tables, visibility
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Collection, SpecialFilter

ALLOCATED = "allocated"
COOLING = "cooling"
LEASED = "leased"

_IP, _PORT, _LEASE, _NETWORK = tables.ip_address, tables.port, tables.lease, tables.network


def collection(
    subnet_pk: int, network_pk: int, network_id: str, whole: tuple[bytes, bytes], now: int
) -> Collection:
    """The addresses of a subnet as a collection, at the time `now` (epoch seconds).

    `whole` is the first and the last address of its prefix. A row has `ip`, `state`, columns of
    the port and the lease of the address, and `free_at`.
    """
    (first, last), mine = whole, _IP.c.subnet_pk == subnet_pk
    taken = and_(mine, or_(_IP.c.owner_pk.is_not(None), _IP.c.free_at > now))
    leased = and_(
        _LEASE.c.network_id == network_id,
        _LEASE.c.ip_address.between(first, last),
        func.length(_LEASE.c.ip_address) == len(first),
    )
    of_network = literal(network_pk, BigInteger).label("network_pk")
    held = union(
        select(_IP.c.ip, of_network).where(taken),
        select(_LEASE.c.ip_address, of_network).where(leased),
    ).subquery("held")
    state = case(
        (_PORT.c.pk.is_not(None), ALLOCATED), (_IP.c.free_at > now, COOLING), else_=LEASED
    )
    source = (
        held.outerjoin(_IP, and_(mine, _IP.c.ip == held.c.ip))
        .outerjoin(_PORT, _PORT.c.pk == _IP.c.owner_pk)
        .outerjoin(
            _LEASE, and_(_LEASE.c.network_id == network_id, _LEASE.c.ip_address == held.c.ip)
        )
        .join(_NETWORK, _NETWORK.c.pk == held.c.network_pk)
    )
    return Collection(
        source=source,
        selected=_selected(held.c.ip, state),
        columns={
            "ip_address": held.c.ip,
            "state": state,
            "port_id": _PORT.c.id,
            "project_id": _PORT.c.project_id,
            "tenant_id": _PORT.c.project_id,
            "device_id": _PORT.c.device_id,
            "device_owner": _PORT.c.device_owner,
        },
        id=held.c.ip,
        pk=held.c.ip,
        special={
            "after": _beyond(lambda address: held.c.ip > address),
            "before": _beyond(lambda address: held.c.ip < address),
        },
        relations=visibility.ON_NETWORK,
    )


def _selected(ip: ColumnElement[Any], state: ColumnElement[Any]) -> Sequence[ColumnElement[Any]]:
    return (
        ip.label("ip"),
        state.label("state"),
        _PORT.c.id.label("port_id"),
        _PORT.c.project_id,
        _PORT.c.device_id,
        _PORT.c.device_owner,
        _PORT.c.mac_address.label("port_mac"),
        _PORT.c.dns_name,
        _LEASE.c.id.label("lease_id"),
        _LEASE.c.mac_address.label("lease_mac"),
        _LEASE.c.hostname,
        _LEASE.c.expires_at,
        case((state == COOLING, _IP.c.free_at)).label("free_at"),
    )


def _beyond(compare: Callable[[bytes], ColumnElement[bool]]) -> SpecialFilter:
    def condition(_tx: Transaction, texts: Sequence[str]) -> ColumnElement[bool]:
        try:
            return and_(true(), *(compare(model.pack(text)) for text in texts))
        except (OSError, ValueError):
            raise HTTPBadRequest(
                f"Invalid input for marker. Reason: {texts[-1][:64]!r} is no IP address."
            ) from None

    return condition

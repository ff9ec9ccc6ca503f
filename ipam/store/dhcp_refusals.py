"""Statements on machines that DHCP servers did not answer: a few per network and host."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import delete, insert, select, update

from ipam import model
from ipam.store import tables
from ipam.store.engine import instants
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Collection

MOST_OF_A_HOST: Final = 100
"""How many machines of one network a host keeps. The one that asked longest ago is deleted."""

_T = tables.dhcp_refusal
_network = tables.network

COLLECTION: Final = Collection(
    source=_T.join(_network, _network.c.pk == _T.c.network_pk),
    selected=(
        *_T.c,
        _network.c.id.label("network_id"),
        _network.c.project_id.label("project_id"),
    ),
    columns={
        "id": _T.c.id,
        "network_id": _network.c.id,
        "project_id": _network.c.project_id,
        "tenant_id": _network.c.project_id,
        "host": _T.c.host,
        "client": _T.c.client,
        "reason": _T.c.reason,
        "ip_address": _T.c.ip_address,
        "tap": _T.c.tap,
        "count": _T.c.times,
        "first_at": _T.c.first_at,
        "last_at": _T.c.last_at,
    },
    id=_T.c.id,
    pk=_T.c.pk,
    special={
        "first_at": instants.equal_seconds(_T.c.first_at),
        "last_at": instants.equal_seconds(_T.c.last_at),
    },
)


def record(tx: Transaction, host: str, network_id: str, refusals: Sequence[dict[str, Any]]) -> int:
    """Store a host's report of a network, which replaces the one before; how many machines.

    A deleted network has none. Of two first reports of one machine at once, the unique key lets
    one insert. The other raises IntegrityError.
    """
    query = select(_network.c.pk).where(_network.c.id == network_id)
    network_pk = tx.execute(query).scalar_one_or_none()
    if network_pk is None:
        return 0
    mine = (_T.c.network_pk == network_pk) & (_T.c.host == host)
    known = set(tx.execute(select(_T.c.client).where(mine).with_for_update()).scalars())
    for one in sorted(refusals, key=lambda each: each["client"]):
        if one["client"] in known:
            tx.execute(update(_T).where(mine, _T.c.client == one["client"]).values(_changes(one)))
        else:
            new = {"id": model.new_id(), "network_pk": network_pk, "host": host}
            tx.execute(insert(_T).values(new | one))
    order = _T.c.last_at.desc(), _T.c.pk.desc()
    extra = select(_T.c.pk).where(mine).order_by(*order).offset(MOST_OF_A_HOST).limit(10_000)
    pks = list(tx.execute(extra).scalars())
    if pks:
        tx.execute(delete(_T).where(_T.c.pk.in_(pks)))
    return len(refusals)


def _changes(told: dict[str, Any]) -> dict[str, Any]:
    """What the new report says; one without a tap was not looked up, and says nothing of it."""
    return {name: value for name, value in told.items() if name != "tap" or value}


def forget(tx: Transaction, *, before: int, limit: int) -> int:
    """Delete at most `limit` machines that last asked before this time; how many were deleted."""
    pks = list(tx.execute(select(_T.c.pk).where(_T.c.last_at < before).limit(limit)).scalars())
    if pks:
        tx.execute(delete(_T).where(_T.c.pk.in_(pks)))
    return len(pks)

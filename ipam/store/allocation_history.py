"""Who had which address when: reads the table `allocation_event` and deletes old rows.

`allocation_ledger` writes the table.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, and_, delete, exists, select

from ipam.chunks import alternatives
from ipam.store import tables
from ipam.store.engine import instants
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Collection

_T = tables.allocation_event

ALLOCATED: Final = "allocated"
CHANGED: Final = "changed"
"""The port kept the address, and its device or its name changed."""
RELEASED: Final = "released"


def _held_at(_tx: Transaction, texts: Sequence[str]) -> ColumnElement[bool]:
    """The last event of an address up to this instant, if a port had it then."""
    instant = max(instants.microseconds(text) for text in texts)
    later = _T.alias("later")
    return and_(
        _T.c.action != RELEASED,
        _T.c.occurred_at_us <= instant,
        ~exists().where(
            later.c.ip_address == _T.c.ip_address,
            later.c.subnet_id == _T.c.subnet_id,
            later.c.pk > _T.c.pk,
            later.c.occurred_at_us <= instant,
        ),
    )


COLLECTION: Final = Collection(
    source=_T,
    selected=tuple(_T.c),
    columns={
        "id": _T.c.id,
        "action": _T.c.action,
        "ip_address": _T.c.ip_address,
        "network_id": _T.c.network_id,
        "subnet_id": _T.c.subnet_id,
        "port_id": _T.c.port_id,
        "project_id": _T.c.project_id,
        "tenant_id": _T.c.project_id,
        "device_id": _T.c.device_id,
        "device_owner": _T.c.device_owner,
        "mac_address": _T.c.mac_address,
        "occurred_at": _T.c.occurred_at_us,
    },
    id=_T.c.id,
    pk=_T.c.pk,
    special={
        "occurred_at": instants.equal(_T.c.occurred_at_us),
        "since": instants.at_or_after(_T.c.occurred_at_us),
        "until": instants.before(_T.c.occurred_at_us),
        "at": _held_at,
    },
    newest_first=True,
)


def forget(tx: Transaction, *, before_us: int, limit: int) -> int:
    """Delete at most `limit` events of addresses that were given back before this instant.

    All events of an address that has an owner stay, so that `at` is right for the whole time that
    is kept.
    """
    other = _T.alias("other")
    same = and_(other.c.ip_address == _T.c.ip_address, other.c.subnet_id == _T.c.subnet_id)
    ended = exists().where(
        same,
        other.c.action == RELEASED,
        other.c.pk > _T.c.pk,
        other.c.occurred_at_us < before_us,
    )
    begun = exists().where(same, other.c.action != RELEASED, other.c.pk < _T.c.pk)
    releases_last = (
        and_(_T.c.action != RELEASED, ended),
        and_(_T.c.action == RELEASED, ~begun),
    )
    for condition in releases_last:
        query = (
            select(_T.c.pk)
            .where(_T.c.occurred_at_us < before_us, condition)
            .order_by(_T.c.occurred_at_us)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        if pks := list(tx.execute(query).scalars()):
            for some in alternatives(pks):
                tx.execute(delete(_T).where(_T.c.pk.in_(some)))
            return len(pks)
    return 0

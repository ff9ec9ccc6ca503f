"""The leases of some networks."""

from collections.abc import Sequence

from sqlalchemy import select

from ipam.chunks import alternatives
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.store.tables import lease


def leases(tx: Transaction, network_ids: Sequence[str]) -> list[Record]:
    """Their leases."""
    found: list[Record] = []
    for some in alternatives(network_ids):
        found += tx.execute(select(lease).where(lease.c.network_id.in_(some))).all()
    return found

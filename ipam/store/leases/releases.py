"""The leases that somebody asked to end."""

from sqlalchemy import delete, insert

from ipam import clock
from ipam.store.engine.database import Transaction
from ipam.store.tables import lease_release


def ask(tx: Transaction, lease_pk: int) -> None:
    """Have the lease's agent end it. Asked again, it begins anew."""
    tx.execute(delete(lease_release).where(lease_release.c.lease_pk == lease_pk))
    tx.execute(insert(lease_release).values(lease_pk=lease_pk, asked_at=clock.now_seconds()))

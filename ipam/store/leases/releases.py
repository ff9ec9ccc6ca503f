"""The leases that somebody asked to end."""

from sqlalchemy import delete, insert, select

from ipam import clock
from ipam.store.engine.database import Transaction
from ipam.store.tables import lease, lease_release

MICROSECONDS_PER_SECOND = 1_000_000


def ask(tx: Transaction, lease_pk: int) -> None:
    """Have the lease's agent end it. Asked again, it begins anew."""
    tx.execute(delete(lease_release).where(lease_release.c.lease_pk == lease_pk))
    tx.execute(insert(lease_release).values(lease_pk=lease_pk, asked_at=clock.now_seconds()))


def asked(tx: Transaction, subnet_id: str) -> set[bytes]:
    """The addresses of the subnet's leases that are to end.

    A machine that has asked again since, has a lease of its own now.
    """
    query = (
        select(lease.c.ip_address)
        .join(lease_release, lease_release.c.lease_pk == lease.c.pk)
        .where(
            lease.c.subnet_id == subnet_id,
            lease.c.first_seen_at_us < (lease_release.c.asked_at + 1) * MICROSECONDS_PER_SECOND,
        )
    )
    return set(tx.execute(query).scalars())

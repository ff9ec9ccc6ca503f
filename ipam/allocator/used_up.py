"""The error for a subnet without a free address."""

from sqlalchemy import func, select

from ipam.errors import IpAddressGenerationFailure
from ipam.model import iso_time
from ipam.store import recovery
from ipam.store.engine.database import Transaction
from ipam.store.tables import ip_address, subnet


def used_up(tx: Transaction, subnet_pk: int, now: int) -> IpAddressGenerationFailure:
    """The error with the subnet and how many of its addresses are cooling down.

    Raises ServiceRecovering if there is none because a backup was restored.
    """
    recovery.refuse_if_going_on(tx)
    found = tx.execute(select(subnet.c.id, subnet.c.cidr).where(subnet.c.pk == subnet_pk)).one()
    cooling = (
        ip_address.c.subnet_pk == subnet_pk,
        ip_address.c.owner_pk.is_(None),
        ip_address.c.free_at > now,
    )
    query = select(func.count(), func.min(ip_address.c.free_at)).where(*cooling)
    count, first = tx.execute(query).one()
    more = f" {count} cool down, the first until {iso_time(first)}." if count else ""
    return IpAddressGenerationFailure(
        f"No more IP addresses are available in subnet {found.id}, {found.cidr}.{more}"
    )

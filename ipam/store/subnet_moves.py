"""Takes what is known of addresses from one subnet to another of the same network."""

from sqlalchemy import case, select, update

from ipam import clock
from ipam.store import allocation_ledger, tables
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.store.subnet_ranges import Range

_PORT, _IP = tables.port, tables.ip_address
_EVENT, _LEASE = tables.allocation_event, tables.lease


def change_owners(tx: Transaction, subnet_pk: int, within: Range) -> None:
    """Raise the revisions of the ports with an address in this range, which locks their rows.

    Nobody gives such an address back before the transaction ends.
    """
    owners = select(_IP.c.owner_pk).where(
        _IP.c.subnet_pk == subnet_pk, _IP.c.ip.between(*within), _IP.c.owner_pk.is_not(None)
    )
    raised = {"revision_number": _PORT.c.revision_number + 1, "updated_at": clock.now_seconds()}
    tx.execute(update(_PORT).where(_PORT.c.pk.in_(owners)).values(**raised))


def take_history(
    tx: Transaction, network_id: str, old: Record, new: Record, within: Range
) -> None:
    """Have leases and the history of the addresses in this range name the new subnet.

    Events that are in no counter yet are to be counted in the new one.
    """
    allocation_ledger.write_now(tx)
    event = _EVENT.c
    there = (event.subnet_id == old.id, event.ip_address.between(*within))
    uncounted = case((event.uncounted_in == old.pk, new.pk), else_=event.uncounted_in)
    tx.execute(update(_EVENT).where(*there).values(subnet_id=new.id, uncounted_in=uncounted))
    held = (_LEASE.c.network_id == network_id, _LEASE.c.ip_address.between(*within))
    tx.execute(update(_LEASE).where(*held).values(subnet_id=new.id))

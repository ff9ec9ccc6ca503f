"""Deletes a port with all that it has: its leases and its addresses, which begin to cool down."""

from ipam.allocator.allocator import Allocator
from ipam.store import ports
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.store.leases import endings


def end(tx: Transaction, allocator: Allocator, row: Record, reason: str) -> list[bytes]:
    """Delete the port of this locked row; the addresses that it had.

    The reason goes into the history of its leases.
    """
    endings.end_of_port(tx, row.id, reason)
    held = ports.fixed_ips(tx, [row.pk])[row.pk]
    for _, subnet_pk, address in held:
        allocator.release(tx, subnet_pk, address, row.pk)
    ports.remove(tx, row.pk, tagged=bool(row.tags))
    return [address for _, _, address in held]

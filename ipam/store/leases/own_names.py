"""What machines call themselves in DHCP, beside the names of their ports."""

from collections.abc import Collection
from typing import Final

from sqlalchemy import select

from ipam.chunks import alternatives
from ipam.store.allocation_ledger import port_changed
from ipam.store.engine.database import Transaction
from ipam.store.tables import lease, port


def note_changes(tx: Transaction, port_ids: Collection[str]) -> set[int]:
    """Have agents hear that these ports' machines call themselves otherwise.

    Gives the numbers of the ports' networks. Like other names, these are heard of by the history
    of addresses.
    """
    networks = set()
    for some in alternatives(sorted(port_ids)):
        for row in tx.execute(select(port.c.pk, port.c.network_pk).where(port.c.id.in_(some))):
            port_changed(tx, row.pk)
            networks.add(row.network_pk)
    return networks


OF_PORT: Final = (
    select(lease.c.own_name)
    .where(lease.c.port_id == port.c.id, lease.c.own_name != "")
    .order_by(lease.c.ip_address)
    .limit(1)
    .correlate(port)
    .scalar_subquery()
    .label("own_name")
)
"""How a port's machine calls itself: with the first of its addresses, if with several."""

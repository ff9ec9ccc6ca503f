"""What a host holds, for an API that was restored from a backup."""

from ipam.agent.leases.differences import ethernet_address
from ipam.agent.leases.table import LeaseTable
from ipam.protocol.recovery import HeldLease


def held_leases(table: LeaseTable, now: int) -> list[HeldLease]:
    """The leases that have not ended by `now`, in epoch seconds."""
    return [
        HeldLease(
            network_id=network_id,
            ip_address=lease.ip_address,
            mac_address=ethernet_address(lease),
            expires_at=lease.expires_at,
            hostname=lease.hostname,
            client_id=lease.client_id,
            duid=lease.duid,
            iaid=lease.iaid,
        )
        for network_id in sorted(table.network_ids())
        for lease in table.leases(network_id)
        if not 0 < lease.expires_at <= now
    ]

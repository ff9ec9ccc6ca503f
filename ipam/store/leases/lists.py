"""The collections of leases and of lease events."""

from typing import Final

from ipam.store.engine import instants
from ipam.store.engine.listing import Collection
from ipam.store.tables import lease, lease_event

LEASES: Final = Collection(
    source=lease,
    selected=tuple(lease.c),
    columns={
        "id": lease.c.id,
        "network_id": lease.c.network_id,
        "subnet_id": lease.c.subnet_id,
        "port_id": lease.c.port_id,
        "project_id": lease.c.project_id,
        "tenant_id": lease.c.project_id,
        "ip_address": lease.c.ip_address,
        "mac_address": lease.c.mac_address,
        "client_id": lease.c.client_id,
        "duid": lease.c.duid,
        "iaid": lease.c.iaid,
        "hostname": lease.c.hostname,
        "own_name": lease.c.own_name,
        "host": lease.c.host,
        "expires_at": lease.c.expires_at,
        "first_seen_at": lease.c.first_seen_at_us,
        "last_seen_at": lease.c.last_seen_at_us,
        "source": lease.c.source,
    },
    id=lease.c.id,
    pk=lease.c.pk,
    special={
        "expires_at": instants.equal_seconds(lease.c.expires_at),
        "first_seen_at": instants.equal(lease.c.first_seen_at_us),
        "last_seen_at": instants.equal(lease.c.last_seen_at_us),
        # Both filters together give the leases that were held at some moment of the period.
        "since": instants.at_or_after(lease.c.last_seen_at_us),
        "until": instants.before(lease.c.first_seen_at_us),
    },
)

EVENTS: Final = Collection(
    source=lease_event,
    selected=tuple(lease_event.c),
    columns={
        "id": lease_event.c.id,
        "network_id": lease_event.c.network_id,
        "port_id": lease_event.c.port_id,
        "project_id": lease_event.c.project_id,
        "tenant_id": lease_event.c.project_id,
        "action": lease_event.c.action,
        "source": lease_event.c.source,
        "ip_address": lease_event.c.ip_address,
        "mac_address": lease_event.c.mac_address,
        "client_id": lease_event.c.client_id,
        "duid": lease_event.c.duid,
        "iaid": lease_event.c.iaid,
        "hostname": lease_event.c.hostname,
        "host": lease_event.c.host,
        "expires_at": lease_event.c.expires_at,
        "occurred_at": lease_event.c.occurred_at_us,
        "recorded_at": lease_event.c.recorded_at_us,
    },
    id=lease_event.c.id,
    pk=lease_event.c.pk,
    special={
        "expires_at": instants.equal_seconds(lease_event.c.expires_at),
        "occurred_at": instants.equal(lease_event.c.occurred_at_us),
        "recorded_at": instants.equal(lease_event.c.recorded_at_us),
        # An event that occurred since an instant was also recorded since then; that column has an
        # index.
        "since": instants.at_or_after(lease_event.c.occurred_at_us, lease_event.c.recorded_at_us),
        "until": instants.before(lease_event.c.occurred_at_us),
    },
    newest_first=True,
)

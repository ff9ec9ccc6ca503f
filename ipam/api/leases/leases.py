"""GET of leases: what DHCP servers last said about addresses."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from ipam import model
from ipam.api.http.kind import Kind
from ipam.errors import LeaseNotFound
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.store.leases.lists import LEASES
from ipam.values import IpAddress, MacAddress, ProjectId, Uuid


class LeaseView(Struct):
    """A lease. `expires_at` null is an infinite one; texts are what the client sent, escaped."""

    id: Uuid
    network_id: Uuid
    subnet_id: Uuid | None
    port_id: Uuid | None
    project_id: ProjectId
    tenant_id: ProjectId
    ip_address: IpAddress
    mac_address: MacAddress | None
    client_id: str | None
    duid: str | None
    iaid: str | None
    hostname: str | None
    host: str
    expires_at: str | None
    first_seen_at: str
    last_seen_at: str


def views(_tx: Transaction, rows: Sequence[Record]) -> list[LeaseView]:
    """The views of these rows."""
    return [
        LeaseView(
            id=row.id,
            network_id=row.network_id,
            subnet_id=row.subnet_id,
            port_id=row.port_id,
            project_id=row.project_id,
            tenant_id=row.project_id,
            ip_address=model.unpack(row.ip_address),
            mac_address=row.mac_address,
            client_id=row.client_id,
            duid=row.duid,
            iaid=row.iaid,
            hostname=row.hostname,
            host=row.host,
            expires_at=None if row.expires_at is None else model.iso_time(row.expires_at),
            first_seen_at=model.iso_time_microseconds(row.first_seen_at_us),
            last_seen_at=model.iso_time_microseconds(row.last_seen_at_us),
        )
        for row in rows
    ]


KIND: Final = Kind(
    name="lease",
    collection="leases",
    view=LeaseView,
    rows=LEASES,
    views=views,
    not_found=LeaseNotFound,
)

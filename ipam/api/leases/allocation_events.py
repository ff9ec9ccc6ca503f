"""GET of the allocation history: which port got or gave back which address, and when."""

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct

from ipam import model
from ipam.api.http.kind import Kind
from ipam.errors import AllocationEventNotFound
from ipam.store import allocation_history
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.values import IpAddress, MacAddress, Name, ProjectId, Uuid


class AllocationEventView(Struct):
    """An address that changed hands. The device is what the port said at that moment.

    `changed`: its port kept it and got another device or MAC address.
    """

    id: Uuid
    action: Literal["allocated", "changed", "released"]
    ip_address: IpAddress
    network_id: Uuid
    subnet_id: Uuid
    port_id: Uuid
    project_id: ProjectId
    tenant_id: ProjectId
    device_id: Name
    device_owner: Name
    mac_address: MacAddress
    occurred_at: str


def views(_tx: Transaction, rows: Sequence[Record]) -> list[AllocationEventView]:
    """The views of these rows."""
    return [
        AllocationEventView(
            id=row.id,
            action=row.action,
            ip_address=model.unpack(row.ip_address),
            network_id=row.network_id,
            subnet_id=row.subnet_id,
            port_id=row.port_id,
            project_id=row.project_id,
            tenant_id=row.project_id,
            device_id=row.device_id,
            device_owner=row.device_owner,
            mac_address=row.mac_address,
            occurred_at=model.iso_time_microseconds(row.occurred_at_us),
        )
        for row in rows
    ]


KIND: Final = Kind(
    name="allocation_event",
    collection="allocation_events",
    view=AllocationEventView,
    rows=allocation_history.COLLECTION,
    views=views,
    not_found=AllocationEventNotFound,
)

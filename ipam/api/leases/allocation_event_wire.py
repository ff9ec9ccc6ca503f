"""The bodies of the allocation history: which port had which address when."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from ipam import model
from ipam.api.http.kind import HISTORY_PAGE_MAX, Kind
from ipam.api.http.standard_attributes import ID, TENANT_ID
from ipam.errors import AllocationEventNotFound
from ipam.store import allocation_history
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.values import IpAddress, MacAddress, Name, ProjectId, Uuid


class AllocationEventView(Struct):
    """An address that got or lost its port. The device is the port's at that moment.

    `changed`: its port kept the address and got another device or MAC address.
    """

    id: Annotated[Uuid, ID]
    action: Annotated[
        Literal["allocated", "changed", "released"],
        Meta(
            description="allocated, released, or changed: the port kept it and got"
            " another device_id or MAC address."
        ),
    ]
    ip_address: Annotated[IpAddress, Meta(description="The address.")]
    network_id: Annotated[Uuid, Meta(description="The network.")]
    subnet_id: Annotated[Uuid, Meta(description="The subnet of the address.")]
    port_id: Annotated[
        Uuid, Meta(description="The port that has, or had, the address; null for none.")
    ]
    project_id: Annotated[ProjectId, Meta(description="The project of the port.")]
    tenant_id: Annotated[ProjectId, TENANT_ID]
    device_id: Annotated[Name, Meta(description="The machine that has the port; its id in Nova.")]
    device_owner: Annotated[
        Name, Meta(description="What kind of machine, such as compute:nova or network:dhcp.")
    ]
    mac_address: Annotated[MacAddress, Meta(description="The port's MAC address at that moment.")]
    occurred_at: Annotated[str, Meta(description="When it happened, in UTC.")]


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
    page_size_max=HISTORY_PAGE_MAX,
)

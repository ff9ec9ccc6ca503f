"""The bodies of the lease history's events."""

from collections.abc import Sequence
from typing import Annotated, Final

from msgspec import Meta, Struct

from ipam import model
from ipam.api.http.kind import HISTORY_PAGE_MAX, Kind
from ipam.api.http.standard_attributes import ID, TENANT_ID
from ipam.errors import LeaseEventNotFound
from ipam.model import LeaseAction, LeaseSource
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.store.leases.lists import EVENTS
from ipam.values import IpAddress, MacAddress, ProjectId, Uuid


class LeaseEventView(Struct):
    """What a DHCP server did with an address, or an end that none reported (`missed`)."""

    id: Annotated[Uuid, ID]
    network_id: Annotated[Uuid, Meta(description="The network.")]
    port_id: Annotated[
        Uuid | None, Meta(description="The port that has, or had, the address; null for none.")
    ]
    project_id: Annotated[
        ProjectId, Meta(description="The project of its port, or else of its network.")
    ]
    tenant_id: Annotated[ProjectId, TENANT_ID]
    action: Annotated[
        LeaseAction,
        Meta(description="add, old (renewed), del, or missed: an end that nobody reported."),
    ]
    source: Annotated[
        LeaseSource,
        Meta(
            description="hook: dnsmasq reported it. reconciled: nobody did, and the agent found it"
            " by what dnsmasq holds. service: the service ended the lease. slaac: a machine made"
            " the address and was seen with it."
        ),
    ]
    ip_address: Annotated[IpAddress, Meta(description="The address.")]
    mac_address: Annotated[
        MacAddress | None,
        Meta(description="The client's MAC address; null where it has no Ethernet."),
    ]
    client_id: Annotated[
        str | None,
        Meta(description="The DHCPv4 client identifier, as the client sent it, escaped."),
    ]
    duid: Annotated[
        str | None,
        Meta(description="The DHCPv6 client identifier, as the client sent it, escaped."),
    ]
    iaid: Annotated[
        str | None, Meta(description="The DHCPv6 identity association, as the client sent it.")
    ]
    hostname: Annotated[str | None, Meta(description="The name that the client sent, escaped.")]
    host: Annotated[str, Meta(description="The host of the DHCP server that reported it.")]
    expires_at: Annotated[str | None, Meta(description="When the lease ends; null for never.")]
    occurred_at: Annotated[str, Meta(description="When it happened, in UTC.")]
    recorded_at: Annotated[str, Meta(description="When the service recorded it, in UTC.")]
    details: Annotated[
        dict[str, str], Meta(description="Further facts that the DHCP server knew.")
    ]


def views(_tx: Transaction, rows: Sequence[Record]) -> list[LeaseEventView]:
    """The views of these rows."""
    return [
        LeaseEventView(
            id=row.id,
            network_id=row.network_id,
            port_id=row.port_id,
            project_id=row.project_id,
            tenant_id=row.project_id,
            action=row.action,
            source=row.source,
            ip_address=model.unpack(row.ip_address),
            mac_address=row.mac_address,
            client_id=row.client_id,
            duid=row.duid,
            iaid=row.iaid,
            hostname=row.hostname,
            host=row.host,
            expires_at=None if row.expires_at is None else model.iso_time(row.expires_at),
            occurred_at=model.iso_time_microseconds(row.occurred_at_us),
            recorded_at=model.iso_time_microseconds(row.recorded_at_us),
            details=row.details,
        )
        for row in rows
    ]


KIND: Final = Kind(
    name="lease_event",
    collection="lease_events",
    view=LeaseEventView,
    rows=EVENTS,
    views=views,
    not_found=LeaseEventNotFound,
    page_size_max=HISTORY_PAGE_MAX,
)

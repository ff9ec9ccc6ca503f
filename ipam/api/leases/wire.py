"""The bodies of leases: what DHCP servers last said about addresses."""

from collections.abc import Sequence
from typing import Annotated, Final

from msgspec import Meta, Struct

from ipam import model
from ipam.api.http.kind import Kind
from ipam.api.http.standard_attributes import ID, TENANT_ID
from ipam.errors import LeaseNotFound
from ipam.model import LeaseOrigin
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.store.leases.lists import LEASES
from ipam.values import IpAddress, MacAddress, ProjectId, Uuid


class LeaseView(Struct):
    """A lease, or an address that a machine made itself (`source` slaac) and was seen with.

    `expires_at` is null if it is infinite. Texts are the client's, escaped.
    """

    id: Annotated[Uuid, ID]
    network_id: Annotated[Uuid, Meta(description="The network.")]
    subnet_id: Annotated[Uuid | None, Meta(description="The subnet of the address.")]
    port_id: Annotated[
        Uuid | None, Meta(description="The port that has, or had, the address; null for none.")
    ]
    project_id: Annotated[
        ProjectId, Meta(description="The project of its port, or else of its network.")
    ]
    tenant_id: Annotated[ProjectId, TENANT_ID]
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
    hostname: Annotated[
        str | None,
        Meta(
            description="The name of the lease: its port's, or else what the client sent, escaped."
        ),
    ]
    own_name: Annotated[
        str,
        Meta(
            description="How the client calls itself, with [network] serve_own_names: its port is"
            " found by that, too, unless somebody has the name. Empty for nothing."
        ),
    ]
    host: Annotated[str, Meta(description="The host of the DHCP server that reported it.")]
    expires_at: Annotated[str | None, Meta(description="When the lease ends; null for never.")]
    first_seen_at: Annotated[str, Meta(description="When the client first had the address.")]
    last_seen_at: Annotated[str, Meta(description="When the client last asked for it.")]
    source: Annotated[
        LeaseOrigin,
        Meta(
            description="dhcp: a DHCP server gave the address. slaac: the machine made it itself"
            " and was seen with it; it may be another than its port's, for its privacy."
        ),
    ]


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
            own_name=row.own_name,
            host=row.host,
            expires_at=None if row.expires_at is None else model.iso_time(row.expires_at),
            first_seen_at=model.iso_time_microseconds(row.first_seen_at_us),
            last_seen_at=model.iso_time_microseconds(row.last_seen_at_us),
            source=row.source,
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
    is_long=True,
)

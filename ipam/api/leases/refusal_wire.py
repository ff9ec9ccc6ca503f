"""The bodies of machines that DHCP servers did not answer."""

from collections.abc import Sequence
from typing import Annotated, Final

from msgspec import Meta, Struct

from ipam import model
from ipam.api.http.kind import Kind
from ipam.api.http.standard_attributes import ID, TENANT_ID
from ipam.errors import DhcpRefusalNotFound
from ipam.store import dhcp_refusals
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.values import ProjectId, Uuid


class DhcpRefusalView(Struct):
    """A machine that asked a DHCP server without success, and how often since `first_at`."""

    id: Annotated[Uuid, ID]
    network_id: Annotated[Uuid, Meta(description="The network.")]
    project_id: Annotated[ProjectId, Meta(description="The project of the network.")]
    tenant_id: Annotated[ProjectId, TENANT_ID]
    host: Annotated[str, Meta(description="The host whose DHCP server did not answer it.")]
    client: Annotated[
        str,
        Meta(description="Its MAC address; a DHCPv6 client's DUID where that holds none."),
    ]
    reason: Annotated[str, Meta(description="Why, in the DHCP server's words.")]
    ip_address: Annotated[str, Meta(description="The address that it asked for; often empty.")]
    tap: Annotated[
        str,
        Meta(
            description="The link of the network's bridge from which it asked last: the tap of a"
            " machine, or an uplink; empty if unknown."
        ),
    ]
    count: Annotated[int, Meta(description="How often it was refused since `first_at`.")]
    first_at: Annotated[str, Meta(description="When it was refused first.")]
    last_at: Annotated[str, Meta(description="When it was refused last.")]


def views(_tx: Transaction, rows: Sequence[Record]) -> list[DhcpRefusalView]:
    """The views of these rows."""
    return [
        DhcpRefusalView(
            id=row.id,
            network_id=row.network_id,
            project_id=row.project_id,
            tenant_id=row.project_id,
            host=row.host,
            client=row.client,
            reason=row.reason,
            ip_address=row.ip_address,
            tap=row.tap,
            count=row.times,
            first_at=model.iso_time(row.first_at),
            last_at=model.iso_time(row.last_at),
        )
        for row in rows
    ]


KIND: Final = Kind(
    name="dhcp_refusal",
    collection="dhcp_refusals",
    view=DhcpRefusalView,
    rows=dhcp_refusals.COLLECTION,
    views=views,
    not_found=DhcpRefusalNotFound,
)

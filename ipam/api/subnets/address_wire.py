"""The bodies of a subnet's addresses that are not free."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta, Struct

from ipam import model
from ipam.api.http.kind import Kind
from ipam.api.http.standard_attributes import TENANT_ID
from ipam.errors import SubnetNotFound
from ipam.rules import prefixes
from ipam.store import subnet_addresses
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.values import IpAddress, MacAddress, Name, ProjectId, Uuid


class AddressView(Struct):
    """An address of a subnet that is not free.

    `allocated` has a port. `cooling` was released a short time ago. `leased` was given by a DHCP
    server to a machine without a port. `lease_expires_at` is null without a lease, and for an
    infinite one.
    """

    ip_address: Annotated[IpAddress, Meta(description="The address.")]
    state: Annotated[
        Literal["allocated", "cooling", "leased"],
        Meta(
            description="allocated to a port, cooling after one, or leased to a"
            " machine without one."
        ),
    ]
    port_id: Annotated[
        Uuid | None, Meta(description="The port that has, or had, the address; null for none.")
    ]
    project_id: Annotated[ProjectId | None, Meta(description="The project of its port.")]
    tenant_id: Annotated[ProjectId | None, TENANT_ID]
    device_id: Annotated[
        Name | None, Meta(description="The machine that has the port; its id in Nova.")
    ]
    device_owner: Annotated[
        Name | None,
        Meta(description="What kind of machine, such as compute:nova or network:dhcp."),
    ]
    mac_address: Annotated[
        MacAddress | None, Meta(description="The MAC address of its port or lease.")
    ]
    hostname: Annotated[str | None, Meta(description="The name of the lease.")]
    lease_id: Annotated[Uuid | None, Meta(description="The lease of the address.")]
    lease_expires_at: Annotated[
        str | None,
        Meta(description="When the lease of the address ends; null for never, or without one."),
    ]
    free_at: Annotated[
        str | None, Meta(description="When an address that cools down may be given again.")
    ]


@dataclass(frozen=True, slots=True)
class SubnetFacts:
    """The attributes of a subnet by which its addresses are found. A subnet's row has them."""

    pk: int
    network_pk: int
    network_id: str
    cidr: str


def views(_tx: Transaction, rows: Sequence[Record]) -> list[AddressView]:
    """The addresses of these rows."""
    return [
        AddressView(
            ip_address=model.unpack(row.ip),
            state=row.state,
            port_id=row.port_id,
            project_id=row.project_id,
            tenant_id=row.project_id,
            device_id=row.device_id,
            device_owner=row.device_owner,
            mac_address=row.port_mac or row.lease_mac,
            hostname=row.hostname or row.dns_name or None,
            lease_id=row.lease_id,
            lease_expires_at=_iso(row.expires_at),
            free_at=_iso(row.free_at),
        )
        for row in rows
    ]


def kind(subnet: SubnetFacts, now: int) -> Kind:
    """The addresses of this subnet at this time, as a kind of resource."""
    within = prefixes.parse(subnet.cidr).ends
    return Kind(
        "subnet_address",
        "addresses",
        AddressView,
        subnet_addresses.collection(subnet.pk, subnet.network_pk, subnet.network_id, within, now),
        views,
        SubnetNotFound,
    )


def _iso(epoch_seconds: int | None) -> str | None:
    return None if epoch_seconds is None else model.iso_time(epoch_seconds)

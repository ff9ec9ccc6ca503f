"""The addresses of a subnet that are not free, as the API shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from msgspec import Struct

from ipam import model
from ipam.api.http.kind import Kind
from ipam.errors import SubnetNotFound
from ipam.rules import prefixes
from ipam.store import subnet_addresses
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.values import IpAddress, MacAddress, Name, ProjectId, Uuid


class AddressView(Struct):
    """An address of a subnet that is not free.

    `allocated` has a port, `cooling` had one a moment ago, `leased` was given by a DHCP server to
    a machine without a port. `lease_expires_at` is null without a lease and for an infinite one.
    """

    ip_address: IpAddress
    state: Literal["allocated", "cooling", "leased"]
    port_id: Uuid | None
    project_id: ProjectId | None
    tenant_id: ProjectId | None
    device_id: Name | None
    device_owner: Name | None
    mac_address: MacAddress | None
    hostname: str | None
    lease_id: Uuid | None
    lease_expires_at: str | None
    free_at: str | None


@dataclass(frozen=True, slots=True)
class SubnetFacts:
    """What the addresses of a subnet are found by; a subnet's row has it."""

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
    """The addresses of this subnet, at this time, as a kind of resource."""
    prefix = prefixes.parse(subnet.cidr)
    first, last = (number.to_bytes(prefix.bits // 8) for number in (prefix.first, prefix.last))
    return Kind(
        "subnet_address",
        "addresses",
        AddressView,
        subnet_addresses.collection(
            subnet.pk, subnet.network_pk, subnet.network_id, (first, last), now
        ),
        views,
        SubnetNotFound,
    )


def _iso(epoch_seconds: int | None) -> str | None:
    return None if epoch_seconds is None else model.iso_time(epoch_seconds)

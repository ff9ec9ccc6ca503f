"""The bodies of who held an address and when."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from msgspec import Meta, Struct

from ipam import model
from ipam.api.http.standard_attributes import TENANT_ID
from ipam.rules.address_holders import AddressHolder
from ipam.values import IpAddress, MacAddress, Name, ProjectId, Uuid


class AddressHolderView(Struct):
    """A port, or a machine without one, that held an address for a time.

    `since` is null if it began before the history that is kept, and `until` if it lasts.
    """

    ip_address: Annotated[IpAddress, Meta(description="The address.")]
    since: Annotated[str | None, Meta(description="From when on.")]
    until: Annotated[str | None, Meta(description="Until when.")]
    network_id: Annotated[Uuid, Meta(description="The network.")]
    subnet_id: Annotated[Uuid | None, Meta(description="The subnet; null without a port.")]
    port_id: Annotated[
        Uuid | None,
        Meta(description="The port, which may be deleted since; null for a lease without one."),
    ]
    port_name: Annotated[Name | None, Meta(description="The port's name, if it still exists.")]
    project_id: Annotated[ProjectId, Meta(description="The project of the port or network.")]
    tenant_id: Annotated[ProjectId, TENANT_ID]
    device_id: Annotated[Name | None, Meta(description="The machine of the port at that time.")]
    device_owner: Annotated[Name | None, Meta(description="What kind of machine it was.")]
    mac_address: Annotated[MacAddress | None, Meta(description="Its MAC address.")]
    hostname: Annotated[str | None, Meta(description="The name that it sent, escaped.")]
    host: Annotated[str | None, Meta(description="The host whose DHCP server answered it last.")]
    lease_since: Annotated[
        str | None, Meta(description="When its first lease in that time began.")
    ]
    lease_until: Annotated[
        str | None, Meta(description="When its last lease in that time ended; null if it lasts.")
    ]
    lease_expires_at: Annotated[
        str | None, Meta(description="When its last lease ran out, or will, as known last.")
    ]


def views(
    found: Sequence[AddressHolder], port_names: Mapping[str, str]
) -> list[AddressHolderView]:
    """The views of these holders."""
    return [_view(each, port_names.get(each.port_id or "")) for each in found]


def _view(holder: AddressHolder, port_name: str | None) -> AddressHolderView:
    lease = holder.lease
    expires_at = lease.last.expires_at if lease else None
    return AddressHolderView(
        ip_address=model.unpack(holder.ip_address),
        since=_iso(holder.since_us),
        until=_iso(holder.until_us),
        network_id=holder.network_id,
        subnet_id=holder.subnet_id,
        port_id=holder.port_id,
        port_name=port_name,
        project_id=holder.project_id,
        tenant_id=holder.project_id,
        device_id=holder.device_id,
        device_owner=holder.device_owner,
        mac_address=holder.mac_address,
        hostname=lease.last.hostname if lease else None,
        host=lease.last.host if lease else None,
        lease_since=_iso(lease.since_us) if lease else None,
        lease_until=_iso(lease.until_us) if lease else None,
        lease_expires_at=None if expires_at is None else model.iso_time(expires_at),
    )


def _iso(epoch_microseconds: int | None) -> str | None:
    if epoch_microseconds is None:
        return None
    return model.iso_time_microseconds(epoch_microseconds)

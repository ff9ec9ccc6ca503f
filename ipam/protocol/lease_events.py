"""What an agent tells the API of leases. The agent keeps it on disk in the same form."""

from typing import Any

from msgspec import Struct

from ipam.model import LeaseAction
from ipam.values import IpAddress, Uuid


class LeaseEventCreate(Struct):
    """An event as its agent saw it. Texts are cut to their column, never refused."""

    id: str
    network_id: Uuid
    host: str
    action: LeaseAction
    ip_address: IpAddress
    occurred_at_us: int
    mac_address: str | None = None
    client_id: str | None = None
    duid: str | None = None
    iaid: str | None = None
    hostname: str | None = None
    expires_at: int | None = None
    details: dict[str, Any] = {}

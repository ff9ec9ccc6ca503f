"""Decides which events for Nova a change of a port makes. Pure.

Only ports of Nova's servers have events: their device_id is a UUID and their device_owner begins
with `compute:`. The status of every event is `completed`, which is Nova's default.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from ipam import model

PLUGGED: Final = "network-vif-plugged"
UNPLUGGED: Final = "network-vif-unplugged"
DELETED: Final = "network-vif-deleted"
CHANGED: Final = "network-changed"

BINDING: Final = frozenset(
    {"binding_host_id", "binding_vnic_type", "binding_profile", "binding_vif_type"}
)
KEPT_BY_NOVA: Final = BINDING | {
    "fixed_ips",
    "mac_address",
    "admin_state_up",
    "device_id",
    "device_owner",
}
"""Attributes that Nova copies into a server's info cache, or by which it finds ports."""

WRITTEN_BY_NOVA: Final = BINDING | {"device_id", "device_owner", "dns_name", "status"}
"""Attributes that Nova changes itself, and the status that follows. Nova reads them afterwards."""


class Port(Protocol):
    """The values of a port that decide its events. A row of the database has them."""

    @property
    def id(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def device_id(self) -> str: ...
    @property
    def device_owner(self) -> str: ...


@dataclass(frozen=True, slots=True)
class ComputeEvent:
    """An event for Nova about a server's port."""

    name: str
    server_id: str
    port_id: str


def server_of(device_id: str, device_owner: str) -> str | None:
    """The id of the server that has the port; None if it is not a server's port."""
    is_server = device_owner.startswith(model.COMPUTE_OWNER_PREFIX) and model.is_uuid(device_id)
    return device_id if is_server else None


def of_update(
    port: Port, changed: Mapping[str, Any], *, by_service: bool = False
) -> list[ComputeEvent]:
    """The events of changed values. `port` is the port before the change.

    `changed` has the key `fixed_ips`, with any value, if the addresses changed.
    """
    before = server_of(port.device_id, port.device_owner)
    owner = changed.get("device_owner", port.device_owner)
    after = server_of(changed.get("device_id", port.device_id), owner)
    events = [
        *_of_status(port.status, changed.get("status", port.status), before, after),
        *_of_copies(changed, before, after, by_service=by_service),
    ]
    return [ComputeEvent(name, server, port.id) for name, server in events if server]


def of_deletion(port: Port) -> list[ComputeEvent]:
    """The events of the deletion of the port. There is none for its unplugging."""
    return _for_each(DELETED, [port])


def of_ready(ports: Sequence[Port]) -> list[ComputeEvent]:
    """The events when DHCP begins to answer ports on a host they are bound to."""
    return _for_each(PLUGGED, ports)


def of_unplugged(ports: Sequence[Port]) -> list[ComputeEvent]:
    """The events when the taps of ports leave the host they are bound to."""
    return _for_each(UNPLUGGED, ports)


def _of_status(
    status: str, new_status: str, before: str | None, after: str | None
) -> list[tuple[str, str | None]]:
    if status == new_status:
        return []
    if new_status == model.ACTIVE:
        return [(PLUGGED, after)]
    return [(UNPLUGGED, before)] if status == model.ACTIVE else []


def _of_copies(
    changed: Mapping[str, Any], before: str | None, after: str | None, *, by_service: bool
) -> list[tuple[str, str | None]]:
    """`network-changed` for each server whose copies in Nova are outdated."""
    if KEPT_BY_NOVA.isdisjoint(changed) or (by_service and changed.keys() <= WRITTEN_BY_NOVA):
        return []
    return [(CHANGED, server) for server in dict.fromkeys((before, after))]


def _for_each(name: str, ports: Sequence[Port]) -> list[ComputeEvent]:
    servers = ((server_of(port.device_id, port.device_owner), port.id) for port in ports)
    return [ComputeEvent(name, server, port_id) for server, port_id in servers if server]

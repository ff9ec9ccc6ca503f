"""Which events for Nova a change of a port makes. Pure.

Only for ports of Nova's servers: those whose device_id is a UUID and whose device_owner says
`compute:`. Every event is a completed one, which is what Nova takes for granted.
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
"""What Nova has copies of in a server's info cache, or finds the server's ports by."""

WRITTEN_BY_NOVA: Final = BINDING | {"device_id", "device_owner", "dns_name", "status"}
"""What Nova changes itself, with the status that follows; it reads all of it back right after."""


class Port(Protocol):
    """What of a port decides which events there are; a row of the database has it."""

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
    """One thing that Nova is told of a server's port."""

    name: str
    server_id: str
    port_id: str


def server_of(device_id: str, device_owner: str) -> str | None:
    """The id of the server whose port has these; None for the port of anything else."""
    is_server = device_owner.startswith(model.COMPUTE_OWNER_PREFIX) and model.is_uuid(device_id)
    return device_id if is_server else None


def of_update(
    port: Port, changed: Mapping[str, Any], *, by_service: bool = False
) -> list[ComputeEvent]:
    """What follows from the values that changed, by the port as it was.

    `fixed_ips` stands among them, with any value, when the addresses changed.
    """
    before = server_of(port.device_id, port.device_owner)
    owner = changed.get("device_owner", port.device_owner)
    after = server_of(changed.get("device_id", port.device_id), owner)
    told = [
        *_of_status(port.status, changed.get("status", port.status), before, after),
        *_of_copies(changed, before, after, by_service=by_service),
    ]
    return [ComputeEvent(name, server, port.id) for name, server in told if server]


def of_deletion(port: Port) -> list[ComputeEvent]:
    """What follows from deleting the port; that it is unplugged goes without saying."""
    return _for_each(DELETED, [port])


def of_ready(ports: Sequence[Port]) -> list[ComputeEvent]:
    """What follows when DHCP begins to answer for ports on a host they are bound to."""
    return _for_each(PLUGGED, ports)


def of_unplugged(ports: Sequence[Port]) -> list[ComputeEvent]:
    """What follows when the taps of ports leave the host they are bound to."""
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
    """`network-changed` for each server whose copies are no longer true."""
    if KEPT_BY_NOVA.isdisjoint(changed) or (by_service and changed.keys() <= WRITTEN_BY_NOVA):
        return []
    return [(CHANGED, server) for server in dict.fromkeys((before, after))]


def _for_each(name: str, ports: Sequence[Port]) -> list[ComputeEvent]:
    servers = ((server_of(port.device_id, port.device_owner), port.id) for port in ports)
    return [ComputeEvent(name, server, port_id) for server, port_id in servers if server]

"""Refuses changes of a network's DHCP port, which only the API itself makes."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import UnsetType

from ipam import model
from ipam.api.ports.wire import PortUpdate
from ipam.errors import InvalidInput, PortInUse
from ipam.store import ports
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record

HELD_BY_DHCP: Final = frozenset({"device_id", "device_owner", "fixed_ips", "mac_address"})
"""The attributes of a network's DHCP port that only the API sets."""


def keep_dhcp_port_alone(
    tx: Transaction, row: Record, asked: PortUpdate, values: Mapping[str, Any]
) -> None:
    """Refuse an update that changes the network's DHCP port or makes another port one."""
    owner = values.get("device_owner", row.device_owner)
    if model.DHCP_PORT_OWNER not in (owner, row.device_owner):
        return
    network_id = ports.network_id(tx, row.network_pk)
    moved = not isinstance(asked.fixed_ips, UnsetType)
    if moved or not HELD_BY_DHCP.isdisjoint(values):
        refuse_dhcp_port(row, network_id)
    if "device_owner" in values or "device_id" in values:
        refuse_second_dhcp_port(owner, values.get("device_id", row.device_id), network_id)


def _is_dhcp_port(device_owner: str, device_id: str, network_id: str) -> bool:
    """Whether a port is the network's own DHCP port."""
    own = (model.DHCP_PORT_OWNER, model.dhcp_device_id(network_id))
    return (device_owner, device_id) == own


def refuse_dhcp_port(row: Record, network_id: str) -> None:
    """Raise PortInUse if the port is the network's DHCP port."""
    if _is_dhcp_port(row.device_owner, row.device_id, network_id):
        raise PortInUse(
            f"Port {row.id} is the DHCP port of network {network_id}: it follows the network's"
            " subnets and goes away with the network."
        )


def refuse_second_dhcp_port(device_owner: str, device_id: str, network_id: str) -> None:
    """Raise InvalidInput for a device that only the network's DHCP port may have."""
    if _is_dhcp_port(device_owner, device_id, network_id):
        raise InvalidInput(
            f"Invalid input for device_id. Reason: '{device_id}' with device_owner"
            f" '{device_owner}' is the network's own DHCP port."
        )

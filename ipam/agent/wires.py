"""Decides on which bridge of this host a network is, and by which wire it reaches others. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

from ipam import model
from ipam.agent.state import Bridge, Wire
from ipam.protocol.dhcp_state import FullNetwork
from ipam.rules.mappings import host_and_interface
from ipam.rules.segments import FLAT, VLAN, VXLAN

INTERFACE_NAME_LENGTH: Final = 15
VLAN_SUFFIX_LENGTH: Final = 5
HASH_LENGTH: Final = 6
UPLINK: Final = Wire("", "bridged")
"""The uplink on a bridge of the administrator's, whatever its name."""


@dataclass(frozen=True, slots=True)
class Reach:
    """By what this host reaches others, as its settings say: names by physical network."""

    interfaces: Mapping[str, str] = field(default_factory=dict)
    bridges: Mapping[str, str] = field(default_factory=dict)
    tunnel_end: str = ""
    """The address of this host for tunnels; empty without tunnels."""
    tunnel_port: int = 4789
    host: str = ""

    def interface(self, physical: str) -> str:
        """The interface that leads to a physical network; empty if none does."""
        own = host_and_interface(physical)
        if own and own[0] == self.host:
            return own[1]
        return self.interfaces.get(physical, "")


NO_REACH: Final = Reach()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a network is on this host."""

    bridge: Bridge
    wire: Wire | None = None
    peers: frozenset[str] | None = frozenset()
    """The other ends of its tunnels; None to leave them as they are."""
    fault: str = ""
    """Why it ends here, though it should reach other hosts; a sentence."""


def place(row: FullNetwork, reach: Reach) -> Place:
    """The network's place. A network of a physical network without mapping is here alone."""
    bridge = Bridge(model.bridge_name(row.id), row.mtu)
    physical, number = row.physical_network or "", row.segmentation_id or 0
    interface = reach.interface(physical)
    match row.network_type:
        case "local":
            return Place(bridge)
        case "flat" if physical in reach.bridges:
            return Place(Bridge(reach.bridges[physical], row.mtu, own=False), UPLINK)
        case "flat" if interface:
            return Place(bridge, Wire(interface, FLAT))
        case "vlan" if interface:
            name = vlan_device_name(interface, number)
            return Place(bridge, Wire(name, VLAN, interface, number, mtu=row.mtu))
        case "vxlan" if reach.tunnel_end:
            local, port = reach.tunnel_end, reach.tunnel_port
            wire = Wire(f"vxlan-{number}", VXLAN, "", number, local, port, row.mtu)
            return Place(bridge, wire, peers=_peers(row, local))
        case _:
            return Place(bridge, fault=_unreached(row))


def vlan_device_name(interface: str, vlan_id: int) -> str:
    """The name of a VLAN's device, the same as Neutron's: `eth1.101`.

    If it would be too long for an interface, the beginning is cut, for all such VLANs alike.
    """
    if len(f"{interface}.{vlan_id}") > INTERFACE_NAME_LENGTH:
        digest = hashlib.sha1(interface.encode(), usedforsecurity=False).hexdigest()
        length = INTERFACE_NAME_LENGTH - VLAN_SUFFIX_LENGTH - HASH_LENGTH
        interface = interface[:length] + digest[:HASH_LENGTH]
    return f"{interface}.{vlan_id}"


def _peers(row: FullNetwork, local: str) -> frozenset[str] | None:
    """The peers of the same IP version: a tunnel has only one."""
    if row.peers is None:
        return None
    own = ip_address(local)
    others = {ip_address(one) for one in row.peers} - {own}
    return frozenset(str(one) for one in others if one.version == own.version)


def _unreached(row: FullNetwork) -> str:
    if row.network_type in (FLAT, VLAN) and (own := host_and_interface(row.physical_network)):
        return f"It is a network of {own[1]} of host {own[0]}: it ends at this host."
    if row.network_type == VXLAN:
        return (
            "[agent] local_ip of this host is empty, so it has no tunnels: it ends at this host."
        )
    mapped = f"maps physical network {row.physical_network} to no interface"
    if row.network_type == FLAT:
        mapped = f"{mapped}, and bridge_mappings to no bridge"
    elif row.network_type != VLAN:
        return f"This host does not carry networks of type {row.network_type}."
    return f"[agent] physical_interface_mappings of this host {mapped}: it ends at this host."

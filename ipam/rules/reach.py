"""Whether a host reaches a network, by what its agent says of itself. Pure."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from ipam.rules.mappings import host_and_interface
from ipam.rules.segments import FLAT, LOCAL, VLAN, VXLAN

WORDS = ("interface_mappings", "bridge_mappings", "tunnel_types")
"""Keys of an agent's `configurations`, as Neutron's agents have them."""


def unreached(
    network_type: str | None,
    physical_network: str | None,
    configurations: Mapping[str, Any] | None,
    host: str,
) -> str:
    """Why the host does not reach the network, a text to follow "whose agent"; "" if it does.

    An agent that says nothing of mappings and tunnels is an older one, and is trusted.
    """
    said = configurations or {}
    if network_type in (FLAT, VLAN) and (own := host_and_interface(physical_network)):
        return (
            "" if own[0] == host else f"is not that of {own[0]}, on whose {own[1]} the network is"
        )
    if network_type in (None, LOCAL) or not any(word in said for word in WORDS):
        return ""
    if network_type not in (FLAT, VLAN, VXLAN):
        return f"carries no networks of type {network_type}"
    if network_type == VXLAN:
        has_tunnels = VXLAN in _collection(said, "tunnel_types")
        return "" if has_tunnels else "has no [agent] local_ip for vxlan networks"
    maps_interface = physical_network in _collection(said, "interface_mappings")
    if maps_interface or (
        network_type == FLAT and physical_network in _collection(said, "bridge_mappings")
    ):
        return ""
    words = "interface" if network_type == VLAN else "interface or bridge"
    return f"maps physical network {physical_network} to no {words}"


def may_answer(configurations: Mapping[str, Any] | None) -> bool:
    """Whether the host could answer machines behind uplinks.

    One without nftables cannot, nor one with an agent of an earlier version.
    """
    return (configurations or {}).get("answers_uplinks") is True


def mapped_uplinks(configurations: Mapping[str, Any] | None) -> Mapping[str, frozenset[str]]:
    """The physical networks that the host reaches by its mappings, by network type."""
    said = configurations or {}
    interfaces = frozenset(map(str, _collection(said, "interface_mappings")))
    bridges = frozenset(map(str, _collection(said, "bridge_mappings")))
    return {FLAT: interfaces | bridges, VLAN: interfaces}


def tunnel_end(configurations: Mapping[str, Any] | None) -> str | None:
    """The address at which tunnels of other hosts reach the agent's host; None without tunnels."""
    said = configurations or {}
    address = said.get("tunneling_ip")
    if VXLAN not in _collection(said, "tunnel_types") or not isinstance(address, str):
        return None
    try:
        return str(ip_address(address))
    except ValueError:
        return None


def _collection(said: Mapping[str, Any], word: str) -> Any:
    value = said.get(word)
    return value if isinstance(value, dict | list) else ()

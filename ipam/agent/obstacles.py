"""Says why a wire cannot join a network's bridge to other hosts, with the remedy. Pure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from ipaddress import ip_address
from typing import Final

from ipam import model
from ipam.agent.host.raw_netlink import SHARING_KINDS, Link
from ipam.agent.state import Bridge, Wire
from ipam.rules.segments import VLAN, VXLAN, VXLAN_OVERHEAD

UPLINK_KINDS: Final = ("", "vlan", "bond", "team", "vxlan")
"""What leads to other hosts: hardware, and what is made of it. A veth or tap leads to a guest."""

MAC_LENGTH: Final = len("fa:16:3e:00:00:01")
"""What carries IP alone, such as a tun or WireGuard, has no MAC address or a shorter one."""


def uplinks(links: Mapping[str, Link], bridge: str, named: Collection[str]) -> list[str]:
    """The links on an administrator's bridge that lead to other hosts; those named count, too."""
    master = links[bridge].index if bridge in links else -1
    return sorted(
        link.name
        for link in links.values()
        if link.master == master and (link.kind in UPLINK_KINDS or link.name in named)
    )


def obstacle(
    wire: Wire,
    bridge: Bridge,
    links: Mapping[str, Link],
    *,
    uses_of: Callable[[str], Sequence[str]],
    is_wireless: Callable[[str], bool],
    holder_of: Callable[[str], str],
) -> str:
    """A sentence, or "" if nothing is in the way. The wire is not on the bridge yet."""
    found = links.get(wire.device)
    if wire.kind == VXLAN:
        sentence = _of_tunnel(wire, bridge, links.get(holder_of(wire.local)))
    else:
        sentence = _of_uplink(wire, bridge, links, is_wireless)
    if sentence:
        return sentence
    if found is None:
        return ""
    if wire.kind == VLAN and found.kind == VLAN and not _is_vlan(found, wire, links):
        return (
            f"{wire.device} is not VLAN {wire.segment} of {wire.parent}: `ip link del"
            f" {wire.device}`, and it is made anew."
        )
    if wire.kind == VXLAN and (found.kind, found.segment) != (VXLAN, wire.segment):
        return (
            f"{wire.device} is not VXLAN {wire.segment}: `ip link del {wire.device}`, and it is"
            " made anew."
        )
    master = next((one for one in links.values() if one.index == found.master), None)
    if found.master and (master is None or master.name != bridge.name):
        return _taken(wire.device, master)
    if sharing := _sharing(found, links):
        return (
            f"{sharing} shares {wire.device}, which then can be on no bridge: remove it with"
            f" `ip link del {sharing}`, or use a VLAN of {wire.device}."
        )
    if uses := uses_of(wire.device):
        return (
            f"The host itself uses {wire.device}: it has {uses[0]}, which would be dead once it is"
            " on a bridge. Put that on a bridge of your own and map the bridge with [agent]"
            f" bridge_mappings, or on a VLAN of {wire.device}."
        )
    return ""


def _taken(device: str, master: Link | None) -> str:
    take_it_off = f"take it off with `ip link set {device} nomaster`"
    if master is None:
        return f"{device} is on another bridge: {take_it_off}."
    if master.kind in ("bond", "team"):
        return f"{device} is a part of {master.name}: that can be an uplink in its place."
    if master.name.startswith(model.bridge_name("")):
        return (
            f"{device} is on {master.name}, the bridge of another network, and carries one: use a"
            f" VLAN of it for this one. If that network is gone, {take_it_off}."
        )
    if master.kind != "bridge":
        return f"{device} belongs to {master.name}: {take_it_off}."
    return (
        f"{device} is on {master.name}: map that bridge with [agent] bridge_mappings, or"
        f" {take_it_off}."
    )


def shortcoming(
    wire: Wire, bridge: Bridge, links: Mapping[str, Link], *, holder_of: Callable[[str], str]
) -> str:
    """A sentence about what a wire that is on the bridge has come to lack, or ""."""
    if wire.kind == VXLAN:
        return _of_tunnel(wire, bridge, links.get(holder_of(wire.local)))
    uplink = links.get(wire.parent or wire.device)
    return _of_mtu(uplink, bridge) if uplink else ""


def _sharing(found: Link, links: Mapping[str, Link]) -> str:
    """The first link of this host that shares this one; empty without one."""
    names = (
        link.name
        for link in links.values()
        if link.kind in SHARING_KINDS and link.parent == found.index
    )
    return min(names, default="")


def _of_uplink(
    wire: Wire, bridge: Bridge, links: Mapping[str, Link], is_wireless: Callable[[str], bool]
) -> str:
    name = wire.parent or wire.device
    uplink = links.get(name)
    if uplink is None:
        return f"The uplink {name} is not there."
    if too_small := _of_mtu(uplink, bridge):
        return too_small
    if uplink.kind == "bridge":
        return (
            f"{name} is a bridge: name it in [agent] bridge_mappings, such as lan:{name}, and"
            " restart the agent."
        )
    if len(uplink.mac) != MAC_LENGTH:
        return f"The uplink {name} carries no Ethernet frames, so it can be on no bridge."
    if is_wireless(name):
        return f"The uplink {name} is wireless, and such a link carries no frames of guests."
    return ""


def _of_mtu(uplink: Link, bridge: Bridge) -> str:
    if uplink.mtu >= bridge.mtu:
        return ""
    return (
        f"The uplink {uplink.name} has MTU {uplink.mtu}, and the network {bridge.mtu}: raise the"
        f" one with `ip link set {uplink.name} mtu {bridge.mtu}`, or lower the other with `ipam"
        f" network set NETWORK --mtu {uplink.mtu}`."
    )


def _of_tunnel(wire: Wire, bridge: Bridge, holder: Link | None) -> str:
    if holder is None:
        return f"No interface of this host has {wire.local}, which [agent] local_ip names."
    most = holder.mtu - VXLAN_OVERHEAD[ip_address(wire.local).version]
    if bridge.mtu > most:
        return (
            f"{holder.name}, over which its tunnels go, has MTU {holder.mtu}, and the network"
            f" {bridge.mtu}: lower that with `ipam network set NETWORK --mtu {most}`, or raise"
            f" the other to {holder.mtu + bridge.mtu - most}."
        )
    return ""


def _is_vlan(link: Link, wire: Wire, links: Mapping[str, Link]) -> bool:
    parent = links.get(wire.parent)
    return parent is not None and (link.parent, link.segment) == (parent.index, wire.segment)

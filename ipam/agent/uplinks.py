"""Says which interfaces of this host could lead a network to others, and why some cannot. Pure."""

from collections.abc import Callable, Collection, Sequence
from typing import Final

from ipam import model
from ipam.agent.host.raw_netlink import Link
from ipam.agent.obstacles import obstacle
from ipam.agent.state import Bridge, Wire
from ipam.protocol.reports import UplinkFacts
from ipam.rules.mappings import leads_out
from ipam.rules.segments import FLAT

MOST_TOLD: Final = 32
KINDS: Final = ("", "vlan", "bond", "team", "bridge", "veth")
"""In this order they are told of. A veth may lead out of a container that the agent runs in."""


def uplinks(
    links: Collection[Link],
    *,
    uses_of: Callable[[str], Sequence[str]],
    is_wireless: Callable[[str], bool],
) -> dict[str, UplinkFacts]:
    """By name, what there is to say of each as the uplink of a flat network."""
    by_name = {link.name: link for link in links}
    bridges = {link.index: link.name for link in links if link.kind == "bridge"}

    def fault(link: Link) -> str:
        if bridges.get(link.master, "").startswith(model.bridge_name("")):
            return ""  # it is the uplink of a network already
        wire, bridge = Wire(link.name, FLAT), Bridge("", 0)
        return obstacle(
            wire,
            bridge,
            by_name,
            uses_of=uses_of,
            is_wireless=is_wireless,
            holder_of=lambda _address: "",
        )

    fit = [
        one for one in links if one.kind in KINDS and leads_out(one.name) and not _is_inner(one)
    ]
    fit.sort(key=lambda one: (KINDS.index(one.kind), one.name))
    return {one.name: UplinkFacts(one.mtu, fault(one)) for one in fit[:MOST_TOLD]}


def _is_inner(link: Link) -> bool:
    """Whether it is a cable to a container that is on a bridge."""
    return link.kind == "veth" and link.master != 0

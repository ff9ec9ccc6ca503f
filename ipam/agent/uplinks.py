"""Says which interfaces of this host could lead a network to others, and why some cannot. Pure."""

from collections.abc import Callable, Collection, Mapping, Sequence
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
    links: Mapping[str, Link],
    *,
    uses_of: Callable[[str], Sequence[str]],
    is_wireless: Callable[[str], bool],
) -> dict[str, UplinkFacts]:
    """By name, what there is to say of each as the uplink of a flat network."""
    taken = {link.index for link in links.values() if link.name.startswith(model.bridge_name(""))}

    def fault(link: Link) -> str:
        if link.master in taken:
            return ""  # the network that has it says so itself, to who wants another there
        return obstacle(
            Wire(link.name, FLAT),
            Bridge("", 0),
            links,
            uses_of=uses_of,
            is_wireless=is_wireless,
            holder_of=lambda _address: "",
        )

    fit = [one for one in links.values() if _may_lead_out(one, taken)]
    fit.sort(key=lambda one: (KINDS.index(one.kind), one.name))
    return {one.name: UplinkFacts(one.mtu, fault(one)) for one in fit[:MOST_TOLD]}


def _may_lead_out(link: Link, taken: Collection[int]) -> bool:
    """Whether it may; not a cable to a container that is on somebody's bridge."""
    is_inner = link.kind == "veth" and link.master != 0 and link.master not in taken
    return link.kind in KINDS and leads_out(link.name) and not is_inner

"""Tries what this kernel can do, in a network namespace that goes at once."""

import logging
from collections.abc import Iterator
from typing import Any, Final

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from ipam.agent.host.namespaces import call_in_new_namespace
from ipam.rules.segments import VLAN, VXLAN

LOG = logging.getLogger(__name__)

MODULES: Final = {VLAN: "8021q", VXLAN: "vxlan"}


def lacking() -> list[str]:
    """The kinds of networks for which this kernel can make no links, in sentences."""
    try:
        return call_in_new_namespace(lambda: [*_lacking()])
    except OSError as error:
        LOG.debug("what the kernel can do was not tried: %s", error)
        return []


def _lacking() -> Iterator[str]:
    with IPRoute() as route:
        route.link("add", ifname="p", kind="veth", peer="q")
        below = route.link_lookup(ifname="p")[0]
        links: dict[str, dict[str, Any]] = {
            VLAN: {"link": below, "vlan_id": 1},
            VXLAN: {"vxlan_id": 1, "vxlan_local": "127.0.0.1", "vxlan_port": 4789},
        }
        for kind, attributes in links.items():
            try:
                route.link("add", ifname="x", kind=kind, **attributes)
            except NetlinkError as error:
                yield f"{kind}: the module {MODULES[kind]} is missing ({error.args[-1]})"
            else:
                route.link("del", index=route.link_lookup(ifname="x")[0])

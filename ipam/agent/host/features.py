"""Tries what this kernel can do, in a network namespace that goes at once."""

import logging
from collections.abc import Iterator
from functools import partial
from typing import Final

from ipam.agent.host import link_requests
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
    link_requests.add_veth("p", "q")
    below = link_requests.link("p").index
    kinds = {
        VLAN: partial(link_requests.add_vlan, parent=below, vlan_id=1),
        VXLAN: partial(link_requests.add_vxlan, vni=1, local="127.0.0.1", port=4789),
    }
    for kind, add in kinds.items():
        try:
            add("x")
        except OSError as error:
            yield f"{kind}: the module {MODULES[kind]} is missing ({error.strerror})"
        else:
            link_requests.delete(link_requests.link("x").index)

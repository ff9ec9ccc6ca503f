"""The wires: links that join a network's bridge to other hosts.

A VLAN or VXLAN that is made here gets a group number at its making, so that no kill can part the
two: by the number it is known later as the agent's own, to be deleted with its network.
"""

import errno
import socket
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from ipam.agent.host import forwarding_table, own_uses
from ipam.agent.host.link_table import LinkTable
from ipam.agent.host.netlink import IPV6_CONF, unless, write_sysctl
from ipam.agent.host.raw_netlink import Link
from ipam.agent.state import Bridge, NetworkState, Wire
from ipam.rules.segments import FLAT, VLAN, VXLAN

OWN_GROUP: Final = int.from_bytes(b"ipam", "big")
"""As in `ip link show group 1768972653`."""
BRIDGED: Final = "bridged"


class Wires:
    """Puts wires on bridges and takes them off. Not thread-safe."""

    def __init__(self, links: LinkTable, route: IPRoute) -> None:
        self._links = links
        self._route = route
        self._peers: dict[int, frozenset[str]] = {}
        self._changes = Counter[str]()

    def ensure(self, wire: Wire, bridge: Bridge) -> None:
        """See outside.Kernel.ensure_wire."""
        master = self._links.by_name[bridge.name]
        link = self._found(wire, master)
        if link.master != master.index:
            with self._silent(master) if link.up else unless():
                self._enslave(link, master)
                self._route.brport("set", index=link.index, isolated=1)
        elif not link.isolated:
            self._route.brport("set", index=link.index, isolated=1)
        if wire.mtu and wire.mtu != link.mtu:
            self._route.link("set", index=link.index, mtu=wire.mtu)
        if not link.learning:
            self._route.link("set", index=link.index, kind=VXLAN, vxlan_learning=True)
        if not link.up:
            self._route.link("set", index=link.index, state="up")
        self._links.refresh()

    def remove(self, wire: Wire) -> None:
        """See outside.Kernel.remove_wire."""
        link = self._links.by_name.get(wire.device)
        if link is None:
            return
        with unless(errno.ENODEV, errno.EINVAL):
            if wire.kind == BRIDGED:
                self._route.brport("set", index=link.index, isolated=0)
            elif is_own(link):
                self._route.link("del", index=link.index)
            elif link.master:
                self._route.link("set", index=link.index, master=0)
        self._links.refresh()

    def uses_of(self, device: str) -> Sequence[str]:
        """See outside.Kernel.uses_of."""
        link = self._links.by_name.get(device)
        return own_uses.uses_of(link.index) if link else []

    def change_peer(self, wire: Wire, peer: str, *, add: bool) -> None:
        """See outside.Kernel.change_peer."""
        link = self._links.by_name.get(wire.device)
        if link is None:
            raise FileNotFoundError(errno.ENODEV, f"{wire.device} is gone")
        self._peers.pop(link.index, None)
        self._changes[wire.device] += 1
        forwarding_table.change_peer(link.index, peer, add=add)

    def peers_of(self, link: Link) -> frozenset[str]:
        """The VXLAN's peers. They are remembered, since only the agent changes them."""
        if link.kind != VXLAN:
            return frozenset()
        if link.index not in self._peers:
            try:
                self._peers[link.index] = forwarding_table.peers_of(link.index)
            except OSError:
                return frozenset()  # it goes at this moment, which is announced
        return self._peers[link.index]

    def peer_changes(self, wanted: NetworkState) -> int:
        """How often the peers of the network's wire were changed since all were read again."""
        return self._changes[wanted.wire.device] if wanted.wire else 0

    def look_again(self) -> None:
        """Read all peers again when they are asked for."""
        self._peers.clear()
        self._changes.clear()

    def holder_of(self, address: str) -> str:
        """See outside.Kernel.holder_of."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        indices = [
            one["index"]
            for one in self._route.get_addr(family=family)
            if address in (one.get("local"), one.get("address"))
        ]
        return self._links.name_of(indices[0]) if indices else ""

    def _found(self, wire: Wire, master: Link) -> Link:
        """The wire's link, made on the bridge, but down, if it is missing.

        Raises LookupError without an uplink.
        """
        link = self._links.by_name.get(wire.device)
        if link is not None and is_own(link):
            parent = self._links.name_of(link.parent)
            if not wire.is_same_link(wire_of(link, parent)):
                self._route.link("del", index=link.index)
                link = None
        if link is None:
            if wire.kind not in (VLAN, VXLAN):
                raise LookupError(f"{wire.device} is gone")
            with unless(errno.EEXIST):
                self._route.link(
                    "add",
                    ifname=wire.device,
                    group=OWN_GROUP,
                    master=master.index,
                    **self._kind(wire),
                )
            self._links.refresh()
            link = self._links.by_name[wire.device]
        if wire.kind in (VLAN, VXLAN):  # else the host would take addresses from the network's RAs
            write_sysctl(IPV6_CONF / wire.device / "disable_ipv6", "1")
        return link

    def _kind(self, wire: Wire) -> dict[str, Any]:
        if wire.kind == VLAN:
            parent = self._links.by_name[wire.parent].index
            return {"kind": "vlan", "link": parent, "vlan_id": wire.segment, "mtu": wire.mtu}
        local = "vxlan_local6" if ":" in wire.local else "vxlan_local"
        return {
            "kind": "vxlan",
            "vxlan_id": wire.segment,
            local: wire.local,
            "vxlan_port": wire.port,
            "vxlan_learning": True,
            "mtu": wire.mtu,
        }

    def _enslave(self, link: Link, master: Link) -> None:
        try:
            self._route.link("set", index=link.index, master=master.index)
        except NetlinkError as error:
            if error.code != errno.EBUSY:
                raise
            why = "a macvlan or ipvlan shares it, perhaps in a container"
            raise OSError(errno.EBUSY, why) from error

    @contextmanager
    def _silent(self, bridge: Link) -> Iterator[None]:
        """Pass no frame meanwhile: a link that is up forwards from the moment that it is on."""
        self._route.link("set", index=bridge.index, state="down")
        try:
            yield
        finally:
            self._route.link("set", index=bridge.index, state="up")


def is_own(link: Link) -> bool:
    """Whether the agent may delete the link. No one else makes a VXLAN of this name."""
    is_tunnel = link.kind == VXLAN and link.name == f"vxlan-{link.segment}"
    return link.group == OWN_GROUP or is_tunnel


def wire_of(link: Link, parent: str, wanted: Wire | None = None) -> Wire:
    """The link as a wire. `parent` is the name of the link below a VLAN.

    What the administrator has made under the wanted name counts as what is wanted.
    """
    if link.kind in (VLAN, VXLAN) and not (wanted and wanted.kind in (FLAT, BRIDGED)):
        kind: Any = link.kind
        below = parent if kind == VLAN else ""
        found = Wire(link.name, kind, below, link.segment, link.local, link.port, link.mtu)
    elif wanted is not None:
        found = replace(wanted, mtu=link.mtu if wanted.mtu else 0)
    else:
        found = Wire(link.name, "flat")
    return replace(found, isolated=link.isolated, up=link.up, learning=link.learning)

"""Reads and changes bridges, taps and veth pairs in the kernel.

Only `host` imports pyroute2, which makes the changes. Every call names the wanted state and
succeeds if it is reached already, so an interrupted call can be repeated.
"""

import errno
import select
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pyroute2 import IPRoute

from ipam import model
from ipam.agent.host import forwarding_table
from ipam.agent.host.bridge_options import learn_from_no_link_local
from ipam.agent.host.inside import Inside
from ipam.agent.host.link_table import LinkTable
from ipam.agent.host.namespaces import Namespaces, namespace_path
from ipam.agent.host.netlink import IPV6_CONF, unless, write_sysctl
from ipam.agent.host.raw_netlink import Link
from ipam.agent.host.wires import BRIDGED, OWN_GROUP, Wires, is_own, wire_of
from ipam.agent.outside import BridgeUnfitError, SeenNetwork
from ipam.agent.state import Bridge, Interface, NetworkState, Wire
from ipam.agent.unchanged import Unchanged

SYS_CLASS_NET = Path("/sys/class/net")


class NetlinkKernel:
    """The kernel of the host, see outside.Kernel. Not thread-safe."""

    def __init__(self, named: Collection[str] = ()) -> None:
        """`named` are the interfaces that the settings map."""
        self._named = set(named)
        self._links = LinkTable()
        self._route = IPRoute()
        self._wires = Wires(self._links, self._route)
        self._namespaces = Namespaces()
        self._unpinned: set[int] = set()
        self._seen = Unchanged[SeenNetwork]()
        self._epoll = select.epoll()
        for each in (self._links, self._namespaces):
            self._epoll.register(each, select.EPOLLIN)

    def fileno(self) -> int:
        """A descriptor that is readable when something may have changed."""
        return self._epoll.fileno()

    def close(self) -> None:
        """Close the sockets; nothing on the host changes."""
        self._epoll.close()
        self._links.close()
        self._namespaces.close()
        self._route.close()

    def refresh(self) -> None:
        """Take in what has changed on the host."""
        self._links.refresh()
        self._namespaces.refresh()

    def links(self) -> Mapping[str, Link]:
        """Every link of the host by name."""
        return self._links.by_name

    def present_taps(self, names: Collection[str]) -> frozenset[str]:
        """The names that are links of this host."""
        return frozenset(self._links.by_name.keys() & names)

    def members(self, bridge: str) -> frozenset[str]:
        """The links on the bridge, in any state."""
        return frozenset(link.name for link in self._links.members(bridge))

    def see(self, network_id: str, wanted: NetworkState | None = None) -> SeenNetwork:
        """The network as it is."""
        inside = self._namespaces.look(network_id)
        name = self._bridge_of(network_id, wanted, inside)
        link = self._links.by_name.get(name)
        members = self._links.members(name)
        of_wanted = (
            (wanted.bridge, wanted.wire, self._wires.peer_changes(wanted)) if wanted else ()
        )
        return self._seen.of(
            network_id,
            (inside, link, members, of_wanted, self._links.renamed),
            lambda: self._look(network_id, inside, link, members, wanted),
        )

    def _look(
        self,
        network_id: str,
        inside: Inside | None,
        link: Link | None,
        members: Sequence[Link],
        wanted: NetworkState | None,
    ) -> SeenNetwork:
        interface = _interface(inside, members, self._unpinned)
        outside = interface.outside if interface else None
        others = [member for member in members if member.name != outside]
        wire = wire_among(others, wanted, self._named)
        guests = [member for member in others if member is not wire]
        bridge = bridge_of(network_id, link, wanted)
        return SeenNetwork(
            bridge=bridge,
            namespace=inside is not None,
            interface=interface,
            addresses=inside.addresses if inside else frozenset(),
            members=frozenset(g.name for g in guests if g.up and bridge and g.mtu == bridge.mtu),
            foreign=bool(guests),
            wire=self._as_wire(wire, wanted, bridge) if wire else None,
            peers=self._wires.peers_of(wire) if wire else frozenset(),
        )

    def _bridge_of(
        self, network_id: str, wanted: NetworkState | None, inside: Inside | None
    ) -> str:
        """The bridge that the network is on; of one that is not wanted, where its DHCP port is."""
        if wanted is not None and wanted.bridge is not None:
            return wanted.bridge.name
        outside = self._links.by_name.get(_outside(inside)) if inside else None
        master = self._links.name_of(outside.master) if outside else ""
        return master or model.bridge_name(network_id)

    def _as_wire(self, link: Link, wanted: NetworkState | None, bridge: Bridge | None) -> Wire:
        is_wanted = wanted and wanted.wire and wanted.wire.device == link.name
        parent = self._links.name_of(link.parent)
        found = wire_of(link, parent, wanted.wire if is_wanted and wanted else None)
        return found if bridge is None or bridge.own else replace(found, kind=BRIDGED)

    def uses_of(self, device: str) -> Sequence[str]:
        """What the host itself uses the device for."""
        return self._wires.uses_of(device)

    def know_uplink(self, device: str) -> None:
        """Take the device for a wire of any network on whose bridge it is."""
        if device not in self._named:
            self._named.add(device)
            self._seen.clear()

    def is_wireless(self, device: str) -> bool:
        """Whether the device is wireless."""
        return (SYS_CLASS_NET / device / "wireless").exists()

    def ensure_wire(self, wire: Wire, bridge: Bridge) -> None:
        """Have the wire on the bridge, isolated before any frame passes, and up."""
        self._wires.ensure(wire, bridge)

    def change_peer(self, wire: Wire, peer: str, *, add: bool) -> None:
        """Have the VXLAN send copies to this address, or not."""
        self._wires.change_peer(wire, peer, add=add)

    def holder_of(self, address: str) -> str:
        """The link that has this address of the host; empty if none has."""
        return self._wires.holder_of(address)

    def remove_wire(self, wire: Wire) -> None:
        """Take the wire off its bridge; delete the VLAN or VXLAN that was made here."""
        self._wires.remove(wire)

    def ensure_bridge(self, bridge: Bridge) -> None:
        """Have the bridge, up, with this MTU, without spanning tree or addresses of its own."""
        link = self._links.by_name.get(bridge.name)
        if not bridge.own:
            learn_from_no_link_local(require_fit(bridge, link).index)
            self._links.refresh()
            return
        if link is None:
            with unless(errno.EEXIST):
                self._route.link(
                    "add",
                    ifname=bridge.name,
                    kind="bridge",
                    br_stp_state=0,
                    br_forward_delay=0,
                    # An MTU that is not set to another value follows the bridge's members.
                    mtu=bridge.mtu ^ 1,
                )
            self._links.refresh()
            link = self._links.by_name[bridge.name]
        write_sysctl(IPV6_CONF / bridge.name / "disable_ipv6", "1")
        learn_from_no_link_local(link.index)
        self._route.link("set", index=link.index, state="up", mtu=bridge.mtu)
        for member in self._links.members(bridge.name):
            if member.mtu < bridge.mtu or (member.mtu > bridge.mtu and _is_tap(member)):
                self._route.link("set", index=member.index, mtu=bridge.mtu)

    def delete_link(self, name: str) -> None:
        """Have no link of that name. Deleting one end of a veth pair deletes both."""
        self._links.refresh()
        link = self._links.by_name.get(name)
        if link is not None:
            with unless(errno.ENODEV):
                self._route.link("del", index=link.index)

    def create_namespace(self, network_id: str) -> None:
        """Have the network's namespace, with loopback up and no IPv6 autoconfiguration."""
        self._namespaces.create(network_id)

    def delete_namespace(self, network_id: str) -> None:
        """Have no namespace of the network."""
        self._namespaces.delete(network_id)

    def create_interface(self, network_id: str, interface: Interface, bridge: str) -> None:
        """Have the DHCP port's veth pair between the bridge and the namespace, up at both ends."""
        self.delete_interface(network_id, interface)
        self._route.link(
            "add",
            ifname=interface.outside,
            kind="veth",
            group=OWN_GROUP,
            mtu=interface.mtu,
            master=self._links.by_name[bridge].index,
            peer={
                "ifname": interface.inside,
                "address": interface.mac,
                "mtu": interface.mtu,
                "net_ns_fd": namespace_path(network_id),
            },
        )
        write_sysctl(IPV6_CONF / interface.outside / "disable_ipv6", "1")
        self.isolate(interface)
        self._route.link("set", index=self._links.by_name[interface.outside].index, state="up")
        self._namespaces.set_up(network_id, interface.inside)

    def isolate(self, interface: Interface) -> None:
        """Have the DHCP port isolated on its bridge, with its MAC address behind it for good."""
        self._set_port(interface, isolated=True)

    def open(self, interface: Interface) -> None:
        """Have the DHCP port not isolated, and its MAC address behind it all the same."""
        self._set_port(interface, isolated=False)

    def _set_port(self, interface: Interface, *, isolated: bool) -> None:
        self._links.refresh()
        index = self._links.by_name[interface.outside].index
        self._route.brport("set", index=index, isolated=int(isolated))
        forwarding_table.pin(index, interface.mac)
        if index in self._unpinned:
            self._unpinned.discard(index)
            self._seen.clear()

    def look_again(self) -> None:
        """Have the next `refresh` see what the kernel does not announce."""
        self._links.read_again()
        self._wires.look_again()
        self._unpinned.clear()
        for network_id in self._namespaces.known():
            interface = self.see(network_id).interface
            port = self._links.by_name.get(interface.outside) if interface else None
            if interface and port and not _is_pinned(port, interface.mac):
                self._unpinned.add(port.index)
        self._seen.clear()

    def delete_interface(self, network_id: str, interface: Interface) -> None:
        """Have no veth pair of the DHCP port, even if its outer end has another name."""
        self._namespaces.changed(network_id)
        self.delete_link(interface.outside)
        self._namespaces.delete_link(network_id, interface.inside)

    def change_address(self, network_id: str, interface: str, address: str, *, add: bool) -> None:
        """Add the address to the interface in the namespace, or remove it."""
        self._namespaces.change_address(network_id, interface, address, add=add)

    def attach_tap(self, tap: str, bridge: Bridge) -> None:
        """Put the tap on the bridge and set it up. A missing tap is no error."""
        link = self._links.by_name.get(tap)
        master = self._links.by_name.get(bridge.name)
        if link is None or master is None:
            return
        with unless(errno.ENODEV):
            write_sysctl(IPV6_CONF / tap / "disable_ipv6", "1")
            self._route.link(
                "set", index=link.index, master=master.index, mtu=bridge.mtu, state="up"
            )


def _interface(
    inside: Inside | None, members: Collection[Link], unpinned: Collection[int]
) -> Interface | None:
    """The veth pair, if both ends are in their places, up, and have the same MTU."""
    if inside is None or inside.interface is None:
        return None
    outside = _outside(inside)
    port = next((one for one in members if one.name == outside), None)
    if port is None or not port.up or port.mtu != inside.mtu:
        return None
    pinned = port.index not in unpinned
    return Interface(outside, inside.interface, inside.mac, inside.mtu, port.isolated, pinned)


def _outside(inside: Inside) -> str:
    """The name of the other end of the DHCP port's veth pair."""
    return "tap" + (inside.interface or "").removeprefix("ns-")


def wire_among(
    others: Collection[Link], wanted: NetworkState | None, named: Collection[str]
) -> Link | None:
    """The link that is the wanted wire, or else one that only a wire is like.

    On the bridge of a network that is not wanted it is also one of an interface that is `named`.
    """
    device = wanted.wire.device if wanted and wanted.wire else ""
    for link in others:
        if link.name == device:
            return link
    like = [one for one in others if one.isolated or (wanted is None and _leads_out(one, named))]
    return next((one for one in like if not _is_dhcp_port(one)), None)


def _leads_out(link: Link, named: Collection[str]) -> bool:
    return is_own(link) or link.name in named or link.name.rpartition(".")[0] in named


def _is_dhcp_port(link: Link) -> bool:
    """Whether it is the outer end of a veth pair that was made here, whatever its name is now."""
    return link.kind == "veth" and link.group == OWN_GROUP


def _is_tap(link: Link) -> bool:
    return link.name.startswith("tap")


def bridge_of(network_id: str, link: Link | None, wanted: NetworkState | None) -> Bridge | None:
    if link is None:
        return None
    own = link.name == model.bridge_name(network_id)
    most = wanted.bridge.mtu if wanted and wanted.bridge and not own else link.mtu
    return Bridge(link.name, min(link.mtu, most), link.up, own, link.no_linklocal_learn)


def require_fit(bridge: Bridge, link: Link | None) -> Link:
    """The administrator's bridge. Raises BridgeUnfitError if it cannot carry the network."""
    of_setting = f"{bridge.name} of [agent] bridge_mappings"
    if link is None or link.kind != "bridge":
        raise BridgeUnfitError(f"there is no bridge {of_setting}: make it, or correct the mapping")
    if not link.up:
        raise BridgeUnfitError(f"{of_setting} is down: `ip link set {bridge.name} up`")
    if link.mtu < bridge.mtu:
        raise BridgeUnfitError(
            f"{of_setting} has MTU {link.mtu}, and the network {bridge.mtu}: raise the one, or"
            " lower the other with `ipam network set NETWORK --mtu`"
        )
    return link


def _is_pinned(port: Link, mac: str) -> bool:
    try:
        return forwarding_table.is_pinned(port.master, port.index, mac)
    except OSError:
        return True  # it goes at this moment, which is announced

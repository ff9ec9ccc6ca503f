"""A host's kernel in dictionaries: see ipam.agent.outside.Kernel.

tests/agent/host/test_kernel.py tests it and the real one. Each change has the same steps as in the
real one. Any of them may fail, and the earlier steps then stay done.
"""

import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_interface

from ipam import model
from ipam.agent.host.kernel import bridge_of, require_fit, wire_among
from ipam.agent.host.raw_netlink import Link
from ipam.agent.host.wires import OWN_GROUP, wire_of
from ipam.agent.outside import AddressRefusedError, SeenNetwork
from ipam.agent.state import Bridge, Interface, NetworkState, Wire
from ipam.rules.segments import IPV6_MINIMUM_MTU
from tests.agent.faults import Faults


@dataclass
class Inside:
    """An interface in a namespace."""

    mac: str
    mtu: int
    up: bool = False
    addresses: set[str] = field(default_factory=set)
    link_local: bool = True

    def counted(self) -> frozenset[str]:
        """Its addresses; those of IPv6 are of use beside a link-local one."""
        return frozenset(one for one in self.addresses if self.link_local or ":" not in one)


@dataclass(eq=False)
class Namespace:
    """A namespace. It is itself and no other, even under the same name."""

    loopback: bool = True
    interfaces: dict[str, Inside] = field(default_factory=dict)

    def up(self) -> tuple[str, Inside] | None:
        """The DHCP port's interface, if it can be used."""
        found = [(name, one) for name, one in self.interfaces.items() if one.up]
        return found[0] if found and self.loopback else None

    def addresses(self) -> frozenset[str]:
        """Of that interface."""
        found = self.up()
        return found[1].counted() if found else frozenset()


@dataclass
class Outside:
    """A link of the host."""

    index: int
    mtu: int
    up: bool = False
    master: str = ""
    isolated: bool = False
    peer: tuple[Namespace, str] | None = None
    """Where the other end of a veth pair is."""
    kind: str = "veth"
    wire: Wire | None = None
    """What it was made as, if it is a VLAN or VXLAN."""
    is_own: bool = False
    """Whether the agent has made it."""
    peers: set[str] = field(default_factory=set)
    no_linklocal_learn: bool = False
    learning: bool = True
    """A VXLAN's."""
    mac: str = "fa:16:3e:00:00:99"
    uses: list[str] = field(default_factory=list)
    """What the host itself uses it for."""


class KernelDouble:
    """The kernel, and with `plug` and its like whoever else has hands on the host."""

    def __init__(self, faults: Faults | None = None, named: Collection[str] = ()) -> None:
        self.named = set(named)
        self.host: dict[str, Outside] = {}
        self.namespaces: dict[str, Namespace] = {}
        self.on_attach: Callable[[str], None] = lambda _tap: None
        self._faults = faults or Faults()
        self._indices = itertools.count(2)
        self._seen: dict[str, Link] = {}

    def refresh(self) -> None:
        self._seen = {name: self._link(name, one) for name, one in self.host.items()}

    def links(self) -> Mapping[str, Link]:
        return self._seen

    def present_taps(self, names: Collection[str]) -> frozenset[str]:
        return frozenset(names) & self._seen.keys()

    def members(self, bridge: str) -> frozenset[str]:
        return frozenset(link.name for link in self._members(bridge))

    def see(self, network_id: str, wanted: NetworkState | None = None) -> SeenNetwork:
        name = self._bridge_of(network_id, wanted)
        namespace = self.namespaces.get(network_id)
        interface = self._interface(network_id, name)
        outside = interface.outside if interface else ""
        others = [link for link in self._members(name) if link.name != outside]
        wire = wire_among(others, wanted, self.named)
        guests = [link for link in others if link is not wire]
        bridge = bridge_of(network_id, self._seen.get(name), wanted)
        return SeenNetwork(
            bridge=bridge,
            namespace=namespace is not None,
            interface=interface,
            addresses=namespace.addresses() if namespace else frozenset(),
            members=frozenset(
                link.name for link in guests if link.up and bridge and link.mtu == bridge.mtu
            ),
            foreign=bool(guests),
            wire=self._as_wire(wire, wanted, bridge) if wire else None,
            peers=frozenset(self.host[wire.name].peers) if wire else frozenset(),
        )

    def uses_of(self, device: str) -> Sequence[str]:
        return self.host[device].uses

    def know_uplink(self, device: str) -> None:
        self.named.add(device)

    def is_wireless(self, device: str) -> bool:
        return device.startswith("wlan")

    def ensure_wire(self, wire: Wire, bridge: Bridge) -> None:
        if wire.device not in self.host:
            if wire.kind not in ("vlan", "vxlan") or (
                wire.parent and wire.parent not in self.host
            ):
                raise LookupError(wire.device)
            self._faults.step("add wire")
            self.host[wire.device] = Outside(
                next(self._indices), wire.mtu, kind=wire.kind, wire=wire, is_own=True
            )
        link = self.host[wire.device]
        is_silent = link.master != bridge.name and link.up
        if link.master != bridge.name:
            self._faults.step("put wire on the bridge")
            link.isolated, link.master = False, bridge.name
            if is_silent:
                self.host[bridge.name].up = False
        self._faults.step("isolate wire")
        link.isolated = True
        if is_silent:
            self.host[bridge.name].up = True
        if wire.mtu:
            self._faults.step("set mtu of wire")
            link.mtu = wire.mtu
        link.learning = True
        self._faults.step("set wire up")
        link.up = True
        self.refresh()

    def change_peer(self, wire: Wire, peer: str, *, add: bool) -> None:
        self._faults.step("change peer")
        peers = self.host[wire.device].peers
        if add:
            peers.add(peer)
        else:
            peers.discard(peer)

    def holder_of(self, address: str) -> str:
        holders = [
            name
            for name, link in self.host.items()
            if any(use.startswith(f"the address {address}/") for use in link.uses)
        ]
        return holders[0] if holders else ""

    def remove_wire(self, wire: Wire) -> None:
        link = self.host.get(wire.device)
        if link is not None:
            self._faults.step("remove wire")
            if wire.kind == "bridged":
                link.isolated = False
            elif link.is_own:
                self.unplug(wire.device)
            else:
                link.master, link.isolated = "", False
        self.refresh()

    def _bridge_of(self, network_id: str, wanted: NetworkState | None) -> str:
        if wanted is not None and wanted.bridge is not None:
            return wanted.bridge.name
        namespace = self.namespaces.get(network_id)
        for link in self.host.values():
            if namespace is not None and link.peer is not None and link.peer[0] is namespace:
                return link.master or model.bridge_name(network_id)
        return model.bridge_name(network_id)

    def _as_wire(self, link: Link, wanted: NetworkState | None, bridge: Bridge | None) -> Wire:
        parent = {one.index: name for name, one in self.host.items()}.get(link.parent, "")
        is_wanted = wanted and wanted.wire and wanted.wire.device == link.name
        found = wire_of(link, parent, wanted.wire if is_wanted and wanted else None)
        return found if bridge is None or bridge.own else replace(found, kind="bridged")

    def ensure_bridge(self, bridge: Bridge) -> None:
        if not bridge.own:
            require_fit(bridge, self._seen.get(bridge.name))
            self.host[bridge.name].no_linklocal_learn = True
            self.refresh()
            return
        if bridge.name not in self.host:
            self._faults.step("add bridge")
            self.host[bridge.name] = Outside(next(self._indices), bridge.mtu, kind="bridge")
        self.refresh()
        self._faults.step("set bridge up")
        self.host[bridge.name].up = self.host[bridge.name].no_linklocal_learn = True
        self.host[bridge.name].mtu = bridge.mtu
        for link in self._members(bridge.name):
            if link.mtu < bridge.mtu or (link.mtu > bridge.mtu and link.name.startswith("tap")):
                self._faults.step("set mtu of member")
                self.host[link.name].mtu = bridge.mtu

    def delete_link(self, name: str) -> None:
        if name in self.host:
            self._faults.step("delete link")
            self.unplug(name)
        self.refresh()

    def create_namespace(self, network_id: str) -> None:
        self._faults.step("create namespace")
        self.namespaces.setdefault(network_id, Namespace())
        self._faults.step("prepare namespace")

    def delete_namespace(self, network_id: str) -> None:
        if network_id in self.namespaces:
            self._faults.step("delete namespace")
            self.drop_namespace(network_id)

    def create_interface(self, network_id: str, interface: Interface, bridge: str) -> None:
        self.delete_interface(network_id, interface)
        self._faults.step("add interface")
        namespace = self.namespaces[network_id]
        if self._seen[bridge].index != self.host[bridge].index:
            raise KeyError(bridge)
        namespace.interfaces[interface.inside] = Inside(interface.mac, interface.mtu)
        peer = (namespace, interface.inside)
        self.host[interface.outside] = Outside(
            next(self._indices), interface.mtu, master=bridge, peer=peer
        )
        self.isolate(interface)
        self._faults.step("set interface up")
        self.host[interface.outside].up = True
        namespace.interfaces[interface.inside].up = namespace.loopback = True

    def isolate(self, interface: Interface) -> None:
        self._faults.step("isolate interface")
        self.host[interface.outside].isolated = True
        self.refresh()

    def open(self, interface: Interface) -> None:
        self._faults.step("open interface")
        self.host[interface.outside].isolated = False
        self.refresh()

    def look_again(self) -> None:
        self.refresh()

    def delete_interface(self, network_id: str, interface: Interface) -> None:
        self.delete_link(interface.outside)
        self._delete_inside(network_id, interface)

    def change_address(self, network_id: str, interface: str, address: str, *, add: bool) -> None:
        inside = self.namespaces[network_id].interfaces[interface]
        self._faults.step("change address")
        is_too_small = ":" in address and inside.mtu < IPV6_MINIMUM_MTU
        if add and (is_too_small or ip_interface(address).ip.is_multicast):
            raise AddressRefusedError("Invalid argument")
        if add:
            inside.addresses.add(address)
            inside.link_local |= ":" in address
        else:
            inside.addresses.discard(address)

    def attach_tap(self, tap: str, bridge: Bridge) -> None:
        if tap not in self._seen or bridge.name not in self._seen:
            return
        self._faults.step("attach tap")
        self._faults.step(f"attach {tap}")
        self.on_attach(tap)
        if tap in self.host:
            self.put_on(tap, bridge.name, mtu=bridge.mtu)

    def plug(self, name: str) -> None:
        """A new link, as a hypervisor makes it."""
        self.host[name] = Outside(next(self._indices), 1500)

    def add_uplink(self, name: str, mtu: int = 1500) -> None:
        """Hardware that leads to other hosts comes."""
        self.host[name] = Outside(next(self._indices), mtu, up=True, kind="")

    def add_bridge(self, name: str, mtu: int = 1500) -> None:
        """A bridge of the administrator's."""
        self.host[name] = Outside(next(self._indices), mtu, up=True, kind="bridge")

    def unplug(self, name: str) -> None:
        """The link goes, with all that hangs on it."""
        gone = self.host.pop(name)
        for vlan, link in list(self.host.items()):
            if link.wire is not None and link.wire.parent == name:
                self.unplug(vlan)
        for link in self.host.values():
            if link.master == name:
                link.master, link.isolated = "", False
        if gone.peer is not None:
            namespace, inside = gone.peer
            namespace.interfaces.pop(inside, None)

    def put_on(self, name: str, bridge: str, *, mtu: int, up: bool = True) -> None:
        """The link is on the bridge."""
        link = self.host[name]
        link.isolated &= link.master == bridge
        link.master, link.mtu, link.up = bridge, mtu, up

    def set_down(self, name: str) -> None:
        """The link is there and down."""
        self.host[name].up = False

    def put_up(self, name: str) -> None:
        """The link is up."""
        self.host[name].up = True

    def set_address(self, name: str, address: str) -> None:
        """The host itself has the address on the link."""
        self.host[name].uses.append(f"the address {address}")

    def let_out(self, name: str) -> None:
        """The link is not isolated on its bridge."""
        self.host[name].isolated = False

    def change_learning(self, name: str) -> None:
        """The bridge learns from frames to itself; the VXLAN learns nothing."""
        self.host[name].no_linklocal_learn = self.host[name].learning = False

    def set_mtu(self, name: str, mtu: int) -> None:
        """The link has another MTU."""
        self.host[name].mtu = mtu

    def rename(self, name: str, to: str) -> None:
        """The link has another name."""
        self.host[to] = self.host.pop(name)

    def flush(self, network_id: str, interface: str, version: int) -> None:
        """The interface in the namespace has no addresses of this IP version."""
        inside = self.namespaces[network_id].interfaces[interface]
        inside.addresses = {one for one in inside.addresses if (":" in one) != (version == 6)}
        inside.link_local &= version != 6

    def set_inside_down(self, network_id: str, interface: str) -> None:
        """The interface in the namespace is down, or its loopback."""
        namespace = self.namespaces[network_id]
        if interface == "lo":
            namespace.loopback = False
        else:
            namespace.interfaces[interface].up = False

    def set_inside(self, network_id: str, interface: str, *, mac: str, mtu: int) -> None:
        """The interface in the namespace has these."""
        inside = self.namespaces[network_id].interfaces[interface]
        inside.mac, inside.mtu = mac, mtu

    def drop_namespace(self, network_id: str) -> None:
        """The namespace goes; a veth pair has no end without the other."""
        gone = self.namespaces.pop(network_id)
        for name, link in list(self.host.items()):
            if link.peer is not None and link.peer[0] is gone:
                self.unplug(name)

    def _members(self, bridge: str) -> list[Link]:
        found = self._seen.get(bridge)
        return [link for link in self._seen.values() if found and link.master == found.index]

    def _delete_inside(self, network_id: str, interface: Interface) -> None:
        """Where the other end has another name now, the pair goes by this one."""
        namespace = self.namespaces.get(network_id)
        if namespace is None or interface.inside not in namespace.interfaces:
            return
        self._faults.step("delete inside")
        for name, link in list(self.host.items()):
            if link.peer == (namespace, interface.inside):
                self.unplug(name)
        self.refresh()

    def _interface(self, network_id: str, bridge: str) -> Interface | None:
        namespace = self.namespaces.get(network_id)
        found = namespace.up() if namespace else None
        if found is None:
            return None
        name, inside = found
        outside = "tap" + name.removeprefix("ns-")
        members = [one for one in self._members(bridge) if one.up]
        for one in members:
            if one.name == outside and one.mtu == inside.mtu:
                return Interface(outside, name, inside.mac, inside.mtu, one.isolated)
        return None

    def _link(self, name: str, link: Outside) -> Link:
        master = self.host.get(link.master)
        index = master.index if master else 0
        made = link.wire
        below = self.host.get(made.parent) if made else None
        return Link(
            link.index,
            name,
            link.mtu,
            link.up,
            index,
            link.mac,
            link.isolated,
            kind=link.kind,
            group=OWN_GROUP if link.is_own or link.peer else 0,
            parent=below.index if below else 0,
            segment=made.segment if made else 0,
            local=made.local if made else "",
            port=made.port if made else 0,
            learning=link.learning,
            no_linklocal_learn=link.no_linklocal_learn,
        )

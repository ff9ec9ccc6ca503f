"""What the loop relies on, tested on the real kernel and on its double."""

import contextlib
import os
import select
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import pytest

from ipam import model
from ipam.agent import outside
from ipam.agent.host.kernel import NetlinkKernel
from ipam.agent.state import Bridge, Interface, NetworkState, Wire
from tests.agent.kernel_double import KernelDouble
from tests.kernel_features import need

MAC = "fa:16:3e:00:00:02"
VNI = 16_000_000 + os.getpid() % 700_000  # other processes run these tests at the same time


class Hands(Protocol):
    """Whoever else changes the host: a hypervisor, an administrator."""

    def plug(self, name: str) -> None: ...
    def unplug(self, name: str) -> None: ...
    def put_on(self, name: str, bridge: str, *, mtu: int, up: bool = True) -> None: ...
    def set_down(self, name: str) -> None: ...
    def drop_namespace(self, network_id: str) -> None: ...
    def let_out(self, name: str) -> None: ...
    def set_address(self, name: str, address: str) -> None: ...
    def add_bridge(self, name: str) -> None: ...
    def put_up(self, name: str) -> None: ...
    def change_learning(self, name: str) -> None: ...
    def set_mtu(self, name: str, mtu: int) -> None: ...
    def rename(self, name: str, to: str) -> None: ...
    def flush(self, network_id: str, interface: str, version: int) -> None: ...
    def set_inside_down(self, network_id: str, interface: str) -> None: ...
    def set_inside(self, network_id: str, interface: str, *, mac: str, mtu: int) -> None: ...


class RealHands:
    """The same with `ip`."""

    def plug(self, name: str) -> None:
        ip("link", "add", name, "type", "veth", "peer", "name", "vm" + name.removeprefix("tap"))

    def unplug(self, name: str) -> None:
        ip("link", "del", name)

    def put_on(self, name: str, bridge: str, *, mtu: int, up: bool = True) -> None:
        ip("link", "set", name, "mtu", str(mtu), "master", bridge, "up" if up else "down")

    def set_down(self, name: str) -> None:
        ip("link", "set", name, "down")

    def drop_namespace(self, network_id: str) -> None:
        ip("netns", "del", model.dhcp_namespace(network_id))

    def set_address(self, name: str, address: str) -> None:
        ip("address", "add", address, "dev", name)

    def put_up(self, name: str) -> None:
        ip("link", "set", name, "up")

    def add_bridge(self, name: str) -> None:
        ip("link", "add", name, "up", "type", "bridge")

    def let_out(self, name: str) -> None:
        ip("link", "set", name, "type", "bridge_slave", "isolated", "off")

    def change_learning(self, name: str) -> None:
        is_tunnel = name.startswith("vxlan-")
        words = "vxlan nolearning" if is_tunnel else "bridge no_linklocal_learn 0"
        ip("link", "set", name, "type", *words.split())

    def set_mtu(self, name: str, mtu: int) -> None:
        ip("link", "set", name, "mtu", str(mtu))

    def rename(self, name: str, to: str) -> None:
        ip("link", "set", name, "down")  # kernels before 6.2 rename no link that is up
        ip("link", "set", name, "name", to, "up")

    def flush(self, network_id: str, interface: str, version: int) -> None:
        self._inside(network_id, f"-{version}", "addr", "flush", "dev", interface)

    def set_inside_down(self, network_id: str, interface: str) -> None:
        self._inside(network_id, "link", "set", interface, "down")

    def set_inside(self, network_id: str, interface: str, *, mac: str, mtu: int) -> None:
        self._inside(network_id, "link", "set", interface, "address", mac, "mtu", str(mtu))

    def _inside(self, network_id: str, *words: str) -> None:
        ip("-n", model.dhcp_namespace(network_id), *words)


def ip(*words: str, check: bool = True) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, (words, done.stderr)


@dataclass
class Place:
    """A network of this test alone, on either kernel."""

    kernel: outside.Kernel
    hands: Hands
    network_id: str

    @property
    def bridge(self) -> Bridge:
        return Bridge(model.bridge_name(self.network_id), 1450)

    @property
    def interface(self) -> Interface:
        name = model.tap_name(self.network_id)
        return Interface(name, "ns-" + name.removeprefix("tap"), MAC, 1450)

    @property
    def tap(self) -> str:
        return "tap" + self.network_id[-11:]

    @property
    def uplink(self) -> str:
        return "up" + self.network_id[-9:]

    @property
    def admins(self) -> Bridge:
        return Bridge("br" + self.network_id[-9:], 1450, own=False)

    def wants(self, wire: Wire, bridge: Bridge | None = None) -> NetworkState:
        return NetworkState(self.network_id, bridge or self.bridge, wire=wire)

    @property
    def renamed(self) -> str:
        return "old" + self.network_id[-11:]

    def see(self, wanted: NetworkState | None = None) -> outside.SeenNetwork:
        """What the kernel keeps of it is what it sees when it looks for the first time."""
        self.kernel.refresh()
        found = self.kernel.see(self.network_id, wanted)
        while isinstance(self.kernel, NetlinkKernel):
            with contextlib.closing(NetlinkKernel()) as fresh:
                first = fresh.see(self.network_id, wanted)
            if first == found:
                break
            self.kernel.refresh()  # something went between the two looks
            before, found = found, self.kernel.see(self.network_id, wanted)
            assert before != found, f"it is {first}"
        return found

    def build(self) -> None:
        self.kernel.refresh()
        self.kernel.ensure_bridge(self.bridge)
        self.kernel.create_namespace(self.network_id)
        self.kernel.create_interface(self.network_id, self.interface, self.bridge.name)

    def address(self, address: str, *, add: bool = True) -> None:
        self.kernel.change_address(self.network_id, self.interface.inside, address, add=add)

    def clean_up(self) -> None:
        bridges = (self.bridge.name, self.admins.name)
        vlan, vxlan = f"{self.uplink}.7", f"vxlan-{VNI}"
        for name in (self.interface.outside, self.renamed, self.tap, vlan, vxlan, *bridges):
            ip("link", "del", name, check=False)
        for name in (self.uplink,):
            ip("link", "del", name, check=False)
        ip("netns", "del", model.dhcp_namespace(self.network_id), check=False)


@pytest.fixture(params=["double", pytest.param("real", marks=pytest.mark.root)])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    network_id = str(uuid.uuid4())
    if request.param == "double":
        double = KernelDouble()
        yield Place(double, double, network_id)
        return
    if os.geteuid() != 0:
        pytest.skip("needs root: it makes bridges and namespaces")
    with contextlib.closing(NetlinkKernel()) as kernel:
        one = Place(kernel, RealHands(), network_id)
        try:
            yield one
        finally:
            one.clean_up()


def eventually(probe: Callable[[], bool]) -> None:
    """Wait for what the kernel does a little later. A test that hangs here is ended by pytest."""
    while not probe():
        time.sleep(0.01)


def test_a_bridge_is_there_with_its_mtu_however_often_it_is_asked_for(place: Place) -> None:
    place.kernel.refresh()
    assert place.see().bridge is None
    place.kernel.ensure_bridge(place.bridge)
    place.kernel.ensure_bridge(place.bridge)
    seen = place.see()
    assert seen == outside.SeenNetwork(
        place.bridge, False, None, frozenset(), frozenset(), foreign=False
    )


def test_a_bridge_that_is_down_is_seen_so_and_is_set_up_again(place: Place) -> None:
    place.kernel.ensure_bridge(place.bridge)
    place.hands.set_down(place.bridge.name)
    assert place.see().bridge == Bridge(place.bridge.name, place.bridge.mtu, up=False)
    place.kernel.ensure_bridge(place.bridge)
    assert place.see().bridge == place.bridge


def test_a_new_mtu_reaches_the_members_of_the_bridge(place: Place) -> None:
    place.kernel.ensure_bridge(place.bridge)
    place.hands.plug(place.tap)
    place.kernel.refresh()
    place.kernel.attach_tap(place.tap, place.bridge)
    larger = Bridge(place.bridge.name, 1500)
    place.kernel.refresh()
    place.kernel.ensure_bridge(larger)
    assert place.see().bridge == larger
    assert place.see().members == {place.tap}


def test_a_bridge_that_goes_leaves_its_members_off_it(place: Place) -> None:
    place.kernel.ensure_bridge(place.bridge)
    place.hands.plug(place.tap)
    place.kernel.refresh()
    place.kernel.attach_tap(place.tap, place.bridge)
    place.kernel.delete_link(place.bridge.name)
    place.kernel.delete_link(place.bridge.name)
    seen = place.see()
    assert (seen.bridge, seen.members, seen.foreign) == (None, frozenset(), False)
    assert place.kernel.present_taps({place.tap}) == {place.tap}
    place.kernel.ensure_bridge(place.bridge)
    assert place.see().members == frozenset()


def test_a_namespace_is_made_once_and_deleted_once(place: Place) -> None:
    for make, there in (
        (place.kernel.create_namespace, True),
        (place.kernel.delete_namespace, False),
    ):
        make(place.network_id)
        make(place.network_id)
        assert place.see().namespace is there


def test_the_interface_is_between_bridge_and_namespace_and_no_guest(place: Place) -> None:
    place.build()
    seen = place.see()
    assert seen == outside.SeenNetwork(
        place.bridge, True, place.interface, frozenset(), frozenset(), foreign=False
    )
    assert place.kernel.members(place.bridge.name) == {place.interface.outside}


def test_an_interface_made_anew_has_no_address_of_the_one_before(place: Place) -> None:
    place.build()
    place.address("10.0.0.2/24")
    place.kernel.create_interface(place.network_id, place.interface, place.bridge.name)
    assert place.see().interface == place.interface
    assert place.see().addresses == frozenset()


def test_another_mac_is_another_interface(place: Place) -> None:
    place.build()
    other = Interface(
        place.interface.outside, place.interface.inside, "fa:16:3e:00:00:03", place.interface.mtu
    )
    place.kernel.create_interface(place.network_id, other, place.bridge.name)
    assert place.see().interface == other


def test_the_dhcp_port_is_isolated_and_again_after_somebody_let_it_out(place: Place) -> None:
    """`ip link` does that without an announcement, so it is looked for."""
    place.build()
    assert place.see().interface == place.interface
    place.hands.let_out(place.interface.outside)
    place.kernel.look_again()
    assert place.see().interface == replace(place.interface, isolated=False)
    place.kernel.isolate(place.interface)
    assert place.see().interface == place.interface


def test_the_dhcp_port_is_opened_to_the_wire_and_isolated_again(place: Place) -> None:
    place.build()
    place.kernel.open(place.interface)
    for _look in range(2):
        assert place.see().interface == replace(place.interface, isolated=False)
        place.kernel.look_again()
    place.kernel.isolate(place.interface)
    assert place.see().interface == place.interface


def test_an_address_comes_and_goes_however_often_it_is_asked_for(place: Place) -> None:
    place.build()
    for address in ("10.0.0.2/24", "2001:db8::2/64", "10.0.0.2/24"):
        place.address(address)
    assert place.see().addresses == {"10.0.0.2/24", "2001:db8::2/64"}
    place.address("10.0.0.2/24", add=False)
    place.address("10.0.0.2/24", add=False)
    assert place.see().addresses == {"2001:db8::2/64"}


def test_the_end_on_the_bridge_takes_the_other_end_with_it(place: Place) -> None:
    place.build()
    place.address("10.0.0.2/24")
    place.hands.unplug(place.interface.outside)
    assert place.see().interface is None
    with pytest.raises((LookupError, OSError)):
        place.address("10.0.0.3/24")
    place.kernel.create_interface(place.network_id, place.interface, place.bridge.name)
    assert place.see().interface == place.interface
    assert place.see().addresses == frozenset()


def test_a_namespace_takes_its_interface_with_it(place: Place) -> None:
    place.build()
    place.hands.drop_namespace(place.network_id)
    seen = place.see()
    assert (seen.namespace, seen.interface, seen.addresses) == (False, None, frozenset())
    eventually(lambda: not place.see().foreign)
    place.build()
    assert place.see().interface == place.interface


def test_an_interface_that_is_off_its_bridge_is_none_and_is_made_anew(place: Place) -> None:
    place.build()
    place.hands.unplug(place.bridge.name)
    seen = place.see()
    assert (seen.bridge, seen.interface, seen.namespace) == (None, None, True)
    place.build()
    assert place.see().interface == place.interface


def test_a_flushed_address_is_seen_and_given_again(place: Place) -> None:
    place.build()
    for address in ("10.0.0.2/24", "2001:db8::2/64"):
        place.address(address)
    assert place.see().addresses == {"10.0.0.2/24", "2001:db8::2/64"}
    place.hands.flush(place.network_id, place.interface.inside, 4)
    assert place.see().addresses == {"2001:db8::2/64"}
    place.address("10.0.0.2/24")
    assert place.see().addresses == {"10.0.0.2/24", "2001:db8::2/64"}


def test_an_address_that_an_interface_cannot_have_is_refused(place: Place) -> None:
    place.build()
    with pytest.raises(outside.AddressRefusedError):
        place.address("ff02:1::2/64")
    small = replace(place.interface, mtu=1200)
    place.kernel.ensure_bridge(Bridge(place.bridge.name, 1200))
    place.kernel.delete_interface(place.network_id, place.interface)
    place.kernel.create_interface(place.network_id, small, place.bridge.name)
    with pytest.raises(outside.AddressRefusedError):
        place.address("2001:db8::2/64")
    place.address("10.0.0.2/24")
    assert place.see().addresses == {"10.0.0.2/24"}


def test_an_ipv6_address_counts_beside_a_link_local_one_which_comes_with_it(place: Place) -> None:
    place.build()
    for address in ("2001:db8::2/64", "2001:db8:1::2/64"):
        place.address(address)
    place.hands.flush(place.network_id, place.interface.inside, 6)
    assert place.see().addresses == frozenset()
    place.address("2001:db8:1::2/64")
    assert place.see().addresses == {"2001:db8:1::2/64"}


@pytest.mark.parametrize("what", ["interface", "loopback"])
def test_what_is_down_in_the_namespace_makes_no_interface(place: Place, what: str) -> None:
    place.build()
    place.address("10.0.0.2/24")
    assert place.see().interface == place.interface
    link = place.interface.inside if what == "interface" else "lo"
    place.hands.set_inside_down(place.network_id, link)
    assert (place.see().interface, place.see().addresses) == (None, frozenset())
    place.kernel.create_interface(place.network_id, place.interface, place.bridge.name)
    assert place.see().interface == place.interface


@pytest.mark.parametrize(("mac", "mtu"), [(MAC, 1400), ("fa:16:3e:00:00:03", 1450)])
def test_an_interface_that_was_changed_is_another(place: Place, mac: str, mtu: int) -> None:
    place.build()
    assert place.see().interface == place.interface
    place.hands.set_inside(place.network_id, place.interface.inside, mac=mac, mtu=mtu)
    assert place.see().interface != place.interface
    place.kernel.create_interface(place.network_id, place.interface, place.bridge.name)
    assert place.see().interface == place.interface


def test_an_outer_end_of_another_mtu_is_no_end(place: Place) -> None:
    place.build()
    place.hands.set_mtu(place.interface.outside, 1400)
    assert place.see().interface is None
    place.kernel.create_interface(place.network_id, place.interface, place.bridge.name)
    assert place.see().interface == place.interface


def test_a_renamed_outer_end_is_none_and_goes_with_the_pair(place: Place) -> None:
    place.build()
    place.hands.rename(place.interface.outside, place.renamed)
    seen = place.see()
    assert (seen.interface, seen.foreign) == (None, True)
    assert place.kernel.members(place.bridge.name) == {place.renamed}
    place.kernel.create_interface(place.network_id, place.interface, place.bridge.name)
    seen = place.see()
    assert (seen.interface, seen.foreign) == (place.interface, False)
    assert place.kernel.members(place.bridge.name) == {place.interface.outside}


@pytest.mark.parametrize("place", [pytest.param("real", marks=pytest.mark.root)], indirect=True)
def test_a_change_on_either_side_makes_the_kernel_readable(place: Place) -> None:
    def is_readable() -> bool:
        assert isinstance(place.kernel, NetlinkKernel)
        return bool(select.select([place.kernel], [], [], 0)[0])

    def is_quiet() -> bool:
        place.see()
        return not is_readable()

    place.build()
    eventually(is_quiet)
    place.hands.flush(place.network_id, place.interface.inside, 6)
    assert is_readable()
    eventually(is_quiet)
    place.hands.set_mtu(place.interface.outside, 1400)
    assert is_readable()
    eventually(is_quiet)
    place.hands.drop_namespace(place.network_id)
    assert is_readable()


def test_an_interface_that_is_deleted_leaves_the_namespace(place: Place) -> None:
    place.build()
    place.kernel.delete_interface(place.network_id, place.interface)
    place.kernel.delete_interface(place.network_id, place.interface)
    seen = place.see()
    assert (seen.namespace, seen.interface, seen.addresses) == (True, None, frozenset())


def test_an_interface_needs_its_bridge_and_its_namespace(place: Place) -> None:
    place.kernel.refresh()
    place.kernel.create_namespace(place.network_id)
    with pytest.raises((LookupError, OSError)):
        place.kernel.create_interface(place.network_id, place.interface, place.bridge.name)
    place.kernel.delete_namespace(place.network_id)
    place.kernel.ensure_bridge(place.bridge)
    with pytest.raises((LookupError, OSError)):
        place.kernel.create_interface(place.network_id, place.interface, place.bridge.name)
    assert place.kernel.members(place.bridge.name) == frozenset()
    place.build()
    assert place.see().interface == place.interface


def test_a_tap_is_a_guest_once_it_is_on_the_bridge(place: Place) -> None:
    place.kernel.ensure_bridge(place.bridge)
    place.hands.plug(place.tap)
    assert place.kernel.present_taps({place.tap}) == frozenset()
    assert (place.see().members, place.see().foreign) == (frozenset(), False)
    assert place.kernel.present_taps({place.tap, "tapelsewhere"}) == {place.tap}
    assert place.tap in place.kernel.links()
    place.kernel.attach_tap(place.tap, place.bridge)
    place.kernel.attach_tap(place.tap, place.bridge)
    assert place.see().members == {place.tap}
    assert place.see().foreign
    assert place.kernel.members(place.bridge.name) == {place.tap}


def test_a_guest_that_is_down_or_of_another_mtu_is_no_member_yet(place: Place) -> None:
    place.kernel.ensure_bridge(place.bridge)
    place.hands.plug(place.tap)
    for mtu, up in ((1400, True), (1450, False)):
        place.hands.put_on(place.tap, place.bridge.name, mtu=mtu, up=up)
        place.kernel.refresh()
        place.kernel.ensure_bridge(place.bridge)
        place.hands.put_on(place.tap, place.bridge.name, mtu=mtu, up=up)
        seen = place.see()
        assert (seen.members, seen.foreign) == (frozenset(), True)
        assert place.kernel.members(place.bridge.name) == {place.tap}


def test_a_tap_that_has_gone_meanwhile_is_no_error(place: Place) -> None:
    place.kernel.ensure_bridge(place.bridge)
    place.kernel.attach_tap(place.tap, place.bridge)
    place.hands.plug(place.tap)
    place.kernel.refresh()
    place.hands.unplug(place.tap)
    place.kernel.attach_tap(place.tap, place.bridge)
    assert place.see().members == frozenset()


def test_a_tap_without_its_bridge_is_left_alone(place: Place) -> None:
    place.hands.plug(place.tap)
    place.kernel.refresh()
    place.kernel.attach_tap(place.tap, place.bridge)
    assert place.see().bridge is None
    assert place.kernel.present_taps({place.tap}) == {place.tap}


def test_an_uplink_joins_the_bridge_isolated_and_leaves_it_whole(place: Place) -> None:
    place.kernel.ensure_bridge(place.bridge)
    place.hands.plug(place.uplink)
    wire = Wire(place.uplink, "flat")
    assert place.see(place.wants(wire)).wire is None
    for _ in range(2):
        place.kernel.ensure_wire(wire, place.bridge)
    seen = place.see(place.wants(wire))
    assert (seen.wire, seen.foreign, seen.members, seen.bridge) == (
        wire,
        False,
        frozenset(),
        place.bridge,
    )
    assert place.see().wire == wire, "one that nobody wants any more is known by its isolation"
    place.kernel.remove_wire(wire)
    place.kernel.remove_wire(wire)
    assert place.see(place.wants(wire)).wire is None
    assert place.kernel.present_taps({place.uplink}) == {place.uplink}


def test_an_uplink_that_is_up_already_joins_too(place: Place) -> None:
    place.kernel.ensure_bridge(place.bridge)
    place.hands.add_bridge(place.admins.name)
    place.hands.plug(place.uplink)
    place.hands.put_on(place.uplink, place.admins.name, mtu=1500)
    place.kernel.refresh()
    place.kernel.remove_wire(Wire(place.uplink, "flat"))
    wire = Wire(place.uplink, "flat")
    place.kernel.ensure_wire(wire, place.bridge)
    seen = place.see(place.wants(wire))
    assert (seen.wire, seen.bridge) == (wire, place.bridge)


def test_a_wire_that_somebody_changed_is_seen_so_and_put_right(place: Place) -> None:
    place.kernel.ensure_bridge(place.bridge)
    place.hands.plug(place.uplink)
    wire = Wire(place.uplink, "flat")
    place.kernel.refresh()
    place.kernel.ensure_wire(wire, place.bridge)
    place.hands.let_out(place.uplink)
    place.kernel.look_again()
    assert place.see(place.wants(wire)).wire == replace(wire, isolated=False)
    place.hands.set_down(place.uplink)
    assert place.see(place.wants(wire)).wire == replace(wire, isolated=False, up=False)
    place.kernel.ensure_wire(wire, place.bridge)
    assert place.see(place.wants(wire)).wire == wire


def test_what_a_bridge_learns_is_seen_and_put_right(place: Place) -> None:
    place.hands.add_bridge(place.admins.name)
    for bridge in (place.bridge, place.admins):
        place.kernel.refresh()
        place.kernel.ensure_bridge(bridge)
        wanted = NetworkState(place.network_id, bridge)
        assert place.see(wanted).bridge == bridge
        place.hands.change_learning(bridge.name)
        assert place.see(wanted).bridge == replace(bridge, no_linklocal_learn=False)
        place.kernel.ensure_bridge(bridge)
        assert place.see(wanted).bridge == bridge


def test_a_tunnel_that_learns_no_longer_is_seen_and_put_right(place: Place) -> None:
    wire = tunnel(place)
    place.kernel.ensure_bridge(place.bridge)
    place.kernel.ensure_wire(wire, place.bridge)
    place.hands.change_learning(wire.device)
    assert place.see(place.wants(wire)).wire == replace(wire, learning=False)
    assert place.see().wire == replace(wire, learning=False)
    place.kernel.ensure_wire(wire, place.bridge)
    assert place.see(place.wants(wire)).wire == wire


def test_an_uplink_that_is_gone_cannot_join(place: Place) -> None:
    place.kernel.ensure_bridge(place.bridge)
    with pytest.raises(LookupError):
        place.kernel.ensure_wire(Wire(place.uplink, "flat"), place.bridge)


def test_a_larger_uplink_keeps_its_mtu(place: Place) -> None:
    """VLANs on it may need that."""
    place.kernel.ensure_bridge(place.bridge)
    place.hands.plug(place.uplink)
    place.kernel.refresh()
    place.kernel.ensure_wire(Wire(place.uplink, "flat"), place.bridge)
    place.kernel.ensure_bridge(place.bridge)
    place.kernel.refresh()
    assert place.kernel.links()[place.uplink].mtu == 1500


def tunnel(place: Place, local: str = "127.0.0.1") -> Wire:
    return Wire(f"vxlan-{VNI}", "vxlan", "", VNI, local, 4789, place.bridge.mtu)


@pytest.mark.parametrize("local", ["127.0.0.1", "::1"])
def test_a_vxlan_is_made_with_its_network_and_deleted_with_it(place: Place, local: str) -> None:
    wire = tunnel(place, local)
    place.kernel.ensure_bridge(place.bridge)
    place.kernel.ensure_wire(wire, place.bridge)
    assert place.see(place.wants(wire)).wire == wire
    assert place.see().wire == wire
    place.kernel.remove_wire(wire)
    assert place.see(place.wants(wire)).wire is None
    assert place.kernel.present_taps({wire.device}) == frozenset()


def test_a_vlan_is_made_with_its_network_and_deleted_with_it(place: Place) -> None:
    if isinstance(place.kernel, NetlinkKernel):
        need("vlan")
    place.kernel.ensure_bridge(place.bridge)
    place.hands.plug(place.uplink)
    place.kernel.refresh()
    wire = Wire(f"{place.uplink}.7", "vlan", place.uplink, 7, mtu=place.bridge.mtu)
    place.kernel.ensure_wire(wire, place.bridge)
    assert place.see(place.wants(wire)).wire == wire
    place.kernel.remove_wire(wire)
    assert place.kernel.present_taps({wire.device}) == frozenset()


def test_a_vlan_that_the_administrator_made_stays(place: Place) -> None:
    """By its name; this one is another kind of link, as where the kernel knows no VLANs."""
    place.kernel.ensure_bridge(place.bridge)
    name = f"{place.uplink}.7"
    place.hands.plug(name)
    place.kernel.refresh()
    wire = Wire(name, "vlan", place.uplink, 7, mtu=place.bridge.mtu)
    place.kernel.ensure_wire(wire, place.bridge)
    assert place.see(place.wants(wire)).wire == wire
    place.kernel.remove_wire(wire)
    assert place.see(place.wants(wire)).wire is None
    assert place.kernel.present_taps({name}) == {name}


def test_a_bridge_of_the_administrators_is_used_as_it_is(place: Place) -> None:
    place.kernel.refresh()
    with pytest.raises(outside.BridgeUnfitError, match="there is no bridge"):
        place.kernel.ensure_bridge(place.admins)
    place.hands.add_bridge(place.admins.name)
    place.hands.plug(place.uplink)
    place.hands.put_on(place.uplink, place.admins.name, mtu=1500)
    place.kernel.refresh()
    place.kernel.ensure_bridge(place.admins)
    wire = Wire(place.uplink, "bridged")
    wanted = place.wants(wire, place.admins)
    assert place.see(wanted).wire == replace(wire, isolated=False)
    place.kernel.ensure_wire(wire, place.admins)
    seen = place.see(wanted)
    assert (seen.bridge, seen.wire) == (place.admins, wire)
    place.kernel.create_namespace(place.network_id)
    place.kernel.create_interface(place.network_id, place.interface, place.admins.name)
    unwanted = place.see()
    assert unwanted.interface == place.interface
    assert unwanted.bridge is not None
    assert (unwanted.bridge.name, unwanted.bridge.own) == (place.admins.name, False)
    place.kernel.remove_wire(wire)
    assert place.see(wanted).wire == replace(wire, isolated=False)
    place.hands.set_down(place.admins.name)
    place.kernel.refresh()
    with pytest.raises(outside.BridgeUnfitError, match="is down"):
        place.kernel.ensure_bridge(place.admins)
    place.hands.set_mtu(place.admins.name, 1450)
    place.hands.put_up(place.admins.name)
    place.kernel.refresh()
    with pytest.raises(outside.BridgeUnfitError, match="has MTU 1450, and the network 9000"):
        place.kernel.ensure_bridge(replace(place.admins, mtu=9000))


def test_what_the_host_itself_uses_is_known(place: Place) -> None:
    place.hands.plug(place.uplink)
    place.hands.put_up(place.uplink)
    place.kernel.refresh()
    assert place.kernel.uses_of(place.uplink) == []
    place.hands.set_address(place.uplink, "198.51.100.9/24")
    assert place.kernel.uses_of(place.uplink) == ["the address 198.51.100.9/24"]


def test_a_tunnel_has_the_peers_that_it_is_given(place: Place) -> None:
    wire = tunnel(place)
    place.kernel.ensure_bridge(place.bridge)
    place.kernel.ensure_wire(wire, place.bridge)
    assert place.see(place.wants(wire)).peers == frozenset()
    for peer in ("192.0.2.2", "192.0.2.3", "192.0.2.2"):
        place.kernel.change_peer(wire, peer, add=True)
    assert place.see(place.wants(wire)).peers == {"192.0.2.2", "192.0.2.3"}
    for _ in range(2):
        place.kernel.change_peer(wire, "192.0.2.3", add=False)
    assert place.see(place.wants(wire)).peers == {"192.0.2.2"}
    place.kernel.look_again()
    assert place.see(place.wants(wire)).peers == {"192.0.2.2"}
    place.hands.unplug(wire.device)
    place.kernel.refresh()
    place.kernel.ensure_wire(wire, place.bridge)
    assert place.see(place.wants(wire)).peers == frozenset()


def test_an_ipv6_tunnel_has_ipv6_peers(place: Place) -> None:
    wire = tunnel(place, "::1")
    place.kernel.ensure_bridge(place.bridge)
    place.kernel.ensure_wire(wire, place.bridge)
    place.kernel.change_peer(wire, "2001:db8::2", add=True)
    assert place.see(place.wants(wire)).peers == {"2001:db8::2"}


def test_the_link_with_an_address_of_the_host_is_found(place: Place) -> None:
    place.hands.plug(place.uplink)
    place.hands.put_up(place.uplink)
    place.kernel.refresh()
    assert place.kernel.holder_of("198.51.100.77") == ""
    place.hands.set_address(place.uplink, "198.51.100.77/24")
    assert place.kernel.holder_of("198.51.100.77") == place.uplink

"""What is in the way of a wire, the remedy, and that it joins as soon as nothing is in the way."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ipam import model
from ipam.agent.wires import Reach
from tests.agent.kernel_double import KernelDouble
from tests.agent.loop_host import LoopHost, machine, network_id, port, port_id, row
from tests.agent.network_rows import HOST

REACH = Reach({"physnet1": "eth1", "wide": "wlan0"}, {"physnet2": "br-ex"}, "192.0.2.9", host=HOST)
BRIDGE = model.bridge_name(network_id(1))
FLAT = {"network_type": "flat", "physical_network": "physnet1"}
VLAN = {"network_type": "vlan", "physical_network": "physnet1", "segmentation_id": 101}
VXLAN = {"network_type": "vxlan", "segmentation_id": 7, "peers": ["192.0.2.2"]}
BRIDGED = {"network_type": "flat", "physical_network": "physnet2"}


@pytest.fixture
def host(tmp_path: Path) -> LoopHost:
    return LoopHost(tmp_path, reach=REACH)


def build(host: LoopHost, segment: dict[str, Any]) -> None:
    host.want(row(1, port(1, 5), **segment))
    host.settle()


@pytest.mark.parametrize(("segment", "device"), [(FLAT, "eth1"), (VLAN, "eth1.101")])
def test_a_network_has_its_wire_until_it_goes(
    host: LoopHost, segment: dict[str, Any], device: str
) -> None:
    host.kernel.add_uplink("eth1")
    build(host, segment)
    assert host.serves(1)
    wire = host.kernel.host[device]
    assert (wire.master, wire.isolated, wire.up) == (BRIDGE, True, True)
    assert host.reports == {port_id(1, 5): True}
    host.want()
    host.settle()
    assert host.traces(1) == []
    assert set(host.kernel.host) == {"eth1"}
    assert host.kernel.host["eth1"].master == ""


@pytest.mark.parametrize(("segment", "device"), [(FLAT, "eth1"), (VLAN, "eth1.101")])
def test_an_uplink_that_goes_and_comes_back_joins_again(
    host: LoopHost, segment: dict[str, Any], device: str
) -> None:
    host.kernel.add_uplink("eth1")
    build(host, segment)
    pid = host.pid(1)
    host.reports.clear()
    host.kernel.unplug("eth1")
    host.settle()
    assert host.reconciler.troubles == {network_id(1): "The uplink eth1 is not there."}
    assert device not in host.kernel.host
    assert host.reports == {}, "machines here go on talking"
    host.kernel.add_uplink("eth1")
    host.settle()
    assert host.serves(1)
    assert host.reconciler.troubles == {}
    assert host.pid(1) == pid


def test_what_was_in_the_way_of_a_network_goes_with_it(host: LoopHost) -> None:
    build(host, FLAT)
    assert host.reconciler.troubles
    host.want()
    host.settle()
    assert host.reconciler.troubles == {}


@pytest.mark.parametrize(("segment", "device"), [(FLAT, "eth1"), (VLAN, "eth1.101")])
def test_a_wire_that_somebody_let_out_leaves_with_its_network(
    host: LoopHost, segment: dict[str, Any], device: str
) -> None:
    host.kernel.add_uplink("eth1")
    build(host, segment)
    host.want()
    host.kernel.let_out(device)
    host.settle()
    assert host.traces(1) == []
    assert host.kernel.host["eth1"].master == ""


def small(kernel: KernelDouble) -> None:
    kernel.host["eth1"].mtu = 1400


def addressed(kernel: KernelDouble, name: str = "eth1") -> None:
    kernel.set_address(name, "192.0.2.9/24")


def without_ethernet(kernel: KernelDouble) -> None:
    kernel.host["eth1"].mac = ""


def of_another_network(kernel: KernelDouble) -> None:
    kernel.add_bridge("brq00000002-bb")
    kernel.put_on("eth1", "brq00000002-bb", mtu=1500)


def bonded(kernel: KernelDouble) -> None:
    kernel.add_bridge("bond0")
    kernel.host["bond0"].kind = "bond"
    kernel.put_on("eth1", "bond0", mtu=1500)


def routed(kernel: KernelDouble) -> None:
    kernel.add_bridge("blue")
    kernel.host["blue"].kind = "vrf"
    kernel.put_on("eth1", "blue", mtu=1500)


def bridged(kernel: KernelDouble) -> None:
    kernel.add_bridge("br0")
    kernel.put_on("eth1", "br0", mtu=1500)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (
            small,
            (
                "The uplink eth1 has MTU 1400, and the network 1450: raise the one with `ip link"
                " set eth1 mtu 1450`, or lower the other with `ipam network set"
                " NETWORK --mtu 1400`."
            ),
        ),
        (
            addressed,
            (
                "The host itself uses eth1: it has the address 192.0.2.9/24, which would be dead"
                " once it is on a bridge. Put that on a bridge of your own and map the bridge with"
                " [agent] bridge_mappings, or on a VLAN of eth1."
            ),
        ),
        (
            without_ethernet,
            "The uplink eth1 carries no Ethernet frames, so it can be on no bridge.",
        ),
        (bonded, "eth1 is a part of bond0: that can be an uplink in its place."),
        (
            routed,
            "eth1 belongs to blue: take it off with `ip link set eth1 nomaster`.",
        ),
        (
            of_another_network,
            (
                "eth1 is on brq00000002-bb, the bridge of another network, and carries one: use a"
                " VLAN of it for this one. If that network is gone, take it off with `ip link set"
                " eth1 nomaster`."
            ),
        ),
        (
            bridged,
            (
                "eth1 is on br0: map that bridge with [agent] bridge_mappings, or take it off with"
                " `ip link set eth1 nomaster`."
            ),
        ),
    ],
)
def test_an_uplink_that_the_host_needs_is_left_alone(
    host: LoopHost, spoil: Callable[[KernelDouble], None], sentence: str
) -> None:
    host.kernel.add_uplink("eth1")
    spoil(host.kernel)
    before = host.kernel.host["eth1"].master
    build(host, FLAT)
    assert host.reconciler.troubles == {network_id(1): sentence}
    assert host.kernel.host["eth1"].master == before
    assert host.pid(1), "DHCP at home does not wait for it"
    assert host.reports == {}, "a port is not ready before its network reaches the others"


def test_an_uplink_that_the_host_has_taken_a_moment_ago_is_left_alone(host: LoopHost) -> None:
    host.kernel.add_uplink("eth1")
    began = host.now
    build(host, FLAT)
    host.want()
    host.settle()
    host.now = began
    addressed(host.kernel)
    build(host, FLAT)
    assert "The host itself uses eth1" in host.reconciler.troubles[network_id(1)]


def test_the_hosts_own_address_may_be_below_a_vlan(host: LoopHost) -> None:
    host.kernel.add_uplink("eth1")
    addressed(host.kernel)
    build(host, VLAN)
    assert host.serves(1)


def test_what_was_in_the_way_is_looked_for_again(host: LoopHost) -> None:
    host.kernel.add_uplink("eth1")
    addressed(host.kernel)
    build(host, FLAT)
    host.kernel.host["eth1"].uses.clear()
    host.now += 10
    host.settle()
    assert host.serves(1)
    assert host.reports == {port_id(1, 5): True}


@pytest.mark.parametrize(
    "step",
    ["put wire on the bridge", "isolate wire", "set wire up", "add wire", "set mtu of wire"],
)
def test_a_wire_that_fails_delays_nothing_and_is_tried_again(host: LoopHost, step: str) -> None:
    host.kernel.add_uplink("eth1")
    host.faults.fail(step, times=2)
    host.want(row(1, port(1, 5), **VLAN))
    host.turn()
    assert host.pid(1)
    assert "eth1.101 cannot join" in host.reconciler.troubles[network_id(1)]
    host.settle()
    assert host.serves(1)
    assert host.reconciler.troubles == {}


def test_a_network_without_a_mapping_is_here_alone_and_says_so(host: LoopHost) -> None:
    build(host, {"network_type": "flat", "physical_network": "other"})
    (sentence,) = host.reconciler.troubles.values()
    assert "maps physical network other to no interface" in sentence
    assert host.pid(1)


def test_the_administrators_bridge_is_used_and_stays(host: LoopHost) -> None:
    host.kernel.add_bridge("br-ex")
    host.kernel.add_uplink("eth9")
    host.kernel.put_on("eth9", "br-ex", mtu=1500)
    host.kernel.plug(model.tap_name(port_id(1, 6)))
    host.want(row(1, port(1, 5), machine(1, 6), **BRIDGED))
    host.settle()
    assert host.reports == {port_id(1, 5): True, port_id(1, 6): True}
    assert BRIDGE not in host.kernel.host
    assert host.kernel.members("br-ex") >= {"eth9", model.tap_name(port_id(1, 6))}
    assert host.kernel.host["eth9"].isolated
    host.want()
    host.settle()
    assert host.traces(1) == []
    assert host.kernel.host["br-ex"].up
    assert (host.kernel.host["eth9"].master, host.kernel.host["eth9"].isolated) == ("br-ex", False)


def test_a_bridge_that_is_not_there_says_what_to_do(host: LoopHost) -> None:
    host.want(row(1, port(1, 5), **BRIDGED))
    host.turn()
    assert "make it, or correct the mapping" in host.reconciler.troubles[network_id(1)]
    host.kernel.add_bridge("br-ex")
    host.kernel.add_uplink("eth9")
    host.kernel.put_on("eth9", "br-ex", mtu=1500)
    host.now += 60
    host.settle()
    assert host.pid(1)


@pytest.mark.parametrize("guest", [False, True], ids=["empty", "in use"])
def test_a_bridge_of_before_goes_with_its_network_if_nobody_uses_it(
    host: LoopHost, *, guest: bool
) -> None:
    host.kernel.add_uplink("eth1")
    build(host, FLAT)
    host.kernel.add_bridge("br-ex")
    host.kernel.put_on("eth1", "br-ex", mtu=1500)
    if guest:
        host.kernel.plug("vnet0")
        host.kernel.put_on("vnet0", BRIDGE, mtu=1450)
    host.reach = Reach({}, {"physnet1": "br-ex"}, host=HOST)
    host.start_agent()
    build(host, FLAT)
    assert host.reconciler.troubles == {}
    host.want()
    host.settle()
    assert host.traces(1) == (["bridge"] if guest else [])
    assert set(host.kernel.host) == {"eth1", "br-ex"} | ({BRIDGE, "vnet0"} if guest else set())


@pytest.mark.parametrize("is_there", [True, False], ids=["down", "gone"])
def test_a_bridge_that_is_back_is_used_at_once(host: LoopHost, *, is_there: bool) -> None:
    host.kernel.add_bridge("br-ex")
    host.kernel.add_uplink("eth9")
    host.kernel.put_on("eth9", "br-ex", mtu=1500)
    if is_there:
        host.kernel.set_down("br-ex")
    else:
        host.kernel.unplug("br-ex")
    host.want(row(1, port(1, 5), **BRIDGED))
    for _ in range(9):  # long enough for a long wait
        host.now += host.turn()
    assert host.reconciler.troubles
    if is_there:
        host.kernel.put_up("br-ex")
    else:
        host.kernel.add_bridge("br-ex")
        host.kernel.put_on("eth9", "br-ex", mtu=1500)
    began = host.now
    host.settle()
    assert host.pid(1)
    assert host.now - began < 5


def test_a_bridge_with_two_uplinks_needs_one_of_them_named(host: LoopHost) -> None:
    """Both isolated would pass nothing between each other, and one alone would leak."""
    host.kernel.add_bridge("br-ex")
    for name in ("eth8", "eth9"):
        host.kernel.add_uplink(name)
        host.kernel.put_on(name, "br-ex", mtu=1500)
    host.want(row(1, port(1, 5), **BRIDGED))
    host.settle()
    assert "has the uplinks eth8 and eth9" in host.reconciler.troubles[network_id(1)]
    assert not host.pid(1)
    assert not any(host.kernel.host[name].isolated for name in ("eth8", "eth9"))


def test_an_answer_that_takes_most_wires_away_takes_none(tmp_path: Path) -> None:
    names = {f"physnet{number}": f"eth{number}" for number in range(1, 5)}
    host = LoopHost(tmp_path, reach=Reach(names))
    for name in names.values():
        host.kernel.add_uplink(name)
    flat = {"network_type": "flat"}
    rows = [row(n, port(n, 5), **flat, physical_network=f"physnet{n}") for n in range(1, 5)]
    host.want(*rows)
    host.settle()
    host.want(*(row(n, port(n, 5)) for n in range(1, 5)))
    host.turn()
    assert all(host.kernel.host[name].master for name in names.values())


def test_a_tunnel_reaches_its_peers_and_goes_with_its_network(host: LoopHost) -> None:
    host.kernel.add_uplink("eth0")
    addressed(host.kernel, "eth0")
    build(host, VXLAN)
    assert host.serves(1)
    tunnel = host.kernel.host["vxlan-7"]
    assert (tunnel.master, tunnel.isolated, tunnel.mtu) == (BRIDGE, True, 1450)
    build(host, VXLAN | {"peers": ["192.0.2.3", "192.0.2.4"]})
    assert tunnel.peers == {"192.0.2.3", "192.0.2.4"}
    host.start_agent()
    host.settle()
    assert host.serves(1)
    build(host, VXLAN | {"peers": None})
    assert tunnel.peers == {"192.0.2.3", "192.0.2.4"}, "nothing is said of them"
    host.want()
    host.settle()
    assert host.traces(1) == []
    assert set(host.kernel.host) == {"eth0"}


def test_a_tunnel_that_is_deleted_comes_back_with_its_peers(host: LoopHost) -> None:
    host.kernel.add_uplink("eth0")
    addressed(host.kernel, "eth0")
    build(host, VXLAN)
    host.kernel.unplug("vxlan-7")
    host.settle()
    assert host.serves(1)


def test_an_interface_of_this_host_needs_no_mapping(host: LoopHost) -> None:
    host.kernel.add_uplink("eth5")
    build(host, {"network_type": "flat", "physical_network": f"{HOST}:eth5"})
    assert host.serves(1)
    assert host.kernel.host["eth5"].master == BRIDGE
    host.kernel.let_out("eth5")
    host.want()
    host.settle()
    assert host.traces(1) == []
    assert host.kernel.host["eth5"].master == "", "it is known as a wire though it is not isolated"


def test_a_peer_that_the_kernel_refuses_is_tried_again(host: LoopHost) -> None:
    host.kernel.add_uplink("eth0")
    addressed(host.kernel, "eth0")
    host.faults.fail("change peer", times=2)
    host.want(row(1, port(1, 5), **VXLAN))
    host.turn()
    assert host.pid(1)
    assert "cannot reach 192.0.2.2" in host.reconciler.troubles[network_id(1)]
    host.settle()
    assert host.serves(1)
    assert host.reconciler.troubles == {}


@pytest.mark.parametrize(
    ("mtu", "address", "sentence"),
    [
        (1500, "192.0.2.8/24", "No interface of this host has 192.0.2.9"),
        (1499, "192.0.2.9/24", "has MTU 1499, and the network 1450: lower that with"),
    ],
)
def test_a_tunnel_needs_its_address_and_room(
    host: LoopHost, mtu: int, address: str, sentence: str
) -> None:
    host.kernel.add_uplink("eth0", mtu)
    host.kernel.set_address("eth0", address)
    build(host, VXLAN)
    assert sentence in host.reconciler.troubles[network_id(1)]
    assert "vxlan-7" not in host.kernel.host
    assert host.pid(1)


@pytest.mark.parametrize("segment", [FLAT, BRIDGED], ids=["own bridge", "administrator's"])
def test_an_uplink_that_becomes_too_small_stays_and_is_said(
    host: LoopHost, segment: dict[str, Any]
) -> None:
    host.kernel.add_uplink("eth1")
    if segment is BRIDGED:
        host.kernel.add_bridge("br-ex")
        host.kernel.put_on("eth1", "br-ex", mtu=1500)
    build(host, segment)
    assert host.reconciler.troubles == {}
    small(host.kernel)
    host.settle()
    assert "eth1 has MTU 1400, and the network" in host.reconciler.troubles[network_id(1)]
    assert host.kernel.host["eth1"].isolated, "it is on: what is small enough passes"
    host.kernel.set_mtu("eth1", 1500)
    host.settle()
    assert host.reconciler.troubles == {}


def test_a_tunnel_whose_address_goes_stays_and_is_said(host: LoopHost) -> None:
    host.kernel.add_uplink("eth0")
    addressed(host.kernel, "eth0")
    build(host, VXLAN)
    host.kernel.host["eth0"].uses.clear()
    host.now += 10
    host.settle()
    assert "No interface of this host has 192.0.2.9" in host.reconciler.troubles[network_id(1)]
    assert host.serves(1)


@pytest.mark.parametrize("ends", [("192.0.2.9", "192.0.2.10"), ("192.0.2.9",)], ids=len)
def test_a_tunnel_gets_another_end_when_the_host_has_that(
    tmp_path: Path, ends: tuple[str, ...]
) -> None:
    host = LoopHost(tmp_path, reach=Reach(tunnel_end="192.0.2.9", host=HOST))
    host.kernel.add_uplink("eth0")
    for end in ends:
        host.kernel.set_address("eth0", f"{end}/24")
    build(host, VXLAN)
    host.reach = Reach(tunnel_end="192.0.2.10", host=HOST)
    host.start_agent()
    build(host, VXLAN)
    wire = host.kernel.host["vxlan-7"].wire
    assert wire is not None
    assert wire.local == ends[-1]
    assert host.kernel.host["vxlan-7"].master == BRIDGE
    assert ("192.0.2.10" in "".join(host.reconciler.troubles.values())) == (len(ends) == 1)


def test_a_tunnel_of_another_network_is_not_joined(host: LoopHost) -> None:
    """Which somebody has put in the place of the network's own."""
    host.kernel.add_uplink("eth0")
    addressed(host.kernel, "eth0")
    build(host, VXLAN)
    other = host.kernel.host["vxlan-7"]
    assert other.wire is not None
    other.wire, other.is_own = replace(other.wire, segment=8), False
    host.settle()
    assert host.reconciler.troubles == {
        network_id(1): "vxlan-7 is not VXLAN 7: `ip link del vxlan-7`, and it is made anew."
    }
    assert other.master == ""
    host.kernel.unplug("vxlan-7")
    host.settle()
    assert host.serves(1)

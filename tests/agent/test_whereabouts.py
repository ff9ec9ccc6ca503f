"""What is said of where networks are, as a whole host sees it."""

from pathlib import Path
from typing import Any

import pytest

from ipam import model
from ipam.agent import whereabouts
from ipam.agent.wires import Reach
from ipam.protocol.reports import NetworkFacts
from tests.agent.loop_host import LoopHost, machine, network_id, port_id, row

REACH = Reach({"physnet1": "eth1"}, {}, "192.0.2.9")
BRIDGE = model.bridge_name(network_id(1))
FLAT: dict[str, Any] = {"network_type": "flat", "physical_network": "physnet1"}
VXLAN: dict[str, Any] = {"network_type": "vxlan", "segmentation_id": 7, "peers": ["192.0.2.2"]}


@pytest.fixture
def host(tmp_path: Path) -> LoopHost:
    host = LoopHost(tmp_path, reach=REACH)
    for number in (5, 6):
        host.kernel.plug(model.tap_name(port_id(1, number)))
    host.kernel.add_uplink("eth0")
    host.kernel.set_address("eth0", "192.0.2.9/24")
    assert host.reconciler.whereabouts is None
    return host


def said(host: LoopHost, **segment: Any) -> NetworkFacts:
    host.want(row(1, machine(1, 5), machine(1, 6, port_security_enabled=False), **segment))
    host.settle()
    found = host.reconciler.whereabouts
    assert found is not None
    return found[network_id(1)]


def test_a_network_without_a_wire_is_local(host: LoopHost) -> None:
    assert said(host) == NetworkFacts(BRIDGE, state="local", taps=2, guarded=1)


def test_a_network_with_a_wire_is_up_or_says_why_not(host: LoopHost) -> None:
    fault = "The uplink eth1 is not there."
    assert said(host, **FLAT) == NetworkFacts(BRIDGE, "", "down", fault, (), 2, 1)
    host.kernel.add_uplink("eth1")
    assert said(host, **FLAT) == NetworkFacts(BRIDGE, "eth1", "up", "", (), 2, 1)


def test_a_network_on_a_bridge_that_is_down_is_down(host: LoopHost) -> None:
    host.reach = Reach({}, {"physnet1": "br-ex"})
    host.start_agent()
    host.kernel.add_uplink("eth1")
    host.kernel.add_bridge("br-ex")
    host.kernel.put_on("eth1", "br-ex", mtu=1500)
    assert said(host, **FLAT) == NetworkFacts("br-ex", "eth1", "up", "", (), 2, 1)
    host.kernel.set_down("br-ex")
    host.turn()
    found = host.reconciler.whereabouts
    assert found is not None
    fault = "br-ex is down: `ip link set br-ex up`."
    assert found[network_id(1)] == NetworkFacts("br-ex", "eth1", "down", fault, (), 2, 1)


def test_a_tunnel_has_its_peers(host: LoopHost) -> None:
    assert said(host, **VXLAN) == NetworkFacts(BRIDGE, "vxlan-7", "up", "", ("192.0.2.2",), 2, 1)


def test_a_network_that_no_mapping_reaches_is_down(host: LoopHost) -> None:
    found = said(host, network_type="flat", physical_network="physnet9")
    assert found.state == "down"
    assert "maps physical network physnet9 to no interface" in found.fault


def test_a_guard_that_is_not_loaded_guards_nothing(host: LoopHost) -> None:
    host.faults.fail("load guard")
    host.want(row(1, machine(1, 5)))
    for _ in range(5):
        host.now += host.turn()
    found = host.reconciler.whereabouts
    assert found is not None
    assert found[network_id(1)].guarded == 0


def test_of_very_many_networks_as_many_are_told_of_as_a_request_may_have(
    host: LoopHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.want(*(row(number, machine(number, 5)) for number in range(1, 6)))
    host.settle()
    monkeypatch.setattr(whereabouts, "MOST_OCTETS", 250)
    found = host.reconciler.whereabouts
    assert found is not None
    assert 0 < len(found) < 5

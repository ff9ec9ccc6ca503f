"""Networks that reach other hosts, with real agents, packets and wires; DHCP stays at home.

One network of each kind is built once for all tests. The order of the tests does not matter.
"""

import os
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ipam import model
from ipam.agent.host.forwarding_table import link_of
from tests.kernel_features import need
from tests.open_directory import open_directory
from tests.system.reach import NAK, Json, Machine, Rack, address_of, within
from tests.system.two_hosts import HostNamespace
from tests.system.wire import ACK, DISCOVER, OFFER, REQUEST, inside

pytestmark = [pytest.mark.root, pytest.mark.system]

KINDS: dict[str, Json] = {
    "flat": {"network_type": "flat", "physical_network": "physnet1"},
    "vlan": {"network_type": "vlan", "physical_network": "physnet1", "segmentation_id": 101},
    "bridged": {"network_type": "flat", "physical_network": "physnet2"},
    "vxlan": {"network_type": "vxlan", "segmentation_id": 70},
}
WIRES = {"flat": "eth1", "vlan": "eth1.101", "bridged": "eth2", "vxlan": "vxlan-70"}


@dataclass
class Joined:
    """A network with a machine on each host."""

    kind: str
    network: Json
    a: Machine
    b: Machine
    dhcp_port: Json

    @property
    def bridge(self) -> str:
        return "br-ex" if self.kind == "bridged" else model.bridge_name(self.network["id"])

    def server(self, version: int) -> str:
        return address_of(self.dhcp_port, version)


@pytest.fixture(scope="module")
def rack() -> Iterator[Rack]:
    if os.geteuid() != 0:
        pytest.skip("needs root: it makes namespaces and bridges")
    need("vxlan")
    with open_directory("reach") as directory:
        made = Rack(directory)
        try:
            made.start()
            yield made
        finally:
            made.close()


@pytest.fixture(scope="module")
def everywhere(rack: Rack) -> dict[str, Joined]:
    found = {}
    for kind, provider in KINDS.items():
        network = rack.network(**provider)
        a, b = (rack.machine(network, host) for host in (rack.a, rack.b))
        found[kind] = Joined(kind, network, a, b, {})
    for joined in found.values():
        for one in (joined.a, joined.b):
            rack.await_status(one.port, "ACTIVE")
        joined.dhcp_port = rack.dhcp_port(joined.network)
    return found


@pytest.fixture(params=KINDS)
def joined(request: pytest.FixtureRequest, everywhere: dict[str, Joined]) -> Joined:
    return everywhere[request.param]


def test_machines_of_two_hosts_reach_each_other(joined: Joined) -> None:
    for version in (4, 6):
        assert joined.a.reaches(joined.b.address(version))
        assert joined.a.reaches(joined.server(version))
        assert joined.b.reaches(joined.server(version))


def test_each_machine_is_answered_by_its_own_host_alone(joined: Joined) -> None:
    """Each host's server has the same addresses, and would refuse the machines of the others."""
    for one in (joined.a, joined.b):
        own, server = one.address(4), joined.server(4)
        wanted = {50: socket.inet_aton(own)}
        chosen = wanted | {54: socket.inet_aton(server)}
        asked = {
            "discover": (one.ask(DISCOVER, {}), OFFER),
            "request": (one.ask(REQUEST, chosen), ACK),
            "renew": (one.ask(REQUEST, {}, held=own, to=server), ACK),
            "rebind": (one.ask(REQUEST, {}, held=own), ACK),
            "init-reboot": (one.ask(REQUEST, wanted), ACK),
        }
        solicited = one.solicit()
        other = joined.b if one is joined.a else joined.a
        assert one.reaches(other.address(4)), "whatever came from the other host is here by now"
        one.hear_rest()
        for what, (xid, kind) in asked.items():
            assert [said for of, said in one.answers if of == xid] == [kind], what
        assert one.advertised[solicited] == 1
        assert NAK not in {said for _xid, said in one.answers}


def test_the_dhcp_server_is_at_home_in_each_bridges_table(rack: Rack, joined: Joined) -> None:
    own = model.tap_name(joined.dhcp_port["id"])
    for host in (rack.a, rack.b):
        behind = inside(
            host.network_namespace, lambda: link_of(joined.bridge, joined.dhcp_port["mac_address"])
        )
        assert behind == own, host.name


def test_the_server_reaches_no_machine_of_another_host(
    rack: Rack, everywhere: dict[str, Joined]
) -> None:
    asking = []
    for joined in everywhere.values():
        assert joined.a.reaches(joined.b.address(4)), "the wire works"
        space = ("ip", "netns", "exec", model.dhcp_namespace(joined.network["id"]))
        command = (*rack.a.enter, *space, "busybox", "ping", "-c1", "-W1", joined.b.address(4))
        asking.append(subprocess.Popen(command, stdout=subprocess.PIPE))
    for one in asking:
        assert b"100% packet loss" in one.communicate()[0]


def test_a_packet_of_the_networks_mtu_passes_whole(joined: Joined) -> None:
    assert joined.network["mtu"] == (1450 if joined.kind == "vxlan" else 1500)
    largest = str(joined.network["mtu"] - 28)
    assert joined.a.reaches(joined.b.address(4), "-s", largest)


def test_what_the_host_has_is_named_as_neutron_names_it(rack: Rack, joined: Joined) -> None:
    for host in (rack.a, rack.b):
        wire = WIRES[joined.kind]
        shown = within(host, "ip", "-d", "link", "show", wire)
        assert f"master {joined.bridge}" in shown
        assert "isolated on" in shown


def test_agents_say_what_they_reach(rack: Rack) -> None:
    agents = {one["host"]: one for one in rack.client.get("/v2.0/agents")["agents"]}
    said = agents["a"]["configurations"]
    assert said["interface_mappings"] == {"physnet1": "eth1", "physnet2": "eth2"}
    assert said["bridge_mappings"] == {"physnet2": "br-ex"}
    assert (said["tunnel_types"], said["tunneling_ip"]) == (["vxlan"], "192.0.2.11")


@pytest.mark.parametrize("kind", ["flat", "vlan"])
def test_an_uplink_that_goes_and_comes_back_joins_again(
    rack: Rack, everywhere: dict[str, Joined], kind: str
) -> None:
    joined, uplink = everywhere[kind], WIRES[kind]
    within(rack.a, "ip", "link", "del", uplink)
    assert joined.a.reaches(joined.server(4)), "those at home go on"
    rack.plug_uplink(rack.a, uplink)
    assert joined.a.reaches(joined.b.address(4))
    assert "isolated on" in within(rack.a, "ip", "-d", "link", "show", uplink)


def test_machines_go_on_while_their_agent_and_the_api_are_away(
    rack: Rack, everywhere: dict[str, Joined]
) -> None:
    rack.b.kill_agent()
    rack.stop_api()
    for joined in everywhere.values():
        assert joined.a.reaches(joined.b.address(4))
    rack.start_api()
    rack.b.start_agent()
    joined = everywhere["vxlan"]
    assert joined.a.reaches(joined.b.address(6))


def peers(host: HostNamespace, vni: int) -> set[str]:
    entries = within(host, "bridge", "fdb", "show", "dev", f"vxlan-{vni}", check=False)
    lines = [line.split() for line in entries.splitlines() if line.startswith("00:00:00:00:00:00")]
    return {line[line.index("dst") + 1] for line in lines}


def test_tunnels_come_and_go_with_the_ports_of_their_hosts(rack: Rack) -> None:
    network = rack.network(network_type="vxlan", segmentation_id=71)
    a = rack.machine(network, rack.a)
    rack.await_status(a.port, "ACTIVE")
    assert peers(rack.a, 71) == set()
    b = rack.machine(network, rack.b)
    rack.eventually(lambda: peers(rack.a, 71) == {"192.0.2.12"}, "the tunnel to b")
    rack.eventually(lambda: peers(rack.b, 71) == {"192.0.2.11"}, "the tunnel to a")
    assert a.reaches(b.address(4))
    rack.client.delete(f"/v2.0/ports/{b.port['id']}")
    b.close()
    rack.eventually(lambda: not peers(rack.a, 71), "no tunnel to b")
    gone = "the network is gone from b"
    rack.eventually(
        lambda: not within(rack.b, "ip", "link", "show", "vxlan-71", check=False), gone
    )
    bridge = model.bridge_name(network["id"])
    rack.eventually(lambda: not within(rack.b, "ip", "link", "show", bridge, check=False), gone)


def test_a_host_without_the_physical_network_binds_no_port(rack: Rack) -> None:
    network = rack.network(network_type="flat", physical_network="elsewhere")
    row = {"network_id": network["id"], "binding:host_id": "a"}
    port = rack.client.post("/v2.0/ports", json={"port": row})["port"]
    assert port["binding:vif_type"] == "binding_failed"
    assert "maps physical network elsewhere" in rack.api_log()

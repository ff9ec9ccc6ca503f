"""On which bridge a network is, and by which wire it reaches other hosts."""

from typing import Any

import msgspec
import pytest

from ipam import model
from ipam.agent.state import Bridge, Wire
from ipam.agent.wires import UPLINK, Place, Reach, place, vlan_device_name
from ipam.protocol.dhcp_state import FullNetwork
from tests.agent.network_rows import NETWORK, network

REACH = Reach(
    {"physnet1": "eth1", "both": "eth2"},
    {"physnet2": "br-ex", "both": "br-both"},
    "192.0.2.1",
    host="node-7",
)
OWN = Bridge(model.bridge_name(NETWORK), 1450)


def placed(kind: str, physical: str | None = None, number: int | None = None) -> Place:
    row: dict[str, Any] = network(
        network_type=kind, physical_network=physical, segmentation_id=number
    )
    return place(msgspec.convert(row, FullNetwork), REACH)


@pytest.mark.parametrize(
    ("segment", "found"),
    [
        (("local",), Place(OWN)),
        (("flat", "physnet1"), Place(OWN, Wire("eth1", "flat"))),
        (
            ("vlan", "physnet1", 101),
            Place(OWN, Wire("eth1.101", "vlan", "eth1", 101, mtu=1450)),
        ),
        (("flat", "physnet2"), Place(Bridge("br-ex", 1450, own=False), UPLINK)),
        (("flat", "both"), Place(Bridge("br-both", 1450, own=False), UPLINK)),
        (("vlan", "both", 7), Place(OWN, Wire("eth2.7", "vlan", "eth2", 7, mtu=1450))),
        (("flat", "node-7:eth9"), Place(OWN, Wire("eth9", "flat"))),
        (("vlan", "node-7:eth9", 7), Place(OWN, Wire("eth9.7", "vlan", "eth9", 7, mtu=1450))),
    ],
)
def test_the_mappings_say_where_a_network_is(segment: tuple[Any, ...], found: Place) -> None:
    assert placed(*segment) == found


@pytest.mark.parametrize(
    ("segment", "fault"),
    [
        (
            ("flat", "physnet9"),
            (
                "[agent] physical_interface_mappings of this host maps physical network physnet9"
                " to no interface, and bridge_mappings to no bridge: it ends at this host."
            ),
        ),
        (
            ("vlan", "physnet2", 7),
            (
                "[agent] physical_interface_mappings of this host maps physical network physnet2"
                " to no interface: it ends at this host."
            ),
        ),
        (
            ("flat", "node-8:eth1"),
            "It is a network of eth1 of host node-8: it ends at this host.",
        ),
        *(
            (
                ("vlan", f"node-7:{name}", 7),
                (
                    "[agent] physical_interface_mappings of this host maps physical network"
                    f" node-7:{name} to no interface: it ends at this host."
                ),
            )
            for name in ("lo", "tap1", "brq1", "vxlan-7", "../eth1", "", "a-name-too-long-")
        ),
        (("geneve", None, 7), "This host does not carry networks of type geneve."),
    ],
)
def test_a_network_that_no_mapping_reaches_ends_here_and_says_why(
    segment: tuple[Any, ...], fault: str
) -> None:
    assert placed(*segment) == Place(OWN, fault=fault)


@pytest.mark.parametrize(
    ("interface", "vlan_id", "name"),
    [
        ("eth1", 101, "eth1.101"),
        ("enp129s0f1", 101, "enp129s0f1.101"),
        ("enp129s0f1n", 101, "enp129s0f1n.101"),
        ("enp129s0f1np1", 1, "enp129s0f1np1.1"),
        ("enp129s0f1np1", 101, "enp19cb088.101"),  # cut as Neutron cuts it
    ],
)
def test_a_vlan_is_named_as_neutron_names_it(interface: str, vlan_id: int, name: str) -> None:
    assert vlan_device_name(interface, vlan_id) == name
    assert len(vlan_device_name(interface, 4094)) <= 15


@pytest.mark.parametrize(
    ("said", "peers"),
    [
        (None, None),
        ([], set()),
        (["192.0.2.2", "192.0.2.1", "2001:db8::2"], {"192.0.2.2"}),
    ],
)
def test_a_tunnel_reaches_the_other_hosts_of_its_ip_version(
    said: list[str] | None, peers: set[str] | None
) -> None:
    row = network(network_type="vxlan", segmentation_id=70, peers=said)
    found = place(msgspec.convert(row, FullNetwork), REACH)
    assert found.wire == Wire("vxlan-70", "vxlan", "", 70, "192.0.2.1", 4789, 1450)
    assert found.peers == peers
    ended = place(msgspec.convert(row, FullNetwork), Reach())
    assert ended.wire is None
    assert ended.fault.startswith("[agent] local_ip of this host is empty")

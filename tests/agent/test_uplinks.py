"""Which interfaces of a host could be the uplink of a network, and why others cannot."""

from ipam.agent.host.raw_netlink import Link
from ipam.agent.host.wires import OWN_GROUP
from ipam.agent.uplinks import MOST_TOLD, uplinks
from ipam.protocol.reports import UplinkFacts


def link(index: int, name: str, kind: str = "", master: int = 0, mtu: int = 1500) -> Link:
    return Link(index, name, mtu, True, master, "fa:16:3e:00:00:01", kind=kind)


def of(*links: Link, used: str = "") -> dict[str, UplinkFacts]:
    return uplinks(
        {link.name: link for link in links},
        uses_of=lambda name: ["the address 192.0.2.1/24"] if name == used else [],
        is_wireless=lambda name: name.startswith("wlan"),
    )


def test_hardware_and_what_is_made_of_it_may_be_one() -> None:
    found = of(link(2, "eth1", mtu=9000), link(3, "bond0", "bond"), link(4, "eth0.7", "vlan"))
    assert found == {
        "eth1": UplinkFacts(9000),
        "eth0.7": UplinkFacts(1500),
        "bond0": UplinkFacts(1500),
    }


def test_what_is_the_agents_or_a_guests_is_not_told_of() -> None:
    lan = link(5, "brq12345678-90", "bridge")
    docker = link(6, "docker0", "bridge")
    found = of(
        link(1, "lo"),
        lan,
        docker,
        link(7, "tap12345678-90", "tun"),
        link(8, "vnet0", "tun"),
        link(9, "vxlan-7", "vxlan"),
        link(10, "veth1", "veth", docker.index),
        Link(11, "tapabc", 1500, True, lan.index, "", kind="veth", group=OWN_GROUP),
    )
    assert found.keys() == {"docker0"}


def test_each_that_cannot_be_one_has_its_reason_and_the_remedy() -> None:
    bridge = link(5, "br0", "bridge")
    shared = [link(6, "eth2"), Link(7, "macvlan0", 1500, True, 0, "", kind="macvlan", parent=6)]
    links = [link(2, "eth0"), link(3, "eth1", master=5), bridge, link(4, "wlan0"), *shared]
    found = of(*links, used="eth0")
    assert found["eth0"].fault.startswith(
        "The host itself uses eth0: it has the address 192.0.2.1"
    )
    assert found["eth1"].fault.startswith("eth1 is on br0: map that bridge with [agent] bridge_")
    assert found["br0"].fault.startswith("br0 is a bridge: name it in [agent] bridge_mappings")
    assert "wireless" in found["wlan0"].fault
    assert found["eth2"].fault.startswith("macvlan0 shares eth2, which then can be on no bridge")


def test_the_uplink_of_a_network_is_free_of_faults() -> None:
    """The network that has it says so itself, to who wants a second one there."""
    for kind in ("", "veth"):
        found = of(link(2, "eth1", kind, master=5), link(5, "brq12345678-90", "bridge"))
        assert found == {"eth1": UplinkFacts(1500)}


def test_of_many_those_are_told_of_that_most_likely_lead_out() -> None:
    many = [link(number, f"cali{number:03}", "veth") for number in range(2, 500)]
    found = of(*many, link(900, "eth1"))
    assert len(found) == MOST_TOLD
    assert "eth1" in found

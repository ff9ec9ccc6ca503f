from typing import Any

import pytest

from ipam.rules.reach import tunnel_end, unreached

SAID: dict[str, Any] = {
    "interface_mappings": {"physnet1": "eth1"},
    "bridge_mappings": {"physnet2": "br-ex"},
    "tunnel_types": [],
}


@pytest.mark.parametrize(
    ("kind", "physical", "reason"),
    [
        (None, None, ""),
        ("local", None, ""),
        ("flat", "physnet1", ""),
        ("flat", "physnet2", ""),
        ("flat", "physnet3", "maps physical network physnet3 to no interface or bridge"),
        ("vlan", "physnet1", ""),
        ("vlan", "physnet2", "maps physical network physnet2 to no interface"),
        ("vxlan", None, "has no [agent] local_ip for vxlan networks"),
        ("gre", None, "carries no networks of type gre"),
    ],
)
def test_mappings_and_tunnels_say_what_a_host_reaches(
    kind: str | None, physical: str | None, reason: str
) -> None:
    assert unreached(kind, physical, SAID, "a") == reason
    assert unreached(kind, physical, None, "a") == "", "an older agent is trusted"
    assert unreached(kind, physical, {"vif_type": "tap"}, "a") == ""


@pytest.mark.parametrize("kind", ["flat", "vlan"])
@pytest.mark.parametrize("said", [SAID, None])
def test_an_interface_of_a_host_is_reached_from_there_alone(kind: str, said: Any) -> None:
    assert unreached(kind, "node-7:eth1", said, "node-7") == ""
    assert unreached(kind, "node-7:eth1", said, "node-8") == (
        "is not that of node-7, on whose eth1 the network is"
    )


def test_a_host_with_tunnels_reaches_vxlan_networks() -> None:
    assert unreached("vxlan", None, SAID | {"tunnel_types": ["vxlan"]}, "a") == ""


@pytest.mark.parametrize("nonsense", [None, 7, "eth1", [["physnet1"]]])
def test_nonsense_of_another_agent_maps_nothing(nonsense: Any) -> None:
    assert unreached("vlan", "physnet1", {"interface_mappings": nonsense}, "a") != ""


@pytest.mark.parametrize(
    ("said", "address"),
    [
        (None, None),
        ({"tunneling_ip": "192.0.2.1"}, None),
        ({"tunnel_types": ["vxlan"]}, None),
        ({"tunnel_types": ["vxlan"], "tunneling_ip": "192.0.2.1"}, "192.0.2.1"),
        ({"tunnel_types": ["gre"], "tunneling_ip": "192.0.2.1"}, None),
        ({"tunnel_types": ["vxlan"], "tunneling_ip": "2001:DB8::0:1"}, "2001:db8::1"),
        ({"tunnel_types": ["vxlan"], "tunneling_ip": "host"}, None),
        ({"tunnel_types": 7, "tunneling_ip": ["192.0.2.1"]}, None),
    ],
)
def test_the_end_of_tunnels_is_an_address_or_none(
    said: dict[str, Any] | None, address: str | None
) -> None:
    assert tunnel_end(said) == address

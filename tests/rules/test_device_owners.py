"""What a port's device_owner is taken for."""

import pytest

from ipam.rules.device_owners import is_guarded, is_networks, is_router_interface, is_servers


@pytest.mark.parametrize(
    "device_owner",
    [
        "network:dhcp",
        " network:dhcp",
        "network:dhcp ",
        "\tnetwork : dhcp",
        "Network:dhcp",
        "NETWORK:DHCP",
        "network\u200b:dhcp",
        "\ufeffnetwork:dhcp",
        "\u202enetwork:dhcp",
        "\uff4e\uff45\uff54\uff57\uff4f\uff52\uff4b\uff1adhcp",  # full width
        "n\u0435twork:dhcp",  # Cyrillic
        "network\ua789dhcp",  # a letter that looks like a colon
    ],
)
def test_what_reads_like_the_clouds_own_is_judged_so(device_owner: str) -> None:
    assert is_networks(device_owner)


@pytest.mark.parametrize(
    "device_owner",
    ["", "network", "networks:x", "compute:nova", "compute:Zürich", "Octavia", "x:network:dhcp"],
)
def test_other_owners_are_everybodys(device_owner: str) -> None:
    assert not is_networks(device_owner)


def test_servers_and_routers_are_known_in_any_writing() -> None:
    for text in ("compute:nova", " Compute:nova", "compute:", "compute:Zürich"):
        assert is_servers(text)
    assert not is_servers("compute")
    assert is_router_interface("Network:Router_Interface ")
    assert not is_router_interface("network:router_gateway")


def test_ports_with_security_are_guarded_unless_they_are_the_networks() -> None:
    assert is_guarded("compute:nova", port_security_enabled=True)
    assert is_guarded("", port_security_enabled=True)
    assert not is_guarded("compute:nova", port_security_enabled=False)
    assert not is_guarded("network:router_interface", port_security_enabled=True)

"""What an agent says of itself, in a table that a terminal has room for."""

from typing import Any

from ipam.cli.commands.agent_facts import by_lines
from ipam.cli.output import record_text

SAID: dict[str, Any] = {
    "dnsmasq_version": "2.90",
    "networks": 3,
    "troubles": {"11111111-1111-4111-8111-111111111111": "The uplink eth1 is not there."},
    "interface_mappings": {"physnet1": "eth1", "physnet2": "eth2"},
    "tunnel_types": ["vxlan"],
    "tunneling_ip": "192.0.2.11",
    "kernel_lacks": ["vlan: the module 8021q is missing (Operation not supported)"],
    "uplinks": {
        "eth1": {"mtu": 9000, "fault": ""},
        "eth0": {"mtu": 1500, "fault": "The host itself uses eth0."},
    },
    "guard": {
        "port_filter": True,
        "fault": "",
        "taps": 5,
        "spoofed": 7,
        "storms": 0,
        "fenced": 2,
    },
}


def test_each_thing_has_lines_of_its_own() -> None:
    shown = by_lines({"host": "node-7", "alive": True, "configurations": SAID})
    assert shown["interface_mappings"] == ["physnet1: eth1", "physnet2: eth2"]
    assert shown["guard"] == ["on, for 5 taps", "dropped frames: 7 spoofed, 0 storms, 2 fenced"]
    assert shown["uplinks"] == [
        "eth1: free (MTU 9000)",
        "eth0: The host itself uses eth0. (MTU 1500)",
    ]
    assert shown["kernel_lacks"] == SAID["kernel_lacks"]
    text = record_text(shown, (), "table", width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert "physnet1: eth1 " in text


def test_a_guard_that_is_off_says_why() -> None:
    guard = SAID["guard"] | {"port_filter": False, "fault": "nft is not installed"}
    shown = by_lines({"configurations": {"guard": guard}})
    assert shown["guard"][0] == "off: nft is not installed"


def test_what_another_version_says_is_shown_all_the_same() -> None:
    said = {"guard": {"on": True}, "uplinks": {"eth1": 7}, "host": "x", "troubles": {}}
    shown = by_lines({"host": "node-7", "configurations": said})
    assert shown == {
        "host": "node-7",
        "guard": ["on: True"],
        "uplinks": ["eth1: 7"],
        "configurations.host": "x",
        "troubles": [],
    }

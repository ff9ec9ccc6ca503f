from dataclasses import dataclass, field
from typing import Any

import pytest

from ipam.rules import bindings
from ipam.rules.bindings import NO_HOST, PortHost, port_host


@dataclass(frozen=True)
class Found:
    configurations: dict[str, Any] | None
    heartbeat_at: int | None = 100
    provider_network_type: str | None = "local"
    provider_physical_network: str | None = None
    port_filter: bool | None = None


def host(found: Found, vnic_type: str = "normal") -> PortHost:
    return port_host(
        "host-a", found, vnic_type=vnic_type, default_vif_type="tap", oldest_heartbeat=100
    )


@pytest.mark.parametrize("reported", [True, False, None])
def test_a_host_filters_if_its_agent_says_so(reported: bool | None) -> None:
    assert host(Found({}, port_filter=reported)).filters is bool(reported)


def test_a_port_on_no_host_is_unbound() -> None:
    assert (NO_HOST.name, NO_HOST.vif_type, NO_HOST.fault) == ("", "unbound", "")


def test_a_host_without_an_agent_has_the_default_and_a_fault() -> None:
    assert host(Found(None, None)) == PortHost("host-a", "tap", "was never heard of")


@pytest.mark.parametrize(
    ("configurations", "vif_type"),
    [
        ({"vif_type": "bridge"}, "bridge"),
        ({"vif_type": "tap"}, "tap"),
        ({"vif_type": "ovs"}, "tap"),
        ({"vif_type": None}, "tap"),
        ({}, "tap"),
        (None, "tap"),
    ],
)
def test_ports_are_plugged_as_the_agent_says_where_that_is_known(
    configurations: dict[str, Any] | None, vif_type: str
) -> None:
    assert host(Found(configurations)) == PortHost("host-a", vif_type)


@pytest.mark.parametrize("vnic_type", ["direct", "direct-physical", "macvtap", "virtio-forwarder"])
def test_no_agent_plugs_in_hardware(vnic_type: str) -> None:
    found = host(Found({}), vnic_type)
    assert found.vif_type == "binding_failed"
    assert found.unreached == f"plugs in no port with vnic_type {vnic_type}"


@pytest.mark.parametrize("vnic_type", ["normal", "baremetal", "smart-nic"])
def test_taps_and_machines_of_ironic_are_served(vnic_type: str) -> None:
    assert host(Found({}), vnic_type) == PortHost("host-a", "tap")


def test_an_agent_is_dead_once_its_heartbeat_is_too_old() -> None:
    assert host(Found(None, 100)).fault == ""
    assert host(Found(None, 99)).fault == "is dead (last heard of 1970-01-01T00:01:39Z)"


def test_a_host_that_does_not_reach_the_network_binds_no_port() -> None:
    said = {"interface_mappings": {}, "vif_type": "bridge"}
    reason = "maps physical network p to no interface"
    found = host(Found(said, 99, "vlan", "p"))
    assert (found.vif_type, found.unreached) == ("binding_failed", reason)
    assert found.fault.startswith("is dead")
    assert host(Found(said, None, "vlan", "p")).vif_type == "tap", "it may come later"


@dataclass(frozen=True)
class Binding:
    host: str = "host-b"
    vnic_type: str = "direct"
    profile: dict[str, Any] = field(default_factory=lambda: {"a": 1})
    vif_type: str = "bridge"


def test_an_activated_binding_is_all_of_the_ports_and_waits_for_its_agent() -> None:
    assert bindings.activated(Binding()) == {
        "binding_host_id": "host-b",
        "binding_vnic_type": "direct",
        "binding_profile": {"a": 1},
        "binding_vif_type": "bridge",
        "status": "DOWN",
    }


@pytest.mark.parametrize(
    ("active_host", "status", "served_on"),
    [("host-b", "DOWN", True), ("host-b", "ACTIVE", False), ("", "DOWN", False)],
)
def test_the_host_that_is_left_serves_on_until_the_other_is_ready(
    active_host: str, status: str, *, served_on: bool
) -> None:
    assert bindings.is_served_on(active_host, status) == served_on

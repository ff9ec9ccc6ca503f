"""The decisions of a renumbering."""

from typing import Any

import pytest

from ipam.api.http.attributes import wire_names
from ipam.api.subnets.wire import SubnetCreate
from ipam.cli import renumbering

OLD: dict[str, Any] = {
    "id": "old",
    "network_id": "net",
    "project_id": "p",
    "name": "v4",
    "description": "",
    "ip_version": 4,
    "ipv6_ra_mode": None,
    "ipv6_address_mode": None,
    "dns_publish_fixed_ip": False,
    "cidr": "10.0.0.0/24",
    "gateway_ip": "10.0.0.1",
    "enable_dhcp": True,
    "service_types": [],
    "address_selection": "lowest",
    "dns_nameservers": ["10.0.0.2", "9.9.9.9"],
    "host_routes": [{"destination": "10.9.0.0/16", "nexthop": "10.0.0.3"}],
    "client_classes": [],
    "dhcp_options": [{"opt_name": "ntp-server", "opt_value": "192.0.2.123"}],
    "dhcp_boot": None,
    "lease_time": 600,
    "dynamic_ranges": [],
    "static_ranges": [],
    "allocation_pools": [{"start": "10.0.0.2", "end": "10.0.0.254"}],
    "tags": ["mine"],
}
MAC = "fa:16:3e:00:00:01"
PORT: dict[str, Any] = {
    "mac_address": MAC,
    "allowed_address_pairs": [],
    "port_security_enabled": True,
}


@pytest.mark.parametrize(
    ("address", "after", "there"),
    [
        ("10.0.0.9", "10.8.0.0/24", "10.8.0.9"),
        ("10.0.0.9", "10.8.0.128/25", "10.8.0.137"),
        ("10.0.0.200", "10.8.0.0/25", None),
        ("10.0.0.127", "10.8.0.0/25", None),  # the broadcast address
        ("192.0.2.9", "10.8.0.0/24", None),
        ("2001:db8:1::9", "2001:db8:2::/64", "2001:db8:2::9"),
        ("2001:db8:1::ffff", "2001:db8:2::/112", "2001:db8:2::ffff"),  # IPv6 has no broadcast
        ("2001:db8:1::1:0", "2001:db8:2::/112", None),
    ],
)
def test_an_address_keeps_its_place(address: str, after: str, there: str | None) -> None:
    before = "2001:db8:1::/64" if ":" in address else OLD["cidr"]
    assert renumbering.mapped(address, before, after) == there


def test_what_lies_in_the_old_subnet_has_the_same_place_in_the_new() -> None:
    body = renumbering.new_subnet(OLD, "10.8.0.0/24", None)
    assert body["gateway_ip"] == "10.8.0.1"
    assert body["dns_nameservers"] == ["10.8.0.2", "9.9.9.9"]
    assert body["host_routes"] == [{"destination": "10.9.0.0/16", "nexthop": "10.8.0.3"}]
    assert body["tags"] == ["renumber-of:old"]
    assert (body["dhcp_options"], body["lease_time"]) == (OLD["dhcp_options"], 600)
    assert renumbering.new_subnet(OLD, "10.8.0.0/24", "10.8.0.254")["gateway_ip"] == "10.8.0.254"
    without = renumbering.new_subnet(OLD | {"gateway_ip": None}, "10.8.0.0/24", None)
    assert without["gateway_ip"] is None


def test_what_the_old_subnet_loses_is_remembered_in_tags() -> None:
    span = {"start": "10.0.0.100", "end": "10.0.0.199"}
    classes: list[dict[str, Any]] = [
        {"name": "phones", "mac_prefix": "52:54:00", **span},
        {"name": "all", "start": None},
    ]
    old = OLD | {"dynamic_ranges": [span], "client_classes": classes, "lease_time": 600}
    old["tags"] = renumbering.memory_tags(old)
    assert renumbering.remembered(old) == {}
    left = [{**classes[0], "start": None, "end": None}, classes[1]]
    emptied = {"allocation_pools": [], "dynamic_ranges": [], "client_classes": left}
    assert renumbering.remembered(old | emptied | {"lease_time": 0}) == {
        "allocation_pools": OLD["allocation_pools"],
        "dynamic_ranges": [span],
        "client_classes": classes,
        "lease_time": 600,
    }


def test_dynamic_ranges_and_their_classes_have_the_same_place() -> None:
    span = {"start": "10.0.0.100", "end": "10.0.0.199"}
    old = OLD | {"dynamic_ranges": [span], "client_classes": [{"name": "phones", **span}]}
    body = renumbering.new_subnet(old, "10.8.0.0/24", None)
    there = {"start": "10.8.0.100", "end": "10.8.0.199"}
    assert body["dynamic_ranges"] == [there]
    assert body["client_classes"] == [{"name": "phones", **there}]


def test_static_ranges_have_the_same_place_with_label_and_owner() -> None:
    said = {"label": "printers", "owner": "ops"}
    old = OLD | {"static_ranges": [{"start": "10.0.0.10", "end": "10.0.0.29", **said}]}
    body = renumbering.new_subnet(old, "10.8.0.0/24", None)
    assert body["static_ranges"] == [{"start": "10.8.0.10", "end": "10.8.0.29", **said}]


def test_the_new_subnet_has_every_attribute_that_can_be_set() -> None:
    of_its_own = {"allocation_pools", "tenant_id", "segment_id"}
    of_a_pool = {"subnetpool_id", "use_default_subnetpool", "prefixlen"}
    body = renumbering.new_subnet(OLD, "10.8.0.0/24", None)
    assert set(wire_names(SubnetCreate)) - of_its_own - of_a_pool == body.keys()


@pytest.mark.parametrize(
    ("changes", "cidr", "why"),
    [
        ({}, "10.0.0.0/23", "overlaps"),
        ({}, "2001:db8::/64", "IP version"),
        ({}, "lots", "'lots' is no prefix"),
        ({}, "10.8.0.0/33", "no prefix"),
        ({"tags": [f"{renumbering.OF}x"]}, "10.8.0.0/24", "another is being renumbered to it"),
        (
            {"dynamic_ranges": [{"start": "10.0.0.9", "end": "10.0.0.200"}]},
            "10.8.0.0/25",
            "range 10.0.0.9-10.0.0.200 has no place",
        ),
        (
            {"static_ranges": [{"start": "10.0.0.127", "end": "10.0.0.127"}]},
            "10.8.0.0/25",
            "static range 10.0.0.127-10.0.0.127 has no place",
        ),
    ],
)
def test_what_cannot_be_renumbered_is_told(changes: dict[str, Any], cidr: str, why: str) -> None:
    (fault,) = renumbering.faults(OLD | changes, cidr)
    assert why in fault


def test_a_port_that_may_send_from_any_address_needs_no_pair() -> None:
    port = PORT | {"port_security_enabled": False}
    assert renumbering.pairs_with(port, "10.0.0.9") == []
    with_pair = renumbering.pairs_with(PORT, "10.0.0.9")
    assert with_pair == [{"ip_address": "10.0.0.9"}]
    with_pair = [{**one, "mac_address": MAC} for one in with_pair]  # as the API fills it in
    assert renumbering.pairs_with(PORT | {"allowed_address_pairs": with_pair}, "10.0.0.9") == (
        with_pair
    )


def test_a_pair_of_another_mac_address_is_neither_the_machines_nor_taken_away() -> None:
    theirs = {"ip_address": "10.0.0.9", "mac_address": "fa:16:3e:00:00:02"}
    port = PORT | {"allowed_address_pairs": [theirs]}
    assert renumbering.pairs_with(port, "10.0.0.9") == [theirs, {"ip_address": "10.0.0.9"}]
    mine = {"ip_address": "10.0.0.9", "mac_address": MAC}
    port = PORT | {"allowed_address_pairs": [theirs, mine]}
    assert renumbering.pairs_without(port, "10.0.0.9") == [theirs]

"""The decisions of a renumbering."""

from typing import Any

import pytest

from ipam.cli import renumbering

OLD: dict[str, Any] = {
    "id": "old",
    "network_id": "net",
    "project_id": "p",
    "name": "v4",
    "description": "",
    "ip_version": 4,
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
    ],
)
def test_an_address_keeps_its_place(address: str, after: str, there: str | None) -> None:
    assert renumbering.mapped(address, OLD["cidr"], after) == there


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


def test_the_pools_are_remembered_in_tags() -> None:
    tags = renumbering.pool_tags(OLD)
    assert renumbering.remembered_pools(OLD | {"tags": tags}) == OLD["allocation_pools"]


@pytest.mark.parametrize(
    ("changes", "cidr", "why"),
    [
        ({}, "10.0.0.0/23", "overlaps"),
        ({}, "2001:db8::/64", "IPv4"),
        ({}, "lots", "'lots' is no prefix"),
        ({}, "10.8.0.0/33", "no prefix"),
        ({"dynamic_ranges": [{"start": "10.0.0.9", "end": "10.0.0.9"}]}, "10.8.0.0/24", "ranges"),
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

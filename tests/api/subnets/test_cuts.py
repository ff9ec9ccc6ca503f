"""A subnet is split, and subnets become one, around the addresses that ports have."""

from typing import Any

import pytest

from ipam.store import subnet_counters
from ipam.store.engine.database import Database
from tests.api.caller import Api

Json = dict[str, Any]


@pytest.fixture
def lan(api_on_each: Api) -> tuple[Api, Json]:
    return api_on_each, api_on_each.create("network", name="lan")


def made(api: Api, network: Json, **values: Any) -> Json:
    return api.create("subnet", **{"network_id": network["id"], "ip_version": 4, **values})


def port_at(api: Api, network: Json, address: str, **values: Any) -> Json:
    fixed = [{"ip_address": address}]
    return api.create("port", network_id=network["id"], fixed_ips=fixed, **values)


def split(api: Api, subnet: Json, *parts: Any) -> list[Json]:
    body = {"subnets": [one if isinstance(one, dict) else {"cidr": one} for one in parts]}
    result = api.call("PUT", f"/subnets/{subnet['id']}/split", body)
    assert result.status_code == 200, result.text
    found: list[Json] = result.json["subnets"]
    return found


def merge(api: Api, subnet: Json, *others: Json, **more: Any) -> Json:
    body = {"subnet": {"subnet_ids": [one["id"] for one in others], **more}}
    result = api.call("PUT", f"/subnets/{subnet['id']}/merge", body)
    assert result.status_code == 200, result.text
    found: Json = result.json["subnet"]
    return found


def pool(subnet: Json) -> list[tuple[str, str]]:
    return [(one["start"], one["end"]) for one in subnet["allocation_pools"]]


def homes(api: Api, port: Json) -> list[tuple[str, str]]:
    """The addresses of the port with the ids of their subnets."""
    fixed = api.show("port", port["id"])["fixed_ips"]
    return [(one["ip_address"], one["subnet_id"]) for one in fixed]


def counters_are_true(database: Database) -> bool:
    return not database.read(subnet_counters.wrong)


def test_ports_keep_their_addresses_when_a_subnet_is_split_and_merged_again(
    lan: tuple[Api, Json], database: Database
) -> None:
    api, network = lan
    told = {"dns_nameservers": ["10.0.0.53"], "tags": ["prod"], "name": "v4", "lease_time": 600}
    route = {"destination": "192.0.2.0/24", "nexthop": "10.0.0.200"}
    everywhere = {"destination": "198.51.100.0/24", "nexthop": "172.16.0.1"}
    whole = made(api, network, cidr="10.0.0.0/24", host_routes=[route, everywhere], **told)
    low, high = (port_at(api, network, f"10.0.0.{last}") for last in (9, 209))
    gone = port_at(api, network, "10.0.0.210")
    api.delete("port", gone["id"])
    revision = api.show("port", high["id"])["revision_number"]
    first, second = split(api, whole, "10.0.0.0/25", "10.0.0.128/25")
    assert (first["id"], first["name"], second["name"]) == (whole["id"], "v4", "v4-2")
    assert [one["gateway_ip"] for one in (first, second)] == ["10.0.0.1", "10.0.0.129"]
    assert [pool(one) for one in (first, second)] == [
        [("10.0.0.2", "10.0.0.126")],
        [("10.0.0.130", "10.0.0.254")],
    ]
    assert first["host_routes"] == [everywhere]
    assert second["host_routes"] == [route, everywhere]
    assert {name: second[name] for name in told} == {**told, "name": "v4-2"}
    assert homes(api, low) == [("10.0.0.9", first["id"])]
    assert homes(api, high) == [("10.0.0.209", second["id"])]
    assert api.show("port", high["id"])["revision_number"] > revision
    (server,) = api.list("port", device_owner="network:dhcp")
    assert [ip for ip, _ in homes(api, server)] == ["10.0.0.2", "10.0.0.130"]
    rows = api.call("GET", f"/subnets/{second['id']}/addresses").json["addresses"]
    assert {one["ip_address"] for one in rows} >= {"10.0.0.209", "10.0.0.210"}
    assert counters_are_true(database)
    query = {"ip_address": "10.0.0.209", "fields": ["action", "subnet_id"]}
    told = api.call("GET", "/allocation-events", params=query).json["allocation_events"]
    assert told == [{"action": "allocated", "subnet_id": second["id"]}]
    again = merge(api, first, second)
    assert (again["id"], again["cidr"], again["gateway_ip"]) == (
        whole["id"],
        "10.0.0.0/24",
        "10.0.0.1",
    )
    assert pool(again) == [("10.0.0.2", "10.0.0.128"), ("10.0.0.130", "10.0.0.254")]
    assert again["host_routes"] == [everywhere, route]
    assert [one["id"] for one in api.list("subnet")] == [whole["id"]]
    assert homes(api, high) == [("10.0.0.209", whole["id"])]
    assert [ip for ip, _ in homes(api, server)] == ["10.0.0.2", "10.0.0.130"]
    assert counters_are_true(database)
    # What was given stays given, and the rest is given to others.
    api.refused(
        *(409, "IpAddressAlreadyAllocated", "POST", "/ports"),
        {"port": {"network_id": network["id"], "fixed_ips": [{"ip_address": "10.0.0.209"}]}},
    )
    api.delete("port", high["id"])
    api.delete("port", low["id"])
    api.delete("subnet", whole["id"])
    assert counters_are_true(database)


def test_every_reason_against_a_split_is_told_at_once(lan: tuple[Api, Json]) -> None:
    api, network = lan
    ranges = [{"start": "10.0.0.120", "end": "10.0.0.140"}]
    whole = made(api, network, cidr="10.0.0.0/24", dynamic_ranges=ranges)
    broadcast, router = (port_at(api, network, f"10.0.0.{last}") for last in (191, 193))
    body = {
        "subnets": [
            {"cidr": f"10.0.0.{low}/{size}"} for low, size in ((0, 25), (128, 26), (192, 26))
        ]
    }
    path = f"/subnets/{whole['id']}/split"
    message = api.refused(400, "InvalidInput", "PUT", path, body)
    assert "the dynamic range 10.0.0.120-10.0.0.140 is in no part as a whole" in message
    assert f"10.0.0.191 of port {broadcast['id']}" in message
    assert f"10.0.0.193 already allocated, to port {router['id']}" in message
    strange = {"subnets": [{"cidr": "10.0.0.0/25"}, {"cidr": "10.0.1.0/25"}]}
    message = api.refused(400, "InvalidInput", "PUT", path, strange)
    assert "10.0.1.0/25 is no part of 10.0.0.0/24" in message
    assert "no part has 10.0.0.128/25" in message
    assert api.show("subnet", whole["id"])["cidr"] == "10.0.0.0/24"


def test_an_ipv6_subnet_whose_machines_make_their_addresses_is_not_split(
    lan: tuple[Api, Json],
) -> None:
    api, network = lan
    modes = {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
    whole = made(api, network, cidr="2001:db8::/64", ip_version=6, **modes)
    body = {"subnets": [{"cidr": "2001:db8::/65"}, {"cidr": "2001:db8:0:0:8000::/65"}]}
    message = api.refused(400, "InvalidInput", "PUT", f"/subnets/{whole['id']}/split", body)
    assert "SLAAC and DHCPv6 stateless need a prefix of 64 bits" in message


def test_stateful_ipv6_is_split_and_merged(lan: tuple[Api, Json], database: Database) -> None:
    api, network = lan
    modes = {"ipv6_ra_mode": "dhcpv6-stateful", "ipv6_address_mode": "dhcpv6-stateful"}
    whole = made(api, network, cidr="2001:db8::/64", ip_version=6, **modes)
    port = port_at(api, network, "2001:db8::8000:0:0:9")
    first, second = split(api, whole, "2001:db8::/65", "2001:db8:0:0:8000::/65")
    assert homes(api, port) == [("2001:db8::8000:0:0:9", second["id"])]
    assert second["gateway_ip"] == "2001:db8::8000:0:0:1"
    assert merge(api, second, first, gateway_ip="2001:db8::1")["cidr"] == "2001:db8::/64"
    assert homes(api, port) == [("2001:db8::8000:0:0:9", second["id"])]
    assert counters_are_true(database)


def test_parts_are_of_lengths_that_the_subnet_pool_gives(lan: tuple[Api, Json]) -> None:
    api, network = lan
    made_pool = api.create(
        "subnetpool", name="p", prefixes=["10.8.0.0/16"], min_prefixlen="20", max_prefixlen="25"
    )
    taken = {"network_id": network["id"], "ip_version": 4, "subnetpool_id": made_pool["id"]}
    whole = api.create("subnet", cidr="10.8.0.0/24", **taken)
    path = f"/subnets/{whole['id']}/split"
    short = {
        "subnets": [
            {"cidr": f"10.8.0.{low}/{size}"} for low, size in ((0, 25), (128, 26), (192, 26))
        ]
    }
    message = api.refused(400, "MaxPrefixSubnetAllocationError", "PUT", path, short)
    assert "prefix length 26, maximum allowed prefix is 25" in message
    first, second = split(api, whole, "10.8.0.0/25", "10.8.0.128/25")
    assert second["subnetpool_id"] == made_pool["id"]
    assert merge(api, first, second)["subnetpool_id"] == made_pool["id"]


def test_every_reason_against_a_merge_is_told_at_once(lan: tuple[Api, Json]) -> None:
    api, network = lan
    routes = [[{"destination": "192.0.2.0/24", "nexthop": f"10.0.{n}.9"}] for n in (0, 1)]
    first = made(api, network, cidr="10.0.0.0/24", host_routes=routes[0])
    second = made(api, network, cidr="10.0.1.0/24", host_routes=routes[1], lease_time=600)
    third = made(api, network, cidr="10.0.2.0/24")
    path = f"/subnets/{first['id']}/merge"
    one = {"subnet": {"subnet_ids": [second["id"]], "cidr": "10.0.0.0/22"}}
    message = api.refused(400, "InvalidInput", "PUT", path, one)
    assert "lease_time is not set in one and 600 in the other" in message
    assert "192.0.2.0/24 is reached by 10.0.0.9 and 10.0.1.9" in message
    assert f"overlaps with another subnet: 10.0.2.0/24 of subnet {third['id']}" in message
    elsewhere = made(api, api.create("network", name="other"), cidr="10.0.3.0/24")
    strange = {"subnet": {"subnet_ids": [first["id"], elsewhere["id"]]}}
    message = api.refused(400, "InvalidInput", "PUT", path, strange)
    assert "cannot be merged with itself" in message
    assert "is not on the network" in message
    assert len(api.list("subnet")) == 4


def test_dynamic_ranges_and_classes_go_to_their_part(lan: tuple[Api, Json]) -> None:
    api, network = lan
    ranges = [{"start": f"10.0.0.{low}", "end": f"10.0.0.{low + 9}"} for low in (50, 150)]
    classes = [
        {"name": "phones", "mac_prefix": "52:54:00", "start": "10.0.0.150", "end": "10.0.0.154"},
        {"name": "all", "mac_prefix": "52:54:01"},
    ]
    whole = made(api, network, cidr="10.0.0.0/24", dynamic_ranges=ranges, client_classes=classes)
    first, second = split(api, whole, "10.0.0.0/25", "10.0.0.128/25")
    assert [one["dynamic_ranges"] for one in (first, second)] == [ranges[:1], ranges[1:]]
    assert [one["name"] for one in first["client_classes"]] == ["all"]
    assert [one["name"] for one in second["client_classes"]] == ["phones", "all"]
    again = merge(api, first, second)
    assert again["dynamic_ranges"] == ranges
    assert sorted(one["name"] for one in again["client_classes"]) == ["all", "phones"]

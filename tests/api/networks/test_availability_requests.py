"""How full networks are, and the states of a subnet's addresses, on each database."""

import time
from typing import Any

import pytest

from ipam import clock, model
from ipam.store.engine.database import Database
from tests.api.caller import Api


def availabilities(api: Api, **params: Any) -> list[dict[str, Any]]:
    result = api.call("GET", "/network-ip-availabilities", params=params)
    assert result.status_code == 200, result.text
    found: list[dict[str, Any]] = result.json["network_ip_availabilities"]
    return found


def addresses(api: Api, subnet: dict[str, Any], **params: Any) -> list[dict[str, Any]]:
    result = api.call("GET", f"/subnets/{subnet['id']}/addresses", params=params)
    assert result.status_code == 200, result.text
    found: list[dict[str, Any]] = result.json["addresses"]
    return found


@pytest.fixture
def network(api_on_each: Api) -> dict[str, Any]:
    return api_on_each.create("network", name="lan")


@pytest.fixture
def four(api_on_each: Api, network: dict[str, Any]) -> dict[str, Any]:
    return api_on_each.create(
        "subnet", network_id=network["id"], name="v4", cidr="10.0.0.0/24", ip_version=4
    )


def test_a_network_counts_its_pools_and_what_ports_have(
    api_on_each: Api, network: dict[str, Any], four: dict[str, Any]
) -> None:
    api = api_on_each
    six = api.create(
        "subnet",
        network_id=network["id"],
        cidr="2001:db8::/64",
        ip_version=6,
        enable_dhcp=False,
    )
    port = api.create("port", network_id=network["id"])
    freed = api.create("port", network_id=network["id"])
    api.delete("port", freed["id"])
    empty = api.create("network", name="empty")
    shown = api.call("GET", f"/network-ip-availabilities/{network['id']}").json
    total_six = 2**64 - 2
    assert shown["network_ip_availability"] == {
        "network_id": network["id"],
        "network_name": "lan",
        "tenant_id": "project-a",
        "project_id": "project-a",
        "total_ips": 253 + total_six,
        "used_ips": 3,
        "subnet_ip_availability": [
            {
                "subnet_id": four["id"],
                "subnet_name": "v4",
                "cidr": "10.0.0.0/24",
                "ip_version": 4,
                "total_ips": 253,
                "used_ips": 2,
            },
            {
                "subnet_id": six["id"],
                "subnet_name": "",
                "cidr": "2001:db8::/64",
                "ip_version": 6,
                "total_ips": total_six,
                "used_ips": 1,
            },
        ],
    }
    assert len(port["fixed_ips"]) == 2
    both = availabilities(api)
    assert [one["network_id"] for one in both] == [network["id"], empty["id"]]
    assert (both[1]["total_ips"], both[1]["subnet_ip_availability"]) == (0, [])


def test_availabilities_are_filtered_and_paged(
    api_on_each: Api, network: dict[str, Any], four: dict[str, Any]
) -> None:
    api = api_on_each
    other = api.create("network", name="other")
    api.create("subnet", network_id=other["id"], cidr="2001:db8::/64", ip_version=6)
    api.create("subnet", network_id=network["id"], cidr="2001:db8::/64", ip_version=6)
    assert [one["network_name"] for one in availabilities(api, network_name="lan")] == ["lan"]
    assert len(availabilities(api, network_id=network["id"])) == 1
    assert availabilities(api, tenant_id="nobody") == []
    (only,) = availabilities(api, ip_version=4)
    assert only["network_id"] == network["id"]
    assert [part["ip_version"] for part in only["subnet_ip_availability"]] == [4]
    assert only["total_ips"] == 253
    assert len(availabilities(api, ip_version=6)) == 2
    path = "/network-ip-availabilities"
    assert api.call("GET", path, params={"ip_version": "5"}).status_code == 400
    first = api.call("GET", path, params={"limit": "1", "sort_key": "network_name"}).json
    assert [one["network_name"] for one in first["network_ip_availabilities"]] == ["lan"]
    assert f"marker={network['id']}" in first["network_ip_availabilities_links"][0]["href"]
    rest = availabilities(api, marker=network["id"], sort_key="network_name")
    assert [one["network_id"] for one in rest] == [other["id"]]
    api.refused(404, "NetworkNotFound", "GET", f"{path}/{four['id']}")


def test_a_subnet_without_pools_counts_whole(api_on_each: Api, network: dict[str, Any]) -> None:
    api_on_each.create(
        "subnet",
        network_id=network["id"],
        cidr="10.0.0.0/24",
        ip_version=4,
        allocation_pools=[],
        enable_dhcp=False,
    )
    (found,) = availabilities(api_on_each)
    assert found["total_ips"] == 256


def test_the_addresses_of_a_subnet_say_who_has_each(
    api_on_each: Api, network: dict[str, Any], four: dict[str, Any]
) -> None:
    api = api_on_each
    kept = api.create(
        "port",
        network_id=network["id"],
        fixed_ips=[{"ip_address": "10.0.0.9"}],
        device_id="vm",
        device_owner="compute:nova",
        dns_name="web",
    )
    gone = api.create("port", network_id=network["id"], fixed_ips=[{"ip_address": "10.0.0.10"}])
    api.delete("port", gone["id"])
    lease = {
        "id": "0" * 31 + "1",
        "network_id": network["id"],
        "host": "h",
        "action": "add",
        "ip_address": "10.0.0.77",
        "mac_address": "52:54:00:00:00:01",
        "hostname": "stranger",
        "expires_at": int(time.time()) + 600,
        "occurred_at_us": clock.now_microseconds(),
    }
    own = lease | {
        "id": "0" * 31 + "2",
        "ip_address": "10.0.0.9",
        "mac_address": kept["mac_address"],
        "hostname": "web-1",
    }
    events = {"lease_events": [lease, own]}
    assert api.call("POST", "/lease-events", events).status_code == 200
    found = addresses(api, four)
    assert [(one["ip_address"], one["state"]) for one in found] == [
        ("10.0.0.2", "allocated"),
        ("10.0.0.9", "allocated"),
        ("10.0.0.10", "cooling"),
        ("10.0.0.77", "leased"),
    ]
    dhcp, mine, cooling, stranger = found
    assert dhcp["device_owner"] == "network:dhcp"
    assert mine | {"lease_id": "", "lease_expires_at": ""} == {
        "ip_address": "10.0.0.9",
        "state": "allocated",
        "port_id": kept["id"],
        "project_id": "project-a",
        "tenant_id": "project-a",
        "device_id": "vm",
        "device_owner": "compute:nova",
        "mac_address": kept["mac_address"],
        "hostname": "web-1",
        "lease_id": "",
        "lease_expires_at": "",
        "free_at": None,
    }
    assert mine["lease_id"]
    assert mine["lease_expires_at"] == model.iso_time(int(own["expires_at"]))
    assert cooling["port_id"] is None
    assert cooling["free_at"] > model.iso_time(clock.now_seconds())
    assert (stranger["hostname"], stranger["port_id"]) == ("stranger", None)
    assert stranger["mac_address"] == "52:54:00:00:00:01"
    assert [one["ip_address"] for one in addresses(api, four, state="cooling")] == ["10.0.0.10"]
    assert addresses(api, four, port_id=kept["id"], fields="ip_address") == [
        {"ip_address": "10.0.0.9"}
    ]
    assert addresses(api, four, ip_address="10.0.0.9") == [mine]


def test_addresses_are_paged_in_their_order_both_ways(
    api_on_each: Api, network: dict[str, Any], four: dict[str, Any]
) -> None:
    api = api_on_each
    body = {"ports": [{"network_id": network["id"]}] * 20}
    assert api.call("POST", "/ports", body).status_code == 201
    everything = [one["ip_address"] for one in addresses(api, four)]
    assert everything == sorted(everything, key=model.pack)
    assert len(everything) == 21
    path, paged = f"/subnets/{four['id']}/addresses", []
    params = {"limit": "6"}
    while True:
        answer = api.call("GET", path, params=params).json
        paged += [one["ip_address"] for one in answer["addresses"]]
        rels = {link["rel"]: link["href"] for link in answer.get("addresses_links", [])}
        if "next" not in rels:
            break
        assert f"marker={paged[-1]}" in rels["next"]
        params["marker"] = paged[-1]
    assert paged == everything
    before = addresses(api, four, limit="3", marker=everything[10], page_reverse="True")
    assert [one["ip_address"] for one in before] == everything[7:10]
    assert addresses(api, four, marker="10.0.0.255") == []
    assert len(addresses(api, four, marker="10.0.0.0")) == 21
    for params in ({"marker": "nonsense"}, {"sort_key": "state"}):
        assert api.call("GET", path, params=params).status_code == 400


def test_addresses_of_a_missing_subnet_are_not_found(
    api_on_each: Api, network: dict[str, Any], database: Database
) -> None:
    for name in (network["id"], "nonsense"):
        api_on_each.refused(404, "SubnetNotFound", "GET", f"/subnets/{name}/addresses")


def test_an_ipv6_subnet_lists_its_own_addresses_alone(
    api_on_each: Api, network: dict[str, Any], four: dict[str, Any]
) -> None:
    six = api_on_each.create(
        "subnet", network_id=network["id"], cidr="a00::/64", ip_version=6, enable_dhcp=False
    )
    port = api_on_each.create("port", network_id=network["id"])
    by_subnet = {ip["subnet_id"]: ip["ip_address"] for ip in port["fixed_ips"]}
    (found,) = addresses(api_on_each, six)
    assert found["ip_address"] == by_subnet[six["id"]]
    assert all("." in one["ip_address"] for one in addresses(api_on_each, four))

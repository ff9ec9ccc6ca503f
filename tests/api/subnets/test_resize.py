"""PUT of cidr: a subnet grows and shrinks around the addresses that ports have."""

from typing import Any

import pytest

from tests.api.caller import Api

Json = dict[str, Any]


@pytest.fixture
def lan(api_on_each: Api) -> tuple[Api, Json]:
    return api_on_each, api_on_each.create("network", name="lan")


def pool(subnet: Json) -> list[tuple[str, str]]:
    return [(one["start"], one["end"]) for one in subnet["allocation_pools"]]


def test_it_grows_and_gives_the_new_addresses_and_shrinks_again(lan: tuple[Api, Json]) -> None:
    api, network = lan
    subnet = api.create("subnet", network_id=network["id"], cidr="10.0.0.0/29", ip_version=4)
    ports = [api.create("port", network_id=network["id"]) for _ in range(4)]  # and the server's
    api.refused(
        *(409, "IpAddressGenerationFailure", "POST", "/ports"),
        {"port": {"network_id": network["id"]}},
    )
    grown = api.update("subnet", subnet["id"], cidr="10.0.0.0/28")
    assert grown["cidr"] == "10.0.0.0/28"
    assert pool(grown) == [("10.0.0.2", "10.0.0.14")]
    more = api.create("port", network_id=network["id"])
    named = api.create("port", network_id=network["id"], fixed_ips=[{"ip_address": "10.0.0.14"}])
    message = api.refused(
        *(409, "SubnetInUse", "PUT", f"/subnets/{subnet['id']}"),
        {"subnet": {"cidr": "10.0.0.0/29"}},
    )
    assert f"10.0.0.14 of port {named['id']}" in message
    assert api.show("subnet", subnet["id"])["cidr"] == "10.0.0.0/28"
    for one in (more, named, ports.pop()):
        api.delete("port", one["id"])
    shrunk = api.update("subnet", subnet["id"], cidr="10.0.0.0/29")
    assert pool(shrunk) == [("10.0.0.2", "10.0.0.6")]
    rows = api.call("GET", f"/subnets/{subnet['id']}/addresses").json["addresses"]
    assert {one["ip_address"] for one in rows} <= {f"10.0.0.{n}" for n in range(2, 7)}
    outside = {"network_id": network["id"], "fixed_ips": [{"ip_address": "10.0.0.9"}]}
    api.refused(400, "InvalidIpForNetwork", "POST", "/ports", {"port": outside})


def test_the_server_goes_with_a_prefix_that_leaves_its_address(lan: tuple[Api, Json]) -> None:
    api, network = lan
    subnet = api.create("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
    api.update("subnet", subnet["id"], cidr="10.0.0.128/25", gateway_ip="10.0.0.129")
    (server,) = api.list("port", device_owner="network:dhcp")
    assert [one["ip_address"] for one in server["fixed_ips"]] == ["10.0.0.130"]


def test_it_does_not_grow_into_another_subnet_nor_out_of_its_pool(lan: tuple[Api, Json]) -> None:
    api, network = lan
    on = {"network_id": network["id"], "ip_version": 4}
    subnet = api.create("subnet", cidr="10.0.0.0/24", **on)
    api.create("subnet", cidr="10.0.1.0/24", **on)
    path = f"/subnets/{subnet['id']}"
    message = api.refused(400, "InvalidInput", "PUT", path, {"subnet": {"cidr": "10.0.0.0/23"}})
    assert "overlaps with another subnet" in message
    made = api.create("subnetpool", name="p", prefixes=["10.8.0.0/22"], min_prefixlen="20")
    taken = {"ip_version": 4, "subnetpool_id": made["id"], "prefixlen": 24}
    first, second = (
        api.create("subnet", network_id=api.create("network", name=name)["id"], **taken)
        for name in ("one", "two")
    )
    grown = {"subnet": {"cidr": "10.8.0.0/23"}}
    api.refused(409, "SubnetAllocationError", "PUT", f"/subnets/{first['id']}", grown)
    api.delete("subnet", second["id"])
    assert api.update("subnet", first["id"], cidr="10.8.0.0/23")["cidr"] == "10.8.0.0/23"
    large = {"subnet": {"cidr": "10.8.0.0/21"}}
    api.refused(409, "SubnetAllocationError", "PUT", f"/subnets/{first['id']}", large)

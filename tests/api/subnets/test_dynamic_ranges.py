from typing import Any

import pytest

from tests.api.caller import Api

RANGE = {"start": "10.0.0.100", "end": "10.0.0.199"}
LOWER = {"start": "10.0.0.2", "end": "10.0.0.99"}
UPPER = {"start": "10.0.0.200", "end": "10.0.0.254"}


def make(api: Api, **attributes: Any) -> Any:
    network = api.create("network")
    body = {"network_id": network["id"], "cidr": "10.0.0.0/24", "ip_version": 4} | attributes
    return api.create("subnet", **body)


def test_a_range_is_taken_from_the_pools(api_on_each: Api) -> None:
    made = make(api_on_each, dynamic_ranges=[RANGE])
    assert made["dynamic_ranges"] == [RANGE]
    assert made["allocation_pools"] == [LOWER, UPPER]
    later = make(api_on_each)
    changed = api_on_each.update("subnet", later["id"], dynamic_ranges=[RANGE])
    assert changed["dynamic_ranges"] == [RANGE]
    assert changed["allocation_pools"] == [LOWER, UPPER]
    assert changed["revision_number"] > later["revision_number"]
    emptied = api_on_each.update("subnet", later["id"], dynamic_ranges=[])
    assert emptied["dynamic_ranges"] == []
    assert emptied["allocation_pools"] == [LOWER, UPPER]


def test_no_port_gets_an_address_of_a_range(api_on_each: Api) -> None:
    api = api_on_each
    tight = {"start": "10.0.0.10", "end": "10.0.0.19"}
    made = make(
        api, allocation_pools=[{"start": "10.0.0.8", "end": "10.0.0.12"}], dynamic_ranges=[]
    )
    before = api.create("port", network_id=made["network_id"])  # candidates are in memory now
    assert [ip["ip_address"] for ip in before["fixed_ips"]] == ["10.0.0.9"]
    api.update("subnet", made["id"], dynamic_ranges=[tight])
    asked = {"network_id": made["network_id"]}
    api.refused(409, "IpAddressGenerationFailure", "POST", "/ports", {"port": asked})
    for given in (
        {"ip_address": "10.0.0.15"},
        {"subnet_id": made["id"], "ip_address": "10.0.0.11"},
    ):
        fault = api.refused(
            409,
            "IpAddressAlreadyAllocated",
            "POST",
            "/ports",
            {"port": asked | {"fixed_ips": [given]}},
        )
        assert "is in a dynamic range" in fault
        api.refused(
            409,
            "IpAddressAlreadyAllocated",
            "PUT",
            f"/ports/{before['id']}",
            {"port": {"fixed_ips": [given]}},
        )


def test_an_address_that_cools_down_in_a_range_is_given_to_nobody(api_on_each: Api) -> None:
    api = api_on_each
    made = make(api)
    port = api.create("port", network_id=made["network_id"])
    address = port["fixed_ips"][0]["ip_address"]
    api.delete("port", port["id"])
    api.update("subnet", made["id"], dynamic_ranges=[{"start": address, "end": address}])
    asked = {"network_id": made["network_id"], "fixed_ips": [{"ip_address": address}]}
    api.refused(409, "IpAddressAlreadyAllocated", "POST", "/ports", {"port": asked})


def test_a_range_around_an_address_of_a_port_is_refused(api: Api) -> None:
    made = make(api)
    port = api.create("port", network_id=made["network_id"])
    fault = api.refused(
        409,
        "IpAddressAlreadyAllocated",
        "PUT",
        f"/subnets/{made['id']}",
        {"subnet": {"dynamic_ranges": [LOWER]}},
    )
    assert port["id"] in fault
    assert api.show("subnet", made["id"])["allocation_pools"] == made["allocation_pools"]


@pytest.mark.parametrize(
    "given",
    [
        {"dynamic_ranges": [RANGE], "allocation_pools": [RANGE]},
        {"dynamic_ranges": [{"start": "10.0.0.1", "end": "10.0.0.9"}]},
        {"dynamic_ranges": [{"start": "10.0.1.1", "end": "10.0.1.9"}]},
        {"dynamic_ranges": [RANGE, {"start": "10.0.0.150", "end": "10.0.0.150"}]},
    ],
)
def test_a_range_that_cannot_be_is_refused(api: Api, given: dict[str, Any]) -> None:
    made = make(api)
    path = f"/subnets/{made['id']}"
    fault = api.refused(400, "InvalidInput", "PUT", path, {"subnet": given})
    assert "dynamic_ranges" in fault
    assert api.show("subnet", made["id"]) == made


def test_pools_do_not_take_a_range_back(api: Api) -> None:
    made = make(api, dynamic_ranges=[RANGE])
    path = f"/subnets/{made['id']}"
    api.refused(400, "InvalidInput", "PUT", path, {"subnet": {"allocation_pools": [RANGE]}})
    api.refused(400, "InvalidInput", "PUT", path, {"subnet": {"gateway_ip": "10.0.0.150"}})


def test_nobody_makes_the_port_of_a_lease(api: Api) -> None:
    made = make(api)
    body = {"network_id": made["network_id"], "device_owner": "dhcp:lease"}
    fault = api.refused(400, "InvalidInput", "POST", "/ports", {"port": body})
    assert "device_owner" in fault

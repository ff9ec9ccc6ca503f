"""The `address_selection` of a subnet, and which addresses its ports get."""

from typing import Any

from tests.api.caller import Api

POOL = [{"start": "10.0.0.10", "end": "10.0.0.200"}]
WEB = {"mac_address": "fa:16:3e:00:00:01", "dns_name": "web"}


def make(api: Api, **attributes: Any) -> Any:
    network = api.create("network")
    body = {"network_id": network["id"], "cidr": "10.0.0.0/24", "ip_version": 4}
    return api.create("subnet", **body, enable_dhcp=False, allocation_pools=POOL, **attributes)


def port(api: Api, subnet: Any, **attributes: Any) -> Any:
    return api.create("port", network_id=subnet["network_id"], **attributes)


def ports(api: Api, subnet: Any, count: int) -> list[str]:
    """The addresses of so many ports, made by one request."""
    body = {"ports": [{"network_id": subnet["network_id"]}] * count}
    return [address(one) for one in api.call("POST", "/ports", body).json["ports"]]


def address(made: Any) -> str:
    return str(made["fixed_ips"][0]["ip_address"])


def test_it_is_kept_changed_and_searched_for(api_on_each: Api) -> None:
    api = api_on_each
    made = make(api)
    assert made["address_selection"] == "least-recently-used"
    changed = api.update("subnet", made["id"], address_selection="lowest")
    assert changed["address_selection"] == "lowest"
    assert changed["revision_number"] > made["revision_number"]
    (found,) = api.list("subnet", address_selection="lowest")
    assert found["id"] == made["id"]
    wrong = {"subnet": {"address_selection": "first"}}
    api.refused(400, "HTTPBadRequest", "PUT", f"/subnets/{made['id']}", wrong)


def test_the_lowest_address_is_given_alone_and_in_bulk(api_on_each: Api) -> None:
    api = api_on_each
    subnet = make(api, address_selection="lowest")
    assert ports(api, subnet, 3) == ["10.0.0.10", "10.0.0.11", "10.0.0.12"]
    assert address(port(api, subnet)) == "10.0.0.13"


def test_a_machine_gets_its_address_again(api_on_each: Api) -> None:
    api = api_on_each
    for selection in ("mac-address", "dns-name"):
        subnet = make(api, address_selection=selection)
        first = port(api, subnet, **WEB)
        api.delete("port", first["id"])
        for _ in range(3):
            port(api, subnet)
        again = WEB if selection == "mac-address" else {"dns_name": WEB["dns_name"]}
        assert address(port(api, subnet, **again)) == address(first)


def test_a_new_mac_address_does_not_move_a_port(api_on_each: Api) -> None:
    api = api_on_each
    made = port(api, make(api, address_selection="mac-address"), **WEB)
    changed = api.update("port", made["id"], mac_address="fa:16:3e:00:00:02")
    assert changed["fixed_ips"] == made["fixed_ips"]


def test_random_addresses_fill_the_pool(api_on_each: Api) -> None:
    api = api_on_each
    subnet = make(api, address_selection="random")
    given = ports(api, subnet, 95) + ports(api, subnet, 95)
    assert len(set(given)) == 190
    assert given != sorted(given)
    port(api, subnet)
    asked = {"port": {"network_id": subnet["network_id"]}}
    api.refused(409, "IpAddressGenerationFailure", "POST", "/ports", asked)

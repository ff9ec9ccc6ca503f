from typing import Any

import pytest

from tests.api.caller import Api


def body(network: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    return {
        "subnet": {"network_id": network["id"], "cidr": "10.0.0.0/24", "ip_version": 4}
        | attributes
    }


def dhcp_addresses(api: Api) -> list[str]:
    (port,) = api.list("port", device_owner="network:dhcp")
    return [fixed["ip_address"] for fixed in port["fixed_ips"]]


def test_a_subnet_lives_and_dies(api_on_each: Api) -> None:
    api = api_on_each
    network = api.create("network")
    made = api.create(
        "subnet",
        network_id=network["id"],
        cidr="10.0.0.0/24",
        ip_version=4,
        name="blue",
        dns_nameservers=["10.0.0.53"],
        host_routes=[{"destination": "10.1.0.0/16", "nexthop": "10.0.0.9"}],
    )
    assert made["gateway_ip"] == "10.0.0.1"
    assert made["allocation_pools"] == [{"start": "10.0.0.2", "end": "10.0.0.254"}]
    assert made["enable_dhcp"] is True
    assert made["dns_nameservers"] == ["10.0.0.53"]
    assert made["host_routes"] == [{"destination": "10.1.0.0/16", "nexthop": "10.0.0.9"}]
    assert api.show("network", network["id"])["subnets"] == [made["id"]]
    changed = api.update(
        "subnet",
        made["id"],
        name="green",
        allocation_pools=[{"start": "10.0.0.100", "end": "10.0.0.110"}],
        gateway_ip=None,
        dns_nameservers=[],
        host_routes=[],
    )
    assert changed["allocation_pools"] == [{"start": "10.0.0.100", "end": "10.0.0.110"}]
    assert changed["gateway_ip"] is None
    assert api.show("subnet", made["id"]) == changed
    api.delete("subnet", made["id"])
    api.refused(404, "SubnetNotFound", "GET", f"/subnets/{made['id']}")


def test_a_given_gateway_and_pools_are_kept(api: Api, network: dict[str, Any]) -> None:
    pools = [
        {"start": "10.0.0.10", "end": "10.0.0.20"},
        {"start": "10.0.0.30", "end": "10.0.0.40"},
    ]
    made = api.create(
        "subnet",
        network_id=network["id"],
        cidr="10.0.0.0/24",
        ip_version=4,
        gateway_ip="10.0.0.254",
        allocation_pools=pools,
    )
    assert made["gateway_ip"] == "10.0.0.254"
    assert made["allocation_pools"] == pools


def test_an_ipv6_subnet_starts_its_pool_behind_the_gateway(
    api: Api, network: dict[str, Any]
) -> None:
    made = api.create("subnet", network_id=network["id"], cidr="2001:db8::/64", ip_version=6)
    assert made["gateway_ip"] == "2001:db8::1"
    assert made["allocation_pools"] == [
        {"start": "2001:db8::2", "end": "2001:db8::ffff:ffff:ffff:ffff"}
    ]


def test_host_bits_of_a_cidr_are_dropped(api: Api, network: dict[str, Any]) -> None:
    made = api.create("subnet", network_id=network["id"], cidr="10.0.0.7/24", ip_version=4)
    assert (made["cidr"], made["gateway_ip"]) == ("10.0.0.0/24", "10.0.0.1")


def test_null_takes_name_servers_and_routes_away(api: Api, subnet: dict[str, Any]) -> None:
    route = {"destination": "10.7.0.0/16", "nexthop": "10.0.0.9"}
    both = {"dns_nameservers": ["10.0.0.8"], "host_routes": [route]}
    assert api.update("subnet", subnet["id"], **both).items() >= both.items()
    changed = api.update("subnet", subnet["id"], dns_nameservers=None, host_routes=None)
    assert (changed["dns_nameservers"], changed["host_routes"]) == ([], [])


@pytest.mark.parametrize(
    ("attributes", "status", "kind", "part"),
    [
        ({"cidr": "10.0.0.7/33"}, 400, "HTTPBadRequest", "10.0.0.7/33"),
        ({"cidr": "nonsense"}, 400, "HTTPBadRequest", "cidr"),
        ({"cidr": "2001:db8::/64"}, 400, "InvalidInput", "IP version 4"),
        ({"ip_version": 5}, 400, "HTTPBadRequest", "ip_version"),
        ({"gateway_ip": "10.0.0.255"}, 400, "InvalidInput", "10.0.0.255"),
        (
            {"allocation_pools": [{"start": "10.0.1.5", "end": "10.0.1.9"}]},
            400,
            "OutOfBoundsAllocationPool",
            "10.0.1.5-10.0.1.9",
        ),
        (
            {
                "allocation_pools": [
                    {"start": "10.0.0.5", "end": "10.0.0.9"},
                    {"start": "10.0.0.8", "end": "10.0.0.19"},
                ]
            },
            409,
            "OverlappingAllocationPools",
            "10.0.0.5-10.0.0.9 10.0.0.8-10.0.0.19",
        ),
        (
            {"allocation_pools": [{"start": "10.0.0.9", "end": "10.0.0.5"}]},
            400,
            "InvalidAllocationPool",
            "its start lies after its end",
        ),
        (
            {
                "gateway_ip": "10.0.0.9",
                "allocation_pools": [{"start": "10.0.0.5", "end": "10.0.0.9"}],
            },
            409,
            "GatewayConflictWithAllocationPools",
            "10.0.0.9",
        ),
        ({"cidr": "10.0.0.0/32"}, 400, "InvalidInput", "too small for DHCP"),
        ({"allocation_pools": []}, 409, "IpAddressGenerationFailure", "DHCP server"),
        ({"dns_nameservers": ["8.8.8.8\nx"]}, 400, "HTTPBadRequest", "dns_nameservers[0]"),
        ({"dns_nameservers": ["10.0.0.53", "::1"]}, 400, "InvalidInput", "'::1' is not of IP"),
        (
            {"dns_nameservers": [f"10.0.0.{number}" for number in range(6)]},
            400,
            "DNSNameServersExhausted",
            "limit 5",
        ),
        (
            {
                "host_routes": [
                    {"destination": f"10.{number}.0.0/16", "nexthop": "10.0.0.9"}
                    for number in range(1, 22)
                ]
            },
            400,
            "HostRoutesExhausted",
            "limit 20",
        ),
        ({"host_routes": [{"destination": "10.0.0.0/8"}]}, 400, "HTTPBadRequest", "nexthop"),
        ({"subnetpool_id": "x"}, 400, "HTTPBadRequest", "subnetpool_id"),
        ({"ipv6_ra_mode": "slaac"}, 400, "InvalidInput", "IPv6 subnets only"),
    ],
)
def test_a_subnet_that_breaks_a_rule_is_refused(
    api: Api,
    attributes: dict[str, Any],
    status: int,
    kind: str,
    part: str,
) -> None:
    network = api.create("network")
    assert part in api.refused(status, kind, "POST", "/subnets", body(network, **attributes))
    assert api.list("subnet") == []
    assert api.list("port") == []


def test_a_change_to_what_machines_cannot_be_told_is_refused(
    api: Api, subnet: dict[str, Any]
) -> None:
    def put(**changes: Any) -> dict[str, Any]:
        return {"subnet": changes}

    path = f"/subnets/{subnet['id']}"
    servers = [f"10.0.0.{number}" for number in range(6)]
    message = api.refused(
        400, "DNSNameServersExhausted", "PUT", path, put(dns_nameservers=servers)
    )
    assert subnet["id"] in message
    api.refused(400, "InvalidInput", "PUT", path, put(dns_nameservers=["0.0.0.0", "10.0.0.1"]))
    assert api.update("subnet", subnet["id"], dns_nameservers=["0.0.0.0"])["dns_nameservers"] == [
        "0.0.0.0"
    ]


def test_ipv4_pools_in_an_ipv6_subnet_are_refused(api: Api, network: dict[str, Any]) -> None:
    bad = body(
        network,
        cidr="2001:db8::/64",
        ip_version=6,
        allocation_pools=[{"start": "10.0.0.5", "end": "10.0.0.9"}],
    )
    assert "IP version 6" in api.refused(400, "InvalidAllocationPool", "POST", "/subnets", bad)


def test_two_faults_are_both_reported(api: Api, network: dict[str, Any]) -> None:
    bad = body(network, gateway_ip="10.0.0.255", foo=1, name=5)
    message = api.refused(400, "HTTPBadRequest", "POST", "/subnets", bad)
    assert "10.0.0.255" in message
    assert "'foo'" in message
    assert "name" in message


def test_two_broken_rules_are_both_reported(api: Api, network: dict[str, Any]) -> None:
    pools = [{"start": "10.0.0.9", "end": "10.0.0.5"}]
    bad = body(network, gateway_ip="10.0.0.255", allocation_pools=pools)
    message = api.refused(400, "InvalidInput", "POST", "/subnets", bad)
    assert "10.0.0.255" in message
    assert "10.0.0.9-10.0.0.5" in message


def test_an_overlap_with_another_subnet_of_the_network_is_refused(
    api: Api, subnet: dict[str, Any]
) -> None:
    bad = body({"id": subnet["network_id"]}, cidr="10.0.0.128/25")
    assert subnet["id"] in api.refused(400, "InvalidInput", "POST", "/subnets", bad)
    other = api.create("network")
    api.create("subnet", network_id=other["id"], cidr="10.0.0.128/25", ip_version=4)


def test_a_subnet_of_an_unknown_network_is_refused(api: Api) -> None:
    bad = body({"id": "00000000-0000-0000-0000-000000000000"})
    api.refused(404, "NetworkNotFound", "POST", "/subnets", bad)


def test_the_dhcp_port_has_the_lowest_address_of_each_dhcp_subnet(
    api: Api, network: dict[str, Any]
) -> None:
    def add(**attributes: Any) -> dict[str, Any]:
        return api.create("subnet", network_id=network["id"], **attributes)

    first = add(cidr="10.0.0.0/24", ip_version=4)
    add(cidr="10.0.1.0/24", ip_version=4, enable_dhcp=False)
    add(cidr="2001:db8::/64", ip_version=6, ipv6_address_mode="dhcpv6-stateful")
    add(cidr="2001:db8:1::/64", ip_version=6, ipv6_address_mode="slaac", ipv6_ra_mode="slaac")
    assert dhcp_addresses(api) == ["10.0.0.2", "2001:db8::2"]
    (port,) = api.list("port")
    assert port["device_id"] == f"dhcp-{network['id']}"
    assert port["project_id"] == network["project_id"]
    api.delete("subnet", first["id"])
    assert dhcp_addresses(api) == ["2001:db8::2"]


def test_dhcp_switched_off_and_on_leaves_the_server_at_its_address(
    api: Api, subnet: dict[str, Any]
) -> None:
    before = dhcp_addresses(api)
    for _ in range(2):
        api.update("subnet", subnet["id"], enable_dhcp=False)
        assert dhcp_addresses(api) == []
        api.create("port", network_id=subnet["network_id"])
        api.update("subnet", subnet["id"], enable_dhcp=True)
        assert dhcp_addresses(api) == before


@pytest.mark.parametrize("mode", ["slaac", "dhcpv6-stateless"])
def test_a_network_whose_machines_make_their_addresses_is_served_too(
    api: Api, network: dict[str, Any], mode: str
) -> None:
    modes = {"ipv6_ra_mode": mode, "ipv6_address_mode": mode}
    six = api.create(
        "subnet", network_id=network["id"], cidr="2001:db8::/64", ip_version=6, **modes
    )
    assert dhcp_addresses(api) == []
    api.delete("subnet", six["id"])
    assert len(api.list("port", device_owner="network:dhcp")) == 1, "it goes with its network"
    api.delete("network", network["id"])
    assert api.list("port") == []


def test_without_dhcp_there_is_no_dhcp_port_until_it_is_switched_on(
    api: Api, network: dict[str, Any]
) -> None:
    six = api.create(
        "subnet",
        network_id=network["id"],
        cidr="2001:db8::/64",
        ip_version=6,
        enable_dhcp=False,
    )
    assert api.list("port") == []
    api.update("subnet", six["id"], enable_dhcp=True)
    assert dhcp_addresses(api) == ["2001:db8::2"]


def test_the_dhcp_port_follows_its_subnets_alone(api: Api, subnet: dict[str, Any]) -> None:
    (port,) = api.list("port")
    path = f"/ports/{port['id']}"
    api.refused(409, "PortInUse", "DELETE", path)
    changes: list[dict[str, Any]] = [
        {"fixed_ips": []},
        {"device_owner": ""},
        {"device_id": "x"},
        {"mac_address": "fa:16:3e:00:00:01"},
    ]
    for change in changes:
        api.refused(409, "PortInUse", "PUT", path, {"port": change})
    assert api.update("port", port["id"], name="x", device_id=port["device_id"])["name"] == "x"


def test_a_second_dhcp_port_cannot_be_forged(api: Api, network: dict[str, Any]) -> None:
    forged = {"device_owner": "network:dhcp", "device_id": f"dhcp-{network['id']}"}
    body = {"port": {"network_id": network["id"], **forged}}
    api.refused(400, "InvalidInput", "POST", "/ports", body)
    made = api.create("port", network_id=network["id"])
    api.refused(400, "InvalidInput", "PUT", f"/ports/{made['id']}", {"port": forged})


def test_a_subnet_with_addresses_in_use_is_not_deleted(api: Api, port: Any) -> None:
    made = port()
    path = f"/subnets/{made['fixed_ips'][0]['subnet_id']}"
    assert made["id"] in api.refused(409, "SubnetInUse", "DELETE", path)
    api.delete("port", made["id"])
    assert api.call("DELETE", path).status_code == 204


def test_an_update_is_held_to_the_same_rules(api: Api, subnet: dict[str, Any]) -> None:
    path = f"/subnets/{subnet['id']}"

    def refused(status: int, kind: str, **attributes: Any) -> str:
        return api.refused(status, kind, "PUT", path, {"subnet": attributes})

    refused(409, "GatewayConflictWithAllocationPools", gateway_ip="10.0.0.9")
    refused(400, "InvalidInput", gateway_ip="10.0.0.255")
    assert "`ipam renumber start`" in refused(400, "InvalidInput", cidr="10.0.1.0/24")
    pools = [{"start": "10.0.0.200", "end": "10.0.1.9"}]
    refused(400, "OutOfBoundsAllocationPool", allocation_pools=pools)
    assert api.show("subnet", subnet["id"]) == subnet


def test_new_pools_decide_the_next_address(api_on_each: Api) -> None:
    api = api_on_each
    network = api.create("network")
    subnet = api.create("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
    api.create("port", network_id=network["id"])
    pools = [{"start": "10.0.0.200", "end": "10.0.0.201"}]
    api.update("subnet", subnet["id"], allocation_pools=pools)
    made = [api.create("port", network_id=network["id"]) for _ in range(2)]
    addresses = {port["fixed_ips"][0]["ip_address"] for port in made}
    assert addresses == {"10.0.0.200", "10.0.0.201"}


def test_an_address_in_use_cannot_become_the_gateway(api: Api, network: dict[str, Any]) -> None:
    subnet = api.create(
        "subnet",
        network_id=network["id"],
        cidr="10.0.0.0/24",
        ip_version=4,
        allocation_pools=[{"start": "10.0.0.100", "end": "10.0.0.110"}],
    )
    api.create("port", network_id=network["id"], fixed_ips=[{"ip_address": "10.0.0.5"}])
    bad = {"subnet": {"gateway_ip": "10.0.0.5"}}
    api.refused(409, "IpAddressAlreadyAllocated", "PUT", f"/subnets/{subnet['id']}", bad)


@pytest.mark.parametrize("mode", ["slaac", "dhcpv6-stateless"])
def test_a_subnet_whose_addresses_machines_make_is_deleted_from_its_ports(
    api_on_each: Api, mode: str
) -> None:
    api = api_on_each
    network = api.create("network")
    four = api.create("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
    modes = {"ipv6_ra_mode": mode, "ipv6_address_mode": mode}
    six = api.create(
        "subnet", network_id=network["id"], cidr="2001:db8::/64", ip_version=6, **modes
    )
    port = api.create("port", network_id=network["id"])
    assert len(port["fixed_ips"]) == 2
    api.delete("subnet", six["id"])
    shown = api.show("port", port["id"])
    assert [ip["subnet_id"] for ip in shown["fixed_ips"]] == [four["id"]]
    assert shown["revision_number"] > port["revision_number"]
    api.refused(409, "SubnetInUse", "DELETE", f"/subnets/{four['id']}")


def test_a_router_keeps_a_subnet_whose_addresses_machines_make(api: Api) -> None:
    network = api.create("network")
    modes = {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
    six = api.create(
        "subnet", network_id=network["id"], cidr="2001:db8::/64", ip_version=6, **modes
    )
    wish = {"subnet_id": six["id"], "ip_address": "2001:db8::1"}
    owner = "network:router_interface"
    api.create("port", network_id=network["id"], device_owner=owner, fixed_ips=[wish])
    api.refused(409, "SubnetInUse", "DELETE", f"/subnets/{six['id']}")


def test_a_gateway_is_served_where_a_port_has_it_and_unknown_behind_an_uplink(
    api_on_each: Api,
) -> None:
    api = api_on_each
    router = {"device_owner": "network:router_interface"}
    flat = {"provider__network_type": "flat", "provider__physical_network": "physnet1"}
    for attributes, without in (({}, False), (flat, None)):
        network = api.create("network", **attributes)
        subnet = api.create("subnet", **body(network)["subnet"])
        assert subnet["gateway_served"] is without
        addresses = [{"subnet_id": subnet["id"], "ip_address": "10.0.0.1"}]
        port = api.create("port", network_id=network["id"], fixed_ips=addresses, **router)
        assert api.show("subnet", subnet["id"])["gateway_served"] is True
        api.delete("port", port["id"])
        assert api.show("subnet", subnet["id"])["gateway_served"] is without
        changed = api.update("subnet", subnet["id"], gateway_ip=None)
        assert changed["gateway_served"] is None

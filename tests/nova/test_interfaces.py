"""Interfaces and addresses of a running server, changed through Nova."""

from typing import Any

import pytest
from openstack import exceptions

from tests.nova.people import Tenant
from tests.waiting import eventually


def attached(tenant: Tenant, server: Any) -> set[str]:
    return {one.port_id for one in tenant.compute.server_interfaces(server)}


def act(tenant: Tenant, server: Any, action: dict[str, Any]) -> None:
    """An action that Nova knows up to microversion 2.43."""
    path = f"/servers/{server.id}/action"
    answer = tenant.compute.post(path, json=action, microversion="2.43")
    assert answer.status_code == 202, answer.text


def test_an_interface_on_a_network_comes_and_goes_with_its_port(
    tenant: Tenant, network: Any
) -> None:
    other = tenant.network()
    server = tenant.boot([{"uuid": network.id}])
    made = tenant.compute.create_server_interface(server, net_id=other.id)
    port = tenant.ipam.get(f"/v2.0/ports/{made.port_id}")["port"]
    assert (port["device_id"], port["binding:host_id"] != "") == (server.id, True)
    assert port["fixed_ips"][0]["ip_address"] in tenant.addresses(server)
    tenant.compute.delete_server_interface(made.port_id, server=server)
    eventually(lambda: len(tenant.ports_of(server)) == 1, "the port is deleted")
    eventually(lambda: len(tenant.addresses(server)) == 1, "Nova shows it no more")


def test_a_port_of_the_users_own_survives_its_detachment(tenant: Tenant, network: Any) -> None:
    own = tenant.port(network)
    server = tenant.boot("none")
    tenant.compute.create_server_interface(server, port_id=own.id)
    assert attached(tenant, server) == {own.id}
    tenant.compute.delete_server_interface(own.id, server=server)
    eventually(lambda: not attached(tenant, server), "it is detached")
    left = eventually(
        lambda: [p for p in [tenant.net.get_port(own.id)] if not p.device_id], "it is free"
    )
    assert left[0].fixed_ips == own.fixed_ips


def test_an_interface_with_a_given_address_has_it(tenant: Tenant, network: Any) -> None:
    server = tenant.boot("none")
    address = f"{tenant.prefix}.99"
    fixed = [{"ip_address": address}]
    tenant.compute.create_server_interface(server, net_id=network.id, fixed_ips=fixed)
    assert tenant.addresses(server) == [address]


def test_attaching_an_address_in_use_is_refused_with_409(tenant: Tenant, network: Any) -> None:
    address = f"{tenant.prefix}.98"
    tenant.port(network, fixed_ips=[{"ip_address": address}])
    server = tenant.boot("none")
    fixed = [{"ip_address": address}]
    with pytest.raises(exceptions.ConflictException, match="in use"):
        tenant.compute.create_server_interface(server, net_id=network.id, fixed_ips=fixed)
    assert tenant.ports_of(server) == []


def test_attaching_to_a_full_subnet_is_refused_with_400(tenant: Tenant) -> None:
    small = tenant.network(cidr=f"{tenant.prefix}.248/30")
    server = tenant.boot("none")
    with pytest.raises(exceptions.BadRequestException, match="No fixed IP"):
        tenant.compute.create_server_interface(server, net_id=small.id)
    assert tenant.ports_of(server) == []


def test_attaching_a_port_in_use_is_refused(tenant: Tenant, network: Any) -> None:
    own = tenant.port(network)
    tenant.boot([{"port": own.id}])
    server = tenant.boot("none")
    with pytest.raises(exceptions.HttpException) as caught:
        tenant.compute.create_server_interface(server, port_id=own.id)
    assert caught.value.status_code in (400, 409)


def test_a_fixed_ip_is_added_and_removed(tenant: Tenant, network: Any) -> None:
    server = tenant.boot([{"uuid": network.id}])
    (first,) = tenant.addresses(server)
    act(tenant, server, {"addFixedIp": {"networkId": network.id}})
    two = eventually(lambda: shown if len(shown := tenant.addresses(server)) == 2 else [], "two")
    (added,) = set(two) - {first}
    fixed = [one["ip_address"] for one in tenant.the_port(server)["fixed_ips"]]
    assert sorted(fixed) == two
    act(tenant, server, {"removeFixedIp": {"address": added}})
    eventually(lambda: tenant.addresses(server) == [first], "one again")
    assert len(tenant.the_port(server)["fixed_ips"]) == 1


def test_what_is_changed_at_the_port_reaches_nova_by_an_event(
    tenant: Tenant, network: Any
) -> None:
    server = tenant.boot([{"uuid": network.id}])
    port = tenant.the_port(server)
    address = f"{tenant.prefix}.200"
    tenant.net.update_port(port["id"], fixed_ips=[{"ip_address": address}])
    eventually(lambda: tenant.addresses(server) == [address], "Nova shows the new address")


def test_a_port_deleted_under_a_server_is_taken_off_the_server(
    tenant: Tenant, network: Any
) -> None:
    server = tenant.boot([{"uuid": network.id}])
    tenant.net.delete_port(tenant.the_port(server)["id"])
    eventually(lambda: tenant.addresses(server) == [], "Nova has detached it")

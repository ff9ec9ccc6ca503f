"""Creating and deleting servers: ipam gives what Nova asks for."""

from typing import Any

import pytest
from openstack import exceptions

from tests.nova.people import Tenant
from tests.waiting import eventually


def addresses_of(port: dict[str, Any]) -> list[str]:
    return [fixed["ip_address"] for fixed in port["fixed_ips"]]


def test_a_server_on_a_network_has_one_port_with_the_address_that_nova_shows(
    tenant: Tenant, network: Any
) -> None:
    server = tenant.boot([{"uuid": network.id}])
    port = tenant.the_port(server)
    assert tenant.addresses(server) == addresses_of(port)
    assert port["device_owner"].startswith("compute:")
    assert port["binding:host_id"] in tenant.cloud.hosts
    assert port["binding:vif_type"] == "tap"


def test_a_port_of_the_users_own_is_taken_and_given_back_unbound(
    tenant: Tenant, network: Any
) -> None:
    port = tenant.port(network, fixed_ips=[{"ip_address": f"{tenant.prefix}.77"}])
    server = tenant.boot([{"port": port.id}])
    assert tenant.addresses(server) == [f"{tenant.prefix}.77"]
    assert tenant.the_port(server)["id"] == port.id
    tenant.delete(server)
    left = tenant.ipam.get(f"/v2.0/ports/{port.id}")["port"]
    unbound = ("device_id", "device_owner", "binding:host_id", "binding:vif_type")
    assert [left[name] for name in unbound] == ["", "", "", "unbound"]
    assert addresses_of(left) == [f"{tenant.prefix}.77"]


def test_a_fixed_address_is_the_servers(tenant: Tenant, network: Any) -> None:
    server = tenant.boot([{"uuid": network.id, "fixed_ip": f"{tenant.prefix}.42"}])
    assert tenant.addresses(server) == [f"{tenant.prefix}.42"]


def test_auto_takes_the_projects_only_network(tenant: Tenant, network: Any) -> None:
    server = tenant.boot("auto")
    assert tenant.the_port(server)["network_id"] == network.id


def test_none_makes_no_port(tenant: Tenant) -> None:
    server = tenant.boot("none")
    assert tenant.ports_of(server) == []


def test_several_nics_are_ports_in_their_order(tenant: Tenant, network: Any) -> None:
    other = tenant.network()
    own = tenant.port(network)
    server = tenant.boot([{"uuid": other.id}, {"port": own.id}, {"uuid": network.id}])
    asked = [other.id, network.id, network.id]
    interfaces = {one.port_id: one.net_id for one in tenant.compute.server_interfaces(server)}
    assert sorted(interfaces.values()) == sorted(asked)
    assert own.id in interfaces
    assert len(tenant.addresses(server)) == 3


def test_fifty_servers_at_once_have_fifty_addresses(tenant: Tenant, network: Any) -> None:
    first = tenant.boot(
        [{"uuid": network.id}], wait=False, name="many", min_count=50, max_count=50
    )
    reservation = [s.id for s in tenant.compute.servers(details=False, name="many")]
    assert first.id in reservation
    tenant.own(reservation)
    for server_id in reservation:
        tenant.await_server(tenant.compute.get_server(server_id))
    ports = tenant.ipam.list("/v2.0/ports", "ports", {"network_id": network.id})
    of_servers = [port for port in ports if port["device_id"] in reservation]
    given = [address for port in of_servers for address in addresses_of(port)]
    assert len(of_servers) == len(set(given)) == len(reservation) == 50


def test_deleting_a_server_deletes_the_port_that_nova_made(tenant: Tenant, network: Any) -> None:
    server = tenant.boot([{"uuid": network.id}])
    tenant.delete(server)
    eventually(lambda: not tenant.ports_of(server), "the port is gone")


def test_servers_are_found_by_a_part_of_their_address(tenant: Tenant, network: Any) -> None:
    server = tenant.boot([{"uuid": network.id, "fixed_ip": f"{tenant.prefix}.211"}])
    tenant.boot([{"uuid": network.id, "fixed_ip": f"{tenant.prefix}.122"}])
    found = [one.id for one in tenant.compute.servers(ip=f"{tenant.prefix}.21")]
    assert found == [server.id]
    shown = [one.addresses for one in tenant.compute.servers() if one.id == server.id]
    assert shown[0] == tenant.compute.get_server(server.id).addresses


class TestRefusals:
    """What ipam refuses reaches the user as Nova's own 400 or 409."""

    @staticmethod
    def refused(tenant: Tenant, networks: Any) -> tuple[int, str]:
        with pytest.raises(exceptions.HttpException) as caught:
            tenant.boot(networks, wait=False)
        return caught.value.status_code or 0, str(caught.value)

    def test_an_unknown_network_is_400(self, tenant: Tenant) -> None:
        unknown = "9e1a2c3d-0000-4000-8000-000000000001"
        status, text = self.refused(tenant, [{"uuid": unknown}])
        assert (status, unknown in text) == (400, True)

    def test_an_unknown_port_is_400(self, tenant: Tenant) -> None:
        unknown = "9e1a2c3d-0000-4000-8000-000000000002"
        status, text = self.refused(tenant, [{"port": unknown}])
        assert (status, unknown in text) == (400, True)

    def test_a_port_in_use_is_409(self, tenant: Tenant, network: Any) -> None:
        port = tenant.port(network)
        tenant.boot([{"port": port.id}])
        status, text = self.refused(tenant, [{"port": port.id}])
        assert (status, port.id in text) == (409, True)

    def test_an_address_in_use_is_400(self, tenant: Tenant, network: Any) -> None:
        address = f"{tenant.prefix}.50"
        tenant.boot([{"uuid": network.id, "fixed_ip": address}])
        status, text = self.refused(tenant, [{"uuid": network.id, "fixed_ip": address}])
        assert (status, "in use" in text) == (400, True)

    def test_an_address_that_another_port_holds_is_400(self, tenant: Tenant, network: Any) -> None:
        address = f"{tenant.prefix}.51"
        tenant.port(network, device_id="something", fixed_ips=[{"ip_address": address}])
        status, _ = self.refused(tenant, [{"uuid": network.id, "fixed_ip": address}])
        assert status == 400

    def test_a_network_without_subnets_is_400(self, tenant: Tenant) -> None:
        bare = tenant.bare_network()
        status, text = self.refused(tenant, [{"uuid": bare.id}])
        assert (status, "subnet" in text) == (400, True)

    def test_a_quota_that_is_used_up_is_403(self, tenant: Tenant, network: Any) -> None:
        project = tenant.connection.current_project_id
        used = len(tenant.ipam.list("/v2.0/ports", "ports", {"project_id": project}))
        tenant.ipam.put(f"/v2.0/quotas/{project}", json={"quota": {"port": used + 1}})
        try:
            tenant.boot([{"uuid": network.id}])
            status, text = self.refused(tenant, [{"uuid": network.id}])
            assert (status, "port" in text.lower()) == (403, True)
        finally:
            tenant.ipam.delete(f"/v2.0/quotas/{project}")

    def test_a_full_subnet_ends_the_build_with_the_reason(self, tenant: Tenant) -> None:
        small = tenant.network(cidr=f"{tenant.prefix}.248/30")
        server = tenant.boot([{"uuid": small.id}], wait=False)
        refused = tenant.await_server(server, "ERROR")
        assert "No fixed IP addresses" in str(refused.fault)
        assert tenant.ports_of(server) == []

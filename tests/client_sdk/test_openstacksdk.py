"""openstacksdk, unchanged, on networks, subnets and ports."""

import openstack
import pytest
from openstack import exceptions
from openstack.connection import Connection

# openstacksdk warns of what its next version drops, each time it is used.
pytestmark = [
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK50Warning"),
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK60Warning"),
]


@pytest.fixture
def subnet(cloud: Connection) -> openstack.network.v2.subnet.Subnet:
    network = cloud.network.create_network(name="demo")
    return cloud.network.create_subnet(
        name="v4", network_id=network.id, ip_version=4, cidr="10.0.0.0/24"
    )


def test_a_network_lives_its_whole_life(cloud: Connection) -> None:
    made = cloud.network.create_network(name="demo", mtu=1400, description="first")
    first = made.revision_number
    assert (made.name, made.mtu, made.is_admin_state_up, made.status) == (
        "demo",
        1400,
        True,
        "ACTIVE",
    )
    changed = cloud.network.update_network(made, name="lab", is_admin_state_up=False)
    assert (changed.name, changed.is_admin_state_up) == ("lab", False)
    found = cloud.network.find_network("lab", ignore_missing=False)
    assert found.id == made.id
    assert found.project_id == found.tenant_id
    assert cloud.network.get_network(made.id).revision_number > first
    cloud.network.delete_network(made)
    assert cloud.network.find_network("lab") is None
    with pytest.raises(exceptions.NotFoundException):
        cloud.network.get_network(made.id)


def test_a_subnet_lives_its_whole_life(cloud: Connection) -> None:
    network = cloud.network.create_network(name="demo")
    made = cloud.network.create_subnet(
        name="v4",
        network_id=network.id,
        ip_version=4,
        cidr="10.0.0.0/24",
        gateway_ip="10.0.0.254",
        is_dhcp_enabled=False,
        allocation_pools=[{"start": "10.0.0.10", "end": "10.0.0.19"}],
        dns_nameservers=["10.0.0.2"],
        host_routes=[{"destination": "10.9.0.0/16", "nexthop": "10.0.0.9"}],
    )
    assert made.gateway_ip == "10.0.0.254"
    assert made.allocation_pools == [{"start": "10.0.0.10", "end": "10.0.0.19"}]
    changed = cloud.network.update_subnet(made, dns_nameservers=["9.9.9.9"], gateway_ip=None)
    assert (changed.dns_nameservers, changed.gateway_ip) == (["9.9.9.9"], None)
    assert cloud.network.get_network(network.id).subnet_ids == [made.id]
    assert [one.id for one in cloud.network.subnets(network_id=network.id)] == [made.id]
    cloud.network.delete_subnet(made)
    assert list(cloud.network.subnets(network_id=network.id)) == []


def test_a_port_lives_its_whole_life(
    cloud: Connection, subnet: openstack.network.v2.subnet.Subnet
) -> None:
    made = cloud.network.create_port(
        name="web-1",
        network_id=subnet.network_id,
        fixed_ips=[{"subnet_id": subnet.id, "ip_address": "10.0.0.20"}],
        extra_dhcp_opts=[{"opt_name": "bootfile-name", "opt_value": "pxe.0"}],
        dns_name="web-1",
    )
    assert made.fixed_ips == [{"subnet_id": subnet.id, "ip_address": "10.0.0.20"}]
    assert made.mac_address.startswith("fa:16:3e:")
    assert made.binding_vif_type == "unbound"
    bound = cloud.network.update_port(
        made, binding_host_id="node-7", device_id="vm", device_owner="compute:nova"
    )
    assert (bound.binding_host_id, bound.binding_vif_type) == ("node-7", "tap")
    (found,) = cloud.network.ports(fixed_ips="ip_address=10.0.0.20")
    assert found.id == made.id
    cloud.network.delete_port(made)
    with pytest.raises(exceptions.NotFoundException):
        cloud.network.get_port(made.id)


def test_ports_are_made_in_bulk(
    cloud: Connection, subnet: openstack.network.v2.subnet.Subnet
) -> None:
    wanted = [{"name": f"p{n}", "network_id": subnet.network_id} for n in range(20)]
    made = list(cloud.network.create_ports(wanted))
    addresses = {one.fixed_ips[0]["ip_address"] for one in made}
    assert len(addresses) == 20
    assert [one.name for one in made] == [one["name"] for one in wanted]


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
def test_paging_gives_every_item_once(cloud: Connection, limit: int) -> None:
    wanted = {cloud.network.create_network(name=f"n{n}").id for n in range(7)}
    found = [one.id for one in cloud.network.networks(limit=limit)]
    assert len(found) == len(wanted)
    assert set(found) == wanted
    named = [
        one.name for one in cloud.network.networks(limit=limit, sort_key="name", sort_dir="desc")
    ]
    assert named == [f"n{n}" for n in reversed(range(7))]


def test_lists_are_filtered(cloud: Connection, subnet: openstack.network.v2.subnet.Subnet) -> None:
    cloud.network.create_network(name="other", is_admin_state_up=False)
    assert [one.name for one in cloud.network.networks(is_admin_state_up=False)] == ["other"]
    assert [one.name for one in cloud.network.networks(name="demo")] == ["demo"]
    assert [one.id for one in cloud.network.subnets(cidr="10.0.0.0/24")] == [subnet.id]
    assert list(cloud.network.subnets(ip_version=6)) == []
    (dhcp,) = cloud.network.ports(device_owner="network:dhcp")
    assert dhcp.network_id == subnet.network_id


def test_a_revision_that_has_passed_is_refused(cloud: Connection) -> None:
    made = cloud.network.create_network(name="demo")
    cloud.network.update_network(made.id, name="lab")
    with pytest.raises(exceptions.PreconditionFailedException):
        cloud.network.update_network(made, if_revision=made.revision_number, name="late")


def test_refusals_have_the_classes_and_words_of_the_service(
    cloud: Connection, subnet: openstack.network.v2.subnet.Subnet
) -> None:
    cloud.network.create_port(network_id=subnet.network_id)
    with pytest.raises(exceptions.ConflictException, match="in use"):
        cloud.network.delete_network(subnet.network_id)
    with pytest.raises(exceptions.BadRequestException, match=r"10\.9\.0\.1"):
        cloud.network.create_subnet(network_id=subnet.network_id, ip_version=4, cidr="10.9.0.1/33")
    with pytest.raises(exceptions.BadRequestException, match="mac_address"):
        cloud.network.create_port(network_id=subnet.network_id, mac_address="nonsense")


def test_a_wrong_password_is_refused(cloud: Connection) -> None:
    endpoint = cloud.config.config["auth"]["endpoint"]
    other = openstack.connect(
        auth_type="http_basic",
        auth={"endpoint": endpoint, "username": "admin", "password": "guess"},
        load_yaml_config=False,
        load_envvars=False,
    )
    with pytest.raises(exceptions.HttpException) as caught:
        list(other.network.networks())
    assert caught.value.status_code == 401
    other.close()

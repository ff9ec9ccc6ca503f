"""openstacksdk, unchanged, through Keystone: the cloud layer, and the proxy of every resource."""

from collections.abc import Callable, Iterator
from typing import Any

import openstack
import pytest
from openstack import exceptions
from openstack.config import OpenStackConfig
from openstack.connection import Connection

from tests.clients.site import Site

# openstacksdk warns of what its next version drops, each time it is used.
pytestmark = [
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK50Warning"),
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK60Warning"),
]


@pytest.fixture(scope="module")
def connect(cloud: Site) -> Iterator[Callable[[str], Connection]]:
    config = OpenStackConfig(config_files=[str(cloud.clouds_yaml)], load_envvars=False)
    made: dict[str, Connection] = {}

    def as_user(name: str) -> Connection:
        if name not in made:
            made[name] = openstack.connection.Connection(config=config.get_one(name))
        return made[name]

    yield as_user
    for connection in made.values():
        connection.close()


@pytest.fixture
def admin(connect: Callable[[str], Connection]) -> Connection:
    return connect("admin")


@pytest.fixture
def member(connect: Callable[[str], Connection]) -> Connection:
    return connect("member")


@pytest.fixture
def reader(connect: Callable[[str], Connection]) -> Connection:
    return connect("reader")


@pytest.fixture
def network(member: Connection) -> Iterator[Any]:
    """A network with a subnet; gone afterwards, with its ports."""
    made = member.network.create_network(name="sdk")
    member.network.create_subnet(
        network_id=made.id, ip_version=4, cidr="10.0.0.0/16", name="sdk-v4"
    )
    yield made
    for port in member.network.ports(network_id=made.id):
        if port.device_owner != "network:dhcp":
            member.network.delete_port(port)
    member.network.delete_network(made)


def test_the_catalog_leads_to_the_service(member: Connection, cloud: Site) -> None:
    assert str(member.network.get_endpoint()).startswith(cloud.network_url)
    assert member.has_service("network")


def test_the_cloud_layer_makes_a_network_that_machines_can_use(member: Connection) -> None:
    network = member.create_network("layered", mtu_size=1400)
    assert (network["name"], network["mtu"]) == ("layered", 1400)
    subnet = member.create_subnet(
        "layered",
        cidr="10.5.0.0/24",
        subnet_name="layered-v4",
        dns_nameservers=["9.9.9.9"],
        host_routes=[{"destination": "10.8.0.0/16", "nexthop": "10.5.0.8"}],
        allocation_pools=[{"start": "10.5.0.10", "end": "10.5.0.20"}],
    )
    found: Any = member.get_subnet("layered-v4")
    assert found["id"] == subnet["id"]
    changed: Any = member.update_subnet("layered-v4", subnet_name="other", disable_gateway_ip=True)
    assert (changed["name"], changed["gateway_ip"]) == ("other", None)
    port = member.create_port(network["id"], name="vm", fixed_ips=[{"subnet_id": subnet["id"]}])
    found = member.get_port("vm")
    assert found["fixed_ips"] == port["fixed_ips"]
    assert member.update_port("vm", name="renamed")["name"] == "renamed"
    assert port["id"] in {one["id"] for one in member.list_ports({"network_id": network["id"]})}
    assert [one["id"] for one in member.search_networks("layered")] == [network["id"]]
    assert member.update_network("layered", name="relayered")["name"] == "relayered"
    assert member.delete_port("renamed")
    assert member.delete_subnet("other")
    assert member.delete_network("relayered")
    assert not member.delete_network("relayered")


def test_machines_find_the_networks_of_their_project(
    admin: Connection, member: Connection
) -> None:
    """What openstacksdk asks before it boots a server."""
    ours = member.create_network("ours")
    outside = admin.create_network("outside", external=True, shared=True)
    assert ours["id"] in {one["id"] for one in member.list_networks({"shared": False})}
    assert [one["name"] for one in member.list_networks({"router:external": True})] == ["outside"]
    assert {one["name"] for one in member.list_networks()} >= {"ours", "outside"}
    admin.delete_network(outside["id"])
    member.delete_network(ours["id"])


def test_a_thousand_ports_come_in_pages_each_once(member: Connection) -> None:
    """They go with their database: to delete them one by one would take longer than the rest."""
    network = member.network.create_network(name="crowded")
    member.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.0.0.0/16")
    made: set[str] = set()
    for first in range(0, 1000, 250):
        bodies = [{"network_id": network.id, "name": f"p{first + n}"} for n in range(250)]
        made |= {port.id for port in member.network.create_ports(bodies)}
    assert len(made) == 1000
    mine = {"network_id": network.id, "device_owner": ""}
    paged = [port.id for port in member.network.ports(limit=300, **mine)]
    assert len(paged) == 1000
    assert set(paged) == made
    whole = [port.id for port in member.network.ports(**mine)]
    assert set(whole) == made
    named = member.network.ports(limit=400, sort_key="name", sort_dir="desc", **mine)
    assert [port.name for port in named] == sorted((f"p{n}" for n in range(1000)), reverse=True)
    first_page = member.network.ports(limit=10, paginated=False, **mine)
    assert len(list(first_page)) == 10


def test_a_change_of_a_passed_revision_is_refused(member: Connection, network: Any) -> None:
    seen = member.network.get_network(network.id)
    member.network.update_network(network.id, description="meanwhile")
    with pytest.raises(exceptions.PreconditionFailedException):
        member.network.update_network(seen, if_revision=seen.revision_number, name="late")
    now = member.network.get_network(network.id)
    member.network.update_network(now, if_revision=now.revision_number, name="sdk")


def test_waiting_ends_when_a_port_is_gone_or_in_its_state(
    member: Connection, network: Any
) -> None:
    port = member.network.create_port(network_id=network.id)
    down = member.network.wait_for_status(port, status="DOWN", interval=1, wait=10)
    assert down.id == port.id
    member.network.delete_port(port)
    member.network.wait_for_delete(port, interval=1, wait=10)


def test_a_subnet_pool_and_its_scope_live_their_whole_life(
    member: Connection, network: Any
) -> None:
    scope = member.network.create_address_scope(name="sdk", ip_version=4, shared=False)
    pool = member.network.create_subnet_pool(
        name="sdk",
        prefixes=["10.64.0.0/16"],
        default_prefix_length=24,
        address_scope_id=scope.id,
    )
    assert (pool.prefixes, pool.default_prefix_length) == (["10.64.0.0/16"], 24)
    assert pool.address_scope_id == scope.id
    other = member.network.create_network(name="pooled")
    subnet = member.network.create_subnet(
        network_id=other.id, ip_version=4, subnet_pool_id=pool.id, prefix_length=26
    )
    assert subnet.cidr == "10.64.0.0/26"
    assert subnet.subnet_pool_id == pool.id
    assert member.network.get_network(other.id).ipv4_address_scope_id == scope.id
    changed = member.network.update_subnet_pool(pool, name="renamed", default_prefix_length=25)
    assert (changed.name, changed.default_prefix_length) == ("renamed", 25)
    assert [one.id for one in member.network.subnet_pools(name="renamed")] == [pool.id]
    assert [one.id for one in member.network.address_scopes(name="sdk")] == [scope.id]
    with pytest.raises(exceptions.ConflictException):
        member.network.delete_address_scope(scope)
    member.network.delete_network(other)
    member.network.delete_subnet_pool(pool)
    member.network.delete_address_scope(scope)
    assert member.network.find_subnet_pool("renamed") is None


def test_a_policy_shares_a_network_with_one_project(
    connect: Callable[[str], Connection], member: Connection, network: Any, cloud: Site
) -> None:
    stranger = connect("stranger")
    assert stranger.network.find_network(network.id) is None
    policy = member.network.create_rbac_policy(
        object_type="network",
        object_id=network.id,
        action="access_as_shared",
        target_project_id=cloud.projects["other"],
    )
    assert stranger.network.get_network(network.id).is_shared is True
    assert [one.id for one in member.network.rbac_policies(object_id=network.id)] == [policy.id]
    member.network.delete_rbac_policy(policy)
    assert stranger.network.find_network(network.id) is None


def test_tags_are_set_and_filtered_by(member: Connection, network: Any) -> None:
    member.network.set_tags(network, ["red", "blue"])
    assert sorted(member.network.get_network(network.id).tags) == ["blue", "red"]
    assert [one.id for one in member.network.networks(tags="red,blue")] == [network.id]
    assert [one.id for one in member.network.networks(any_tags="red,green")] == [network.id]
    assert network.id not in [one.id for one in member.network.networks(not_tags="red")]
    member.network.set_tags(network, [])


def test_quotas_and_what_is_used_of_them(
    admin: Connection, member: Connection, network: Any, cloud: Site
) -> None:
    project = cloud.projects["demo"]
    before = member.network.get_quota(project)
    admin.network.update_quota(project, networks=77)
    assert member.network.get_quota(project).networks == 77
    details = member.network.get_quota(project, details=True)
    assert details.networks["limit"] == 77
    assert details.networks["used"] >= 1
    assert project in {one.project_id or one.id for one in admin.network.quotas()}
    with pytest.raises(exceptions.ForbiddenException):
        member.network.update_quota(project, networks=78)
    admin.network.delete_quota(project)
    assert member.network.get_quota(project).networks == before.networks
    assert admin.get_network_quotas(project)["networks"] == before.networks


def test_how_many_addresses_of_a_network_are_used(admin: Connection, network: Any) -> None:
    shown = admin.network.get_network_ip_availability(network.id)
    assert (shown.network_name, shown.total_ips) == ("sdk", 2**16 - 3)
    before = shown.used_ips
    admin.network.create_port(network_id=network.id, project_id=network.project_id)
    (listed,) = admin.network.network_ip_availabilities(network_id=network.id, ip_version=4)
    assert listed.used_ips == before + 1


def test_extensions_are_found_by_alias(member: Connection) -> None:
    found = {one.alias for one in member.network.extensions()}
    assert {"binding", "standard-attr-tag", "quotas"} <= found
    assert member.network.find_extension("binding", ignore_missing=False).alias == "binding"
    assert member.network.find_extension("bgp") is None


@pytest.mark.parametrize("kind", ["routers", "security_groups", "ips", "service_providers"])
def test_what_is_not_there_is_an_empty_list(member: Connection, kind: str) -> None:
    assert list(getattr(member.network, kind)()) == []


def test_a_reader_reads_and_is_refused_the_rest(reader: Connection, network: Any) -> None:
    assert reader.network.get_network(network.id).name == "sdk"
    for refused in (
        lambda: reader.network.create_network(name="mine"),
        lambda: reader.network.update_network(network.id, name="mine"),
        lambda: reader.network.delete_network(network.id),
        lambda: reader.network.create_port(network_id=network.id),
    ):
        with pytest.raises(exceptions.ForbiddenException):
            refused()

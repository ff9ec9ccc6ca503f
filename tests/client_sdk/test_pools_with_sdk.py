"""openstacksdk, unchanged, on subnet pools, address scopes and network IP availabilities."""

from typing import Any

import pytest
from openstack import exceptions
from openstack.connection import Connection

# openstacksdk warns of what its next version drops, each time it is used.
pytestmark = [
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK50Warning"),
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK60Warning"),
]

NOT_SENT = {"location", "if_revision"}
"""What the SDK knows by itself."""


def unmapped(resource: Any) -> set[str]:
    """Attributes of the SDK's class that the service gave no value."""
    values = resource.to_dict(computed=False, original_names=False)
    return {name for name, value in values.items() if value is None} - NOT_SENT


def test_a_pool_lives_its_whole_life(cloud: Connection) -> None:
    scope = cloud.network.create_address_scope(name="corp", ip_version=4, is_shared=True)
    made = cloud.network.create_subnet_pool(
        name="corp",
        description="all of it",
        prefixes=["10.0.0.0/16"],
        default_prefix_length=24,
        minimum_prefix_length=20,
        maximum_prefix_length=28,
        default_quota=1024,
        is_shared=True,
        is_default=True,
        address_scope_id=scope.id,
    )
    assert unmapped(made) == set()
    assert (made.default_prefix_length, made.minimum_prefix_length) == (24, 20)
    assert (made.maximum_prefix_length, made.default_quota, made.ip_version) == (28, 1024, 4)
    assert made.is_default is made.is_shared is True
    changed = cloud.network.update_subnet_pool(
        made, name="main", prefixes=["10.0.0.0/15"], is_default=False
    )
    assert (changed.name, changed.prefixes, changed.is_default) == ("main", ["10.0.0.0/15"], False)
    cloud.network.set_tags(changed, ["blue"])
    (found,) = cloud.network.subnet_pools(address_scope_id=scope.id, is_shared=True, tags="blue")
    assert found.id == made.id
    assert list(cloud.network.subnet_pools(is_default=True)) == []
    assert cloud.network.find_subnet_pool("main", ignore_missing=False).id == made.id
    network = cloud.network.create_network(name="demo")
    subnet = cloud.network.create_subnet(
        network_id=network.id, ip_version=4, subnet_pool_id=made.id, prefix_length=26
    )
    assert (subnet.cidr, subnet.subnet_pool_id) == ("10.0.0.0/26", made.id)
    assert cloud.network.get_network(network.id).ipv4_address_scope_id == scope.id
    assert [one.id for one in cloud.network.subnets(subnet_pool_id=made.id)] == [subnet.id]
    with pytest.raises(exceptions.ConflictException, match="existing allocations"):
        cloud.network.delete_subnet_pool(made)
    with pytest.raises(exceptions.ConflictException, match="subnet pools in use"):
        cloud.network.delete_address_scope(scope)
    cloud.network.delete_subnet(subnet)
    cloud.network.delete_subnet_pool(made)
    cloud.network.delete_address_scope(scope)
    assert cloud.network.find_subnet_pool("main") is None


def test_a_subnet_comes_from_the_default_pool(cloud: Connection) -> None:
    cloud.network.create_subnet_pool(
        name="default", prefixes=["10.0.0.0/16"], default_prefix_length=24, is_default=True
    )
    network = cloud.network.create_network(name="demo")
    made = cloud.network.create_subnet(
        network_id=network.id, ip_version=4, use_default_subnet_pool=True
    )
    assert made.cidr == "10.0.0.0/24"
    with pytest.raises(exceptions.BadRequestException, match="minimum allowed prefix"):
        cloud.network.create_subnet(
            network_id=network.id, ip_version=4, use_default_subnet_pool=True, prefix_length=7
        )


def test_an_address_scope_is_mapped_changed_and_found(cloud: Connection) -> None:
    made = cloud.network.create_address_scope(name="six", ip_version=6, is_shared=False)
    assert unmapped(made) == set()
    changed = cloud.network.update_address_scope(made, name="v6", is_shared=True)
    assert (changed.name, changed.is_shared, changed.ip_version) == ("v6", True, 6)
    assert [one.id for one in cloud.network.address_scopes(ip_version=6)] == [made.id]
    assert cloud.network.find_address_scope("v6", ignore_missing=False).id == made.id


def test_availabilities_are_mapped_found_and_beyond_64_bits(cloud: Connection) -> None:
    network = cloud.network.create_network(name="demo")
    cloud.network.create_network(name="other")
    for version, cidr in ((4, "10.0.0.0/24"), (6, "2001:db8::/63")):
        cloud.network.create_subnet(
            network_id=network.id, ip_version=version, cidr=cidr, is_dhcp_enabled=False
        )
    cloud.network.create_port(network_id=network.id)
    found = cloud.network.find_network_ip_availability(network.id, ignore_missing=False)
    # Details are an extension of their own, which is not served.
    assert unmapped(found) <= {"id", "name", "ip_availability_details"}
    assert (found.network_id, found.used_ips) == (network.id, 2)
    assert found.total_ips == 253 + 2**65 - 2
    (four,) = cloud.network.network_ip_availabilities(ip_version=4)
    assert four.total_ips == 253
    assert len(list(cloud.network.network_ip_availabilities())) == 2
    shown = cloud.network.get_network_ip_availability(network.id)
    assert len(shown.subnet_ip_availability) == 2

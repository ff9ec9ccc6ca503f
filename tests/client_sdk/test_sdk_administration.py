"""openstacksdk, unchanged, on quotas, sharing, tags, agents and zones."""

from typing import Any

import pytest
from openstack import exceptions
from openstack.connection import Connection

# openstacksdk warns of what its next version drops, each time it is used.
pytestmark = [
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK50Warning"),
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK60Warning"),
]


@pytest.fixture
def agent(cloud: Connection) -> Any:
    """An agent in the zone `east`, as it reports itself."""
    report = {"host": "node-1", "started_at": 1, "availability_zone": "east"}
    cloud.network.post("/agents", json={"agent": report})
    (found,) = cloud.network.agents(host="node-1")
    return found


def test_quotas_are_set_shown_listed_and_taken_away(cloud: Connection) -> None:
    changed = cloud.network.update_quota("p1", networks=3, ports=7)
    assert (changed.networks, changed.ports, changed.subnets) == (3, 7, 100)
    shown = cloud.network.get_quota("p1")
    assert (shown.networks, shown.ports, shown.security_groups) == (3, 7, -1)  # there are none
    assert [(each.project_id, each.ports) for each in cloud.network.quotas()] == [("p1", 7)]
    details = cloud.network.get_quota("p1", details=True)
    assert details.networks == {"limit": 3, "used": 0, "reserved": 0}
    assert cloud.network.get_quota_default("p1").networks == 100
    cloud.network.delete_quota("p1")
    assert cloud.network.get_quota("p1").networks == 100


def test_check_limit_refuses_less_than_what_is_used(cloud: Connection) -> None:
    cloud.network.create_network(name="demo", project_id="p1")
    with pytest.raises(exceptions.BadRequestException, match="already used 1"):
        cloud.network.update_quota("p1", networks=0, check_limit=True)
    assert cloud.network.update_quota("p1", networks=0, force=True).networks == 0
    with pytest.raises(exceptions.ConflictException, match="Quota exceeded"):
        cloud.network.create_network(name="more", project_id="p1")


def test_an_rbac_policy_lives_its_whole_life(cloud: Connection) -> None:
    network = cloud.network.create_network(name="demo")
    made = cloud.network.create_rbac_policy(
        object_type="network",
        object_id=network.id,
        action="access_as_shared",
        target_project_id="p1",
    )
    assert (made.target_project_id, made.object_id) == ("p1", network.id)
    changed = cloud.network.update_rbac_policy(made, target_project_id="*")
    assert changed.target_project_id == "*"
    assert cloud.network.get_network(network.id).is_shared
    found = cloud.network.rbac_policies(object_id=network.id, target_project_id="*")
    assert [each.id for each in found] == [made.id]
    cloud.network.delete_rbac_policy(made)
    assert not cloud.network.get_network(network.id).is_shared


def test_tags_are_set_and_found(cloud: Connection) -> None:
    red = cloud.network.create_network(name="red", tags=["colour"])
    assert red.tags == ["colour"]
    cloud.network.set_tags(red, ["a", "b"])
    assert cloud.network.get_network(red.id).tags == ["a", "b"]
    red.add_tag(cloud.network, "c")
    red.check_tag(cloud.network, "c")
    red.remove_tag(cloud.network, "a")
    red.add_tags(cloud.network, ["d"])
    cloud.network.create_network(name="plain")
    assert cloud.network.get_network(red.id).tags == ["b", "c", "d"]
    assert [each.name for each in cloud.network.networks(tags="b,c")] == ["red"]
    assert [each.name for each in cloud.network.networks(not_any_tags="b,x")] == ["plain"]
    red.remove_all_tags(cloud.network)
    assert red.fetch_tags(cloud.network).tags == []


def test_agents_are_given_networks(cloud: Connection, agent: Any) -> None:
    network = cloud.network.create_network(name="demo")
    cloud.network.add_dhcp_agent_to_network(agent, network)
    served = cloud.network.dhcp_agent_hosting_networks(agent)
    assert [each.id for each in served] == [network.id]
    serving = cloud.network.network_hosting_dhcp_agents(network)
    assert [each.host for each in serving] == ["node-1"]
    assert cloud.network.get_network(network.id).availability_zones == ["east"]
    cloud.network.remove_dhcp_agent_from_network(agent, network)
    assert list(cloud.network.dhcp_agent_hosting_networks(agent)) == []


def test_zones_are_listed_and_hinted_at(cloud: Connection, agent: Any) -> None:
    (zone,) = cloud.network.availability_zones()
    assert (zone.name, zone.resource, zone.state) == (
        agent.availability_zone,
        "network",
        "available",
    )
    network = cloud.network.create_network(availability_zone_hints=["east"])
    assert network.availability_zone_hints == ["east"]
    assert list(cloud.network.service_providers()) == []

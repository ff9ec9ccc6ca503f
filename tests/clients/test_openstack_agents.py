"""`openstack network agent` and `availability zone`, unchanged, through Keystone."""

from collections.abc import Iterator

import openstack
import pytest
from openstack.config import OpenStackConfig

from tests.clients.site import Site
from tests.servers.openstack_client import OpenStackClient

# openstacksdk warns of what its next version drops, each time it is used.
pytestmark = [
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK50Warning"),
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK60Warning"),
]


@pytest.fixture(scope="module")
def agent(cloud: Site) -> Iterator[str]:
    """The id of an agent in the zone `east`, which has reported itself."""
    config = OpenStackConfig(config_files=[str(cloud.clouds_yaml)], load_envvars=False)
    connection = openstack.connection.Connection(config=config.get_one("admin"))
    report = {"host": "node-1", "started_at": 1, "availability_zone": "east"}
    made = connection.network.post("/agents", json={"agent": report}).json()["agent"]
    yield made["id"]
    connection.network.delete(f"/agents/{made['id']}")
    connection.close()


def test_an_agent_is_listed_shown_and_switched_off_and_on(
    admin: OpenStackClient, member: OpenStackClient, agent: str
) -> None:
    (row,) = admin.json("network agent list --host node-1")
    assert (row["ID"], row["Availability Zone"], row["Alive"]) == (agent, "east", True)
    admin("network agent set --disable --description spare", agent)
    shown = admin.json("network agent show", agent)
    assert (shown["admin_state_up"], shown["description"]) == (False, "spare")
    admin("network agent set --enable", agent)
    assert member.json("network agent list") == []


def test_a_network_is_given_to_an_agent_and_taken_away(admin: OpenStackClient, agent: str) -> None:
    admin("network create served")
    admin("network agent add network --dhcp", agent, "served")
    assert [row["Name"] for row in admin.json("network list --agent", agent)] == ["served"]
    (row,) = admin.json("network agent list --network served")
    assert row["ID"] == agent
    assert admin.json("network show served")["availability_zones"] == ["east"]
    admin("network agent remove network --dhcp", agent, "served")
    assert admin.json("network list --agent", agent) == []
    admin("network delete served")


def test_zones_are_listed_and_hinted_at(member: OpenStackClient, agent: str) -> None:
    assert agent
    (zone,) = member.json("availability zone list --network --long")
    assert (zone["Zone Name"], zone["Zone Status"], zone["Zone Resource"]) == (
        "east",
        "available",
        "network",
    )
    made = member.json("network create hinting --availability-zone-hint east")
    assert made["availability_zone_hints"] == ["east"]
    assert "AvailabilityZone west" in member.refused(
        "network create nowhere --availability-zone-hint west"
    )
    member("network delete hinting")

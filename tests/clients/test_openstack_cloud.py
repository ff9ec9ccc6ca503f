"""What `openstack` shows and sets of the service itself: quotas, agents, extensions, zones."""

from typing import Any

import pytest

from tests.clients.site import Site
from tests.servers.openstack_client import OpenStackClient


def limits(client: OpenStackClient, *words: str) -> dict[str, Any]:
    """Quotas of the network service by name."""
    rows = client.json("quota show --network", *words)
    return {row["Resource"]: row["Limit"] for row in rows}


def test_quotas_are_shown_set_listed_and_deleted(
    admin: OpenStackClient, member: OpenStackClient, cloud: Site
) -> None:
    project = cloud.projects["demo"]
    default = limits(admin, "--default")
    assert limits(member) == limits(admin, project) == default
    admin(
        "quota set --networks 7 --subnets 8 --ports 9 --subnetpools 3 --rbac-policies 4", project
    )
    changed = limits(member)
    assert {name: changed[name] for name in ("networks", "subnets", "ports", "subnet_pools")} == {
        "networks": 7,
        "subnets": 8,
        "ports": 9,
        "subnet_pools": 3,
    }
    assert changed["rbac_policies"] == 4
    (row,) = [row for row in admin.json("quota list --network") if row["Project ID"] == project]
    assert (row["Networks"], row["Ports"]) == (7, 9)
    assert "403" in member.refused("quota set --networks 100", project)
    admin("quota delete --network", project)
    assert limits(member) == default


def test_what_is_used_of_a_quota_is_shown(member: OpenStackClient) -> None:
    before = {row["Resource"]: row for row in member.json("quota show --network --usage")}
    member("network create counted")
    after = {row["Resource"]: row for row in member.json("quota show --network --usage")}
    assert after["networks"]["In Use"] == before["networks"]["In Use"] + 1
    member("network delete counted")


def test_a_quota_bounds_what_a_project_makes(
    admin: OpenStackClient, stranger: OpenStackClient, cloud: Site
) -> None:
    admin("quota set --networks 1", cloud.projects["other"])
    stranger("network create one")
    told = stranger.refused("network create two")
    assert "409" in told
    assert "Quota exceeded" in told
    stranger("network delete one")
    admin("quota delete --network", cloud.projects["other"])


def test_extensions_are_listed_and_shown(member: OpenStackClient) -> None:
    rows = member.json("extension list --network")
    aliases = [row["Alias"] for row in rows]
    assert {"agent", "binding", "quotas", "provider", "standard-attr-tag"} <= set(aliases)
    assert len(aliases) == len(set(aliases))
    for alias in aliases[::8]:
        assert member.json("extension show", alias)["alias"] == alias


def test_there_are_no_service_providers(member: OpenStackClient) -> None:
    assert member.json("network service provider list") == []


@pytest.mark.parametrize("command", ["router list", "floating ip list", "security group list"])
def test_what_is_not_there_is_an_empty_list(member: OpenStackClient, command: str) -> None:
    assert member.json(command) == []


def test_automatic_networks_are_refused_cleanly(member: OpenStackClient) -> None:
    told = member.refused("network auto allocated topology create --or-show")
    assert "Automatic networks are not offered" in told


def test_used_addresses_are_listed_and_shown_to_admins(
    admin: OpenStackClient, member: OpenStackClient
) -> None:
    network = member.json("network create counted")["id"]
    member("subnet create counted --subnet-range 10.0.0.0/24 --network", network)
    member("port create counted --network", network)
    (row,) = [
        row for row in admin.json("ip availability list") if row["Network Name"] == "counted"
    ]
    assert (row["Total IPs"], row["Used IPs"]) == (253, 2)
    shown = admin.json("ip availability show", network)
    assert (shown["total_ips"], shown["used_ips"]) == (253, 2)
    (subnet,) = shown["subnet_ip_availability"]
    assert subnet["cidr"] == "10.0.0.0/24"
    member("port delete counted")
    member("network delete", network)

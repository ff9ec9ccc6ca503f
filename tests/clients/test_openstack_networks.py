"""`openstack network` and `openstack network rbac`, unchanged, through Keystone."""

import pytest

from tests.clients.site import Site
from tests.servers.openstack_client import OpenStackClient


def test_a_network_is_made_with_every_option_an_admin_has(admin: OpenStackClient) -> None:
    made = admin.json(
        "network create full --share --external --mtu 1400 --dns-domain example.org."
        " --description words --tag a --tag b --disable --enable-port-security"
        " --provider-network-type vlan --provider-physical-network physnet1"
        " --provider-segment 42"
    )
    assert {name: made[name] for name in ("name", "shared", "mtu", "tags", "description")} == {
        "name": "full",
        "shared": True,
        "mtu": 1400,
        "tags": ["a", "b"],
        "description": "words",
    }
    assert (made["router:external"], made["admin_state_up"]) == (True, False)
    assert (made["dns_domain"], made["port_security_enabled"]) == ("example.org.", True)
    assert made["provider:network_type"] == "vlan"
    assert made["provider:physical_network"] == "physnet1"
    assert made["provider:segmentation_id"] == 42
    shown = admin.json("network show full")
    later = ("revision_number", "updated_at")  # the tags are set after it is made
    assert shown == {**made, **{name: shown[name] for name in later}}
    admin("network delete full")
    assert "No Network found for full" in admin.refused("network show full")


def test_a_network_is_changed_and_changed_back(admin: OpenStackClient) -> None:
    admin("network create changing --tag old")
    admin(
        "network set changing --name changed --share --external --mtu 1300 --tag new --disable"
        " --dns-domain example.net. --enable-port-security --description other"
    )
    shown = admin.json("network show changed")
    assert (shown["shared"], shown["router:external"], shown["mtu"]) == (True, True, 1300)
    assert (shown["tags"], shown["admin_state_up"]) == (["new", "old"], False)
    assert (shown["dns_domain"], shown["description"]) == ("example.net.", "other")
    assert shown["port_security_enabled"] is True
    admin("network set changed --no-share --internal --enable --no-tag --disable-port-security")
    shown = admin.json("network show changed")
    assert (shown["shared"], shown["router:external"], shown["tags"]) == (False, False, [])
    assert (shown["admin_state_up"], shown["port_security_enabled"]) == (True, False)
    admin("network set changed --tag x --tag y")
    admin("network unset changed --tag x")
    assert admin.json("network show changed")["tags"] == ["y"]
    admin("network unset changed --all-tag")
    assert admin.json("network show changed")["tags"] == []
    admin("network delete changed")


def test_networks_are_listed_by_every_filter(admin: OpenStackClient, cloud: Site) -> None:
    admin("network create lone --project demo --tag red --tag blue --disable")
    admin(
        "network create wide --share --external --provider-network-type flat"
        " --provider-physical-network physnet7"
    )
    listed = {
        "--name lone": "lone",
        "--share": "wide",
        "--external": "wide",
        "--internal --disable": "lone",
        "--disable": "lone",
        f"--project {cloud.projects['demo']} --name lone": "lone",
        "--provider-network-type flat": "wide",
        "--provider-physical-network physnet7": "wide",
        "--tags red,blue": "lone",
        "--any-tags red,green": "lone",
        "--not-tags red --share": "wide",
        "--not-any-tags red,green --external": "wide",
        "--status ACTIVE --share": "wide",
    }
    for options, name in listed.items():
        rows = admin.json(f"network list {options}")
        assert [row["Name"] for row in rows] == [name], options
    (row,) = admin.json("network list --long --name lone")
    assert row["Project"] == cloud.projects["demo"]
    assert (row["State"], row["Shared"], row["Tags"]) == (False, False, ["blue", "red"])
    admin("network delete lone wide")
    assert admin.json("network list --name lone") == []


def test_the_default_external_network_is_named_so(admin: OpenStackClient) -> None:
    assert admin.json("network create gate --external --default")["is_default"] is True
    admin("network set gate --external --no-default")
    assert admin.json("network show gate")["is_default"] is False
    admin("network delete gate")


def test_projects_make_networks_and_admins_alone_share_them(
    admin: OpenStackClient,
    member: OpenStackClient,
    reader: OpenStackClient,
    stranger: OpenStackClient,
    cloud: Site,
) -> None:
    made = member.json("network create ours")
    assert made["project_id"] == cloud.projects["demo"]
    assert made["provider:network_type"] is None
    assert "403" in member.refused("network create loud --share")
    assert "403" in member.refused("network create gate --external")
    assert "403" in member.refused(
        "network create vlan --provider-network-type vlan --provider-physical-network p"
    )
    assert "403" in member.refused("network set ours --share")
    assert "403" in reader.refused("network create mine")
    assert reader.json("network show ours")["id"] == made["id"]
    assert "403" in reader.refused("network set ours --name theirs")
    assert "403" in reader.refused("network delete ours")
    assert "No Network found" in stranger.refused("network show ours")
    assert "No Network found" in stranger.refused("network delete", made["id"])
    assert stranger.json("network list --name ours") == []
    assert admin.json("network show", made["id"])["name"] == "ours"
    member("network delete ours")


def test_a_network_is_shared_with_one_project_by_a_policy(
    admin: OpenStackClient, member: OpenStackClient, stranger: OpenStackClient, cloud: Site
) -> None:
    network = member.json("network create lent")
    policy = member.json(
        "network rbac create --type network --action access_as_shared lent --target-project",
        cloud.projects["other"],
    )
    assert policy["object_id"] == network["id"]
    assert policy["target_project_id"] == cloud.projects["other"]
    assert stranger.json("network show lent")["id"] == network["id"]
    rows = member.json("network rbac list --long --type network --action access_as_shared")
    assert [(row["ID"], row["Object ID"]) for row in rows] == [(policy["id"], network["id"])]
    shown = member.json("network rbac show", policy["id"])
    assert (shown["action"], shown["object_type"]) == ("access_as_shared", "network")
    assert "403" in member.refused(
        "network rbac create --type network --action access_as_shared lent --target-all-projects"
    )
    admin("network rbac set --target-project", cloud.projects["service"], policy["id"])
    assert "No Network found" in stranger.refused("network show lent")
    member("network rbac delete", policy["id"])
    assert member.json("network rbac list") == []
    member("network delete lent")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("--mtu many", "mtu"),
        ("--dns-domain under_score.org.", "dns_domain"),
        ("--provider-network-type vlan --provider-segment 5000", "5000"),
    ],
)
def test_what_is_wrong_is_said_in_the_words_of_the_service(
    admin: OpenStackClient, options: str, reason: str
) -> None:
    told = admin.refused(f"network create wrong {options}")
    assert "400" in told
    assert reason in told

"""`openstack subnet pool` and `openstack address scope`, unchanged, through Keystone."""

from collections.abc import Iterator

import pytest

from tests.clients.site import Site
from tests.servers.openstack_client import OpenStackClient


@pytest.fixture
def pool(member: OpenStackClient) -> Iterator[str]:
    """The id of a pool that is gone afterwards."""
    words = "subnet pool create home --pool-prefix 10.64.0.0/16 --default-prefix-length 26"
    made: str = member.json(words)["id"]
    yield made
    member("subnet pool delete", made)


def test_a_subnet_pool_is_made_with_every_option(admin: OpenStackClient) -> None:
    scope = admin.json("address scope create all --share --ip-version 4")
    assert (scope["shared"], scope["ip_version"]) == (True, 4)
    made = admin.json(
        "subnet pool create full --pool-prefix 10.0.0.0/16 --pool-prefix 10.32.0.0/16"
        " --default-prefix-length 26 --min-prefix-length 20 --max-prefix-length 28"
        " --description words --share --default --default-quota 1024 --tag x"
        " --address-scope all"
    )
    assert made["prefixes"] == ["10.0.0.0/16", "10.32.0.0/16"]
    lengths = (made["default_prefixlen"], made["min_prefixlen"], made["max_prefixlen"])
    assert lengths == (26, 20, 28)
    assert (made["shared"], made["is_default"], made["tags"]) == (True, True, ["x"])
    assert (made["default_quota"], made["address_scope_id"]) == (1024, scope["id"])
    admin("subnet pool unset full --tag x")
    admin("subnet pool set full --no-default --no-address-scope --name bare --tag y")
    admin(
        "subnet pool set bare --pool-prefix 10.48.0.0/16 --default-prefix-length 25"
        " --min-prefix-length 19 --max-prefix-length 29 --description other --default-quota 2048"
    )
    shown = admin.json("subnet pool show bare")
    assert "10.48.0.0/16" in " ".join(shown["prefixes"])
    lengths = (shown["default_prefixlen"], shown["min_prefixlen"], shown["max_prefixlen"])
    assert lengths == (25, 19, 29)
    assert (shown["is_default"], shown["address_scope_id"]) == (False, None)
    assert (shown["description"], shown["default_quota"], shown["tags"]) == ("other", 2048, ["y"])
    admin("subnet pool delete bare")
    admin("address scope delete all")


def test_subnet_pools_are_listed_by_every_filter(
    admin: OpenStackClient, member: OpenStackClient, pool: str, cloud: Site
) -> None:
    admin("address scope create wide --ip-version 6 --share")
    admin(
        "subnet pool create six --pool-prefix 2001:db8::/48 --share --default --tag red"
        " --address-scope wide"
    )
    listed = {
        "--share": "six",
        "--no-share": "home",
        "--default": "six",
        "--no-default": "home",
        "--name home": "home",
        f"--project {cloud.projects['demo']}": "home",
        "--address-scope wide": "six",
        "--tags red": "six",
    }
    for options, name in listed.items():
        rows = admin.json(f"subnet pool list {options}")
        assert [row["Name"] for row in rows] == [name], options
    (row,) = member.json("subnet pool list --long --name home")
    assert (row["Prefixes"], row["Default Prefix Length"]) == (["10.64.0.0/16"], 26)
    admin("subnet pool delete six")
    admin("address scope delete wide")


def test_a_subnet_comes_from_a_pool(member: OpenStackClient, pool: str) -> None:
    network = member.json("network create fed")["id"]
    on = ("--network", network)
    first = member.json("subnet create a --subnet-pool home", *on)
    assert (first["cidr"], first["subnetpool_id"]) == ("10.64.0.0/26", pool)
    second = member.json("subnet create b --subnet-pool home --prefix-length 24", *on)
    assert second["cidr"].endswith("/24")
    given = member.json(
        "subnet create c --subnet-pool home --subnet-range 10.64.77.0/24 --gateway 10.64.77.9", *on
    )
    assert (given["cidr"], given["gateway_ip"]) == ("10.64.77.0/24", "10.64.77.9")
    taken = "subnet create d --subnet-pool home --subnet-range 10.64.77.0/25"
    assert "HttpException: 5" not in member.refused(taken, *on)
    rows = member.json("subnet list --subnet-pool home")
    assert sorted(row["Name"] for row in rows) == ["a", "b", "c"]
    assert "409" in member.refused("subnet pool delete home")
    member("network delete", network)


def test_the_default_pool_serves_who_names_none(
    admin: OpenStackClient, member: OpenStackClient
) -> None:
    admin(
        "subnet pool create deep --pool-prefix 10.80.0.0/16 --default-prefix-length 24"
        " --default --share"
    )
    network = member.json("network create fed")["id"]
    made = member.json("subnet create a --use-default-subnet-pool --network", network)
    assert made["cidr"].startswith("10.80.")
    member("network delete", network)
    admin("subnet pool delete deep")


def test_an_address_scope_lives_its_whole_life(
    admin: OpenStackClient, member: OpenStackClient, stranger: OpenStackClient
) -> None:
    made = member.json("address scope create ours --ip-version 6")
    assert (made["name"], made["ip_version"], made["shared"]) == ("ours", 6, False)
    assert "No AddressScope found" in stranger.refused("address scope show ours")
    member("address scope set ours --name renamed")
    assert "403" in member.refused("address scope set renamed --share")
    admin("address scope set renamed --share")
    assert stranger.json("address scope show renamed")["id"] == made["id"]
    (row,) = member.json("address scope list --ip-version 6 --share --name renamed")
    assert row["ID"] == made["id"]
    admin("address scope delete renamed")
    assert "No AddressScope found" in member.refused("address scope show renamed")


def test_a_pool_and_a_scope_are_shared_with_one_project_by_a_policy(
    member: OpenStackClient, stranger: OpenStackClient, pool: str, cloud: Site
) -> None:
    scope = member.json("address scope create lent")["id"]
    other = ("--target-project", cloud.projects["other"])
    made = [
        member.json("network rbac create --action access_as_shared --type", kind, name, *other)
        for kind, name in (("subnetpool", "home"), ("address_scope", "lent"))
    ]
    assert stranger.json("subnet pool show home")["id"] == pool
    assert stranger.json("address scope show lent")["id"] == scope
    member("network rbac delete", *(policy["id"] for policy in made))
    assert "No SubnetPool found" in stranger.refused("subnet pool show home")
    member("address scope delete lent")


def test_projects_share_no_pool_with_everybody(
    member: OpenStackClient, reader: OpenStackClient, pool: str
) -> None:
    words = "subnet pool create loud --pool-prefix 10.0.0.0/16"
    assert "403" in member.refused(f"{words} --share")
    assert "403" in member.refused(f"{words} --default")
    assert "403" in reader.refused(words)
    assert "403" in reader.refused("subnet pool set", pool, "--name", "x")
    assert "403" in reader.refused("subnet pool delete", pool)
    assert reader.json("subnet pool show", pool)["name"] == "home"

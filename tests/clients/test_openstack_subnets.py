"""`openstack subnet`, unchanged, through Keystone."""

from collections.abc import Iterator

import pytest

from tests.clients.site import Site
from tests.servers.openstack_client import OpenStackClient


@pytest.fixture
def network(member: OpenStackClient) -> Iterator[str]:
    """The id of a network that is gone afterwards, with what is left of its subnets."""
    made: str = member.json("network create planned")["id"]
    yield made
    member("network delete", made)


def test_a_subnet_is_made_with_every_option(member: OpenStackClient, network: str) -> None:
    made = member.json(
        "subnet create full --subnet-range 10.1.0.0/24 --gateway 10.1.0.254 --no-dhcp"
        " --allocation-pool start=10.1.0.5,end=10.1.0.9"
        " --allocation-pool start=10.1.0.20,end=10.1.0.29"
        " --dns-nameserver 9.9.9.9 --dns-nameserver 1.1.1.1"
        " --host-route destination=10.8.0.0/16,gateway=10.1.0.8"
        " --tag x --description words --ip-version 4 --network",
        network,
    )
    assert made["allocation_pools"] == [
        {"start": "10.1.0.5", "end": "10.1.0.9"},
        {"start": "10.1.0.20", "end": "10.1.0.29"},
    ]
    assert made["dns_nameservers"] == ["9.9.9.9", "1.1.1.1"]
    assert made["host_routes"] == [{"destination": "10.8.0.0/16", "nexthop": "10.1.0.8"}]
    assert (made["gateway_ip"], made["enable_dhcp"]) == ("10.1.0.254", False)
    assert (made["tags"], made["description"], made["name"]) == (["x"], "words", "full")
    assert member.json("network show", network)["subnets"] == [made["id"]]
    member("subnet delete full")
    assert "No Subnet found" in member.refused("subnet show full")


def test_a_gateway_is_the_first_address_or_none(member: OpenStackClient, network: str) -> None:
    member("subnet create own --gateway auto --subnet-range 10.0.0.0/24 --network", network)
    assert member.json("subnet show own")["gateway_ip"] == "10.0.0.1"
    member("subnet create bare --gateway none --subnet-range 10.2.0.0/24 --network", network)
    bare = member.json("subnet show bare")
    assert bare["gateway_ip"] is None
    assert bare["allocation_pools"] == [{"start": "10.2.0.1", "end": "10.2.0.254"}]


@pytest.mark.parametrize("mode", ["slaac", "dhcpv6-stateful", "dhcpv6-stateless"])
def test_an_ipv6_subnet_has_its_modes(member: OpenStackClient, network: str, mode: str) -> None:
    made = member.json(
        "subnet create six --ip-version 6 --subnet-range 2001:db8::/64"
        f" --ipv6-ra-mode {mode} --ipv6-address-mode {mode} --network",
        network,
    )
    assert (made["ipv6_ra_mode"], made["ipv6_address_mode"]) == (mode, mode)
    assert (made["ip_version"], made["gateway_ip"]) == (6, "2001:db8::1")


def test_a_subnet_is_changed_and_changed_back(member: OpenStackClient, network: str) -> None:
    member(
        "subnet create s --subnet-range 10.0.0.0/24 --network",
        network,
        *("--allocation-pool", "start=10.0.0.10,end=10.0.0.19"),
    )
    member(
        "subnet set s --name t --dns-nameserver 9.9.9.9 --description words --no-dhcp --tag x"
        " --allocation-pool start=10.0.0.100,end=10.0.0.109 --gateway 10.0.0.254"
        " --host-route destination=10.8.0.0/16,gateway=10.0.0.8"
    )
    shown = member.json("subnet show t")
    assert len(shown["allocation_pools"]) == 2
    assert (shown["dns_nameservers"], shown["gateway_ip"]) == (["9.9.9.9"], "10.0.0.254")
    assert (shown["enable_dhcp"], shown["tags"]) == (False, ["x"])
    assert len(shown["host_routes"]) == 1
    member(
        "subnet unset t --allocation-pool start=10.0.0.100,end=10.0.0.109 --gateway --tag x"
        " --dns-nameserver 9.9.9.9 --host-route destination=10.8.0.0/16,gateway=10.0.0.8"
    )
    shown = member.json("subnet show t")
    assert shown["allocation_pools"] == [{"start": "10.0.0.10", "end": "10.0.0.19"}]
    assert (shown["dns_nameservers"], shown["host_routes"]) == ([], [])
    assert (shown["gateway_ip"], shown["tags"]) == (None, [])
    member("subnet set t --dhcp --dns-nameserver 9.9.9.9")
    member("subnet set t --no-dns-nameserver --dns-nameserver 1.1.1.1")
    assert member.json("subnet show t")["dns_nameservers"] == ["1.1.1.1"]
    member("subnet set t --no-allocation-pool --allocation-pool start=10.0.0.30,end=10.0.0.39")
    shown = member.json("subnet show t")
    assert shown["allocation_pools"] == [{"start": "10.0.0.30", "end": "10.0.0.39"}]


def test_its_owner_reserves_a_subnet_for_a_service(
    admin: OpenStackClient, member: OpenStackClient, network: str
) -> None:
    words = "subnet create of --subnet-range 10.3.0.0/24 --service-type network:dhcp --network"
    assert member.json(words, network)["service_types"] == ["network:dhcp"]
    member("subnet set of --service-type compute:nova")
    assert len(admin.json("subnet show of")["service_types"]) == 2
    admin("subnet unset of --service-type network:dhcp")
    assert admin.json("subnet show of")["service_types"] == ["compute:nova"]
    (row,) = admin.json("subnet list --service-type compute:nova")
    assert row["Name"] == "of"


def test_subnets_are_listed_by_every_filter(
    member: OpenStackClient, network: str, cloud: Site
) -> None:
    on = ("--network", network)
    member("subnet create four --subnet-range 10.44.0.0/24 --tag red", *on)
    member("subnet create six --subnet-range 2001:db8:44::/64 --ip-version 6 --no-dhcp", *on)
    listed = {
        "--name four": "four",
        "--ip-version 6": "six",
        "--dhcp": "four",
        "--no-dhcp": "six",
        "--subnet-range 10.44.0.0/24": "four",
        "--gateway 2001:db8:44::1": "six",
        "--tags red": "four",
        "--not-tags red": "six",
        f"--project {cloud.projects['demo']} --ip-version 4": "four",
    }
    for options, name in listed.items():
        rows = member.json(f"subnet list {options}", *on)
        assert [row["Name"] for row in rows] == [name], options
    (row,) = member.json("subnet list --long --name four")
    assert (row["Subnet"], row["Gateway"], row["DHCP"]) == ("10.44.0.0/24", "10.44.0.1", True)


def test_a_reader_sees_subnets_and_changes_none(
    member: OpenStackClient, reader: OpenStackClient, stranger: OpenStackClient, network: str
) -> None:
    member("subnet create ours --subnet-range 10.0.0.0/24 --network", network)
    assert reader.json("subnet show ours")["cidr"] == "10.0.0.0/24"
    assert "403" in reader.refused("subnet set ours --name theirs")
    assert "403" in reader.refused("subnet delete ours")
    assert "No Subnet found" in stranger.refused("subnet show ours")
    words = "subnet create mine --subnet-range 10.9.0.0/24 --network"
    assert "No Network found" in stranger.refused(words, network)


def test_a_subnet_with_a_port_stays(member: OpenStackClient, network: str) -> None:
    member("subnet create s --subnet-range 10.0.0.0/24 --network", network)
    member("port create stays --network", network)
    assert "409" in member.refused("subnet delete s")
    assert "409" in member.refused("network delete", network)
    member("port delete stays")
    member("subnet delete s")

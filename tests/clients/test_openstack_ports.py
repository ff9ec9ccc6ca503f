"""`openstack port`, unchanged, through Keystone."""

from collections.abc import Iterator

import pytest

from tests.clients.site import Site
from tests.servers.openstack_client import OpenStackClient


@pytest.fixture
def network(member: OpenStackClient) -> Iterator[str]:
    """The id of a network with the subnets v4 and v6; gone afterwards, with its ports."""
    made: str = member.json("network create wired")["id"]
    on = ("--network", made)
    member("subnet create v4 --subnet-range 10.0.0.0/24", *on)
    member(
        "subnet create v6 --ip-version 6 --subnet-range 2001:db8::/64"
        " --ipv6-ra-mode dhcpv6-stateful --ipv6-address-mode dhcpv6-stateful",
        *on,
    )
    yield made
    left = [
        row["ID"]
        for row in member.json("port list --long", *on)
        if row["Device Owner"] != "network:dhcp"
    ]
    if left:
        member("port delete", *left)
    member("network delete", made)


def test_a_port_is_made_with_every_option_its_owner_has(
    member: OpenStackClient, network: str
) -> None:
    made = member.json(
        "port create web --fixed-ip subnet=v4,ip-address=10.0.0.105"
        " --mac-address fa:16:3e:00:00:11 --device vm-1 --device-owner compute:nova"
        " --dns-name web --extra-dhcp-option name=bootfile-name,value=pxe.0,ip-version=4"
        " --allowed-address ip-address=10.0.0.77,mac-address=fa:16:3e:00:00:77"
        " --tag t --description words --disable --enable-port-security --vnic-type normal"
        " --no-security-group --network",
        network,
    )
    v4 = member.json("subnet show v4")["id"]
    assert made["fixed_ips"] == [{"subnet_id": v4, "ip_address": "10.0.0.105"}]
    assert (made["mac_address"], made["admin_state_up"]) == ("fa:16:3e:00:00:11", False)
    assert (made["device_id"], made["device_owner"]) == ("vm-1", "compute:nova")
    assert made["allowed_address_pairs"] == [
        {"ip_address": "10.0.0.77", "mac_address": "fa:16:3e:00:00:77"}
    ]
    assert made["extra_dhcp_opts"] == [
        {"opt_name": "bootfile-name", "opt_value": "pxe.0", "ip_version": 4}
    ]
    (assignment,) = made["dns_assignment"]
    assert (assignment["hostname"], assignment["ip_address"]) == ("web", "10.0.0.105")
    assert (made["tags"], made["description"]) == (["t"], "words")
    assert (made["binding_vnic_type"], made["port_security_enabled"]) == ("normal", True)
    assert made["security_group_ids"] == []
    assert member.json("port show web") == made
    member("port delete web")
    assert "No Port found" in member.refused("port show web")


def test_a_port_without_wishes_gets_an_address_of_each_version(
    member: OpenStackClient, network: str
) -> None:
    made = member.json("port create any --network", network)
    assert sorted(":" in fixed["ip_address"] for fixed in made["fixed_ips"]) == [False, True]
    none = member.json("port create none --no-fixed-ip --network", network)
    assert none["fixed_ips"] == []


def test_nova_s_side_of_a_port_is_for_admins_alone(
    admin: OpenStackClient, member: OpenStackClient, network: str
) -> None:
    member("port create vm --network", network)
    assert "403" in member.refused("port set vm --host node-1")
    words = "port create mine --binding-profile a=b --network"
    assert "403" in member.refused(words, network)
    admin("port set vm --host node-1 --binding-profile a=b --binding-profile c=d --device vm-1")
    shown = admin.json("port show vm")
    assert (shown["binding_host_id"], shown["binding_vif_type"]) == ("node-1", "tap")
    assert shown["binding_profile"] == {"a": "b", "c": "d"}
    assert shown["binding_vif_details"]["port_filter"] is False, "no agent is there"
    assert [row["Name"] for row in admin.json("port list --host node-1")] == ["vm"]
    hidden = member.json("port show vm")
    assert hidden["binding_host_id"] is None
    assert hidden["binding_vif_type"] is None
    admin("port unset vm --host --binding-profile a --device --device-owner")
    shown = admin.json("port show vm")
    assert (shown["binding_host_id"], shown["binding_vif_type"]) == ("", "unbound")
    assert (shown["binding_profile"], shown["device_id"]) == ({"c": "d"}, "")
    admin("port set vm --no-binding-profile")
    assert admin.json("port show vm")["binding_profile"] == {}


def test_a_port_is_changed_and_changed_back(member: OpenStackClient, network: str) -> None:
    member("port create p --fixed-ip ip-address=10.0.0.10 --network", network)
    member(
        "port set p --name q --fixed-ip subnet=v4,ip-address=10.0.0.20 --device vm --disable"
        " --device-owner compute:nova --description words --dns-name q --tag x"
        " --allowed-address ip-address=10.0.0.99"
        " --extra-dhcp-option name=bootfile-name,value=pxe.0 --vnic-type direct"
    )
    shown = member.json("port show q")
    addresses = {fixed["ip_address"] for fixed in shown["fixed_ips"]}
    assert addresses == {"10.0.0.10", "10.0.0.20"}
    assert (shown["device_id"], shown["device_owner"]) == ("vm", "compute:nova")
    assert (shown["admin_state_up"], shown["dns_name"]) == (False, "q")
    assert [pair["ip_address"] for pair in shown["allowed_address_pairs"]] == ["10.0.0.99"]
    assert [option["opt_value"] for option in shown["extra_dhcp_opts"]] == ["pxe.0"]
    assert (shown["binding_vnic_type"], shown["tags"]) == ("direct", ["x"])
    member("port unset q --fixed-ip subnet=v4,ip-address=10.0.0.10 --tag x --device")
    shown = member.json("port show q")
    assert [fixed["ip_address"] for fixed in shown["fixed_ips"]] == ["10.0.0.20"]
    assert (shown["tags"], shown["device_id"]) == ([], "")
    (pair,) = shown["allowed_address_pairs"]
    given = f"ip-address={pair['ip_address']},mac-address={pair['mac_address']}"
    member("port unset q --allowed-address", given)
    assert member.json("port show q")["allowed_address_pairs"] == []
    member("port set q --no-fixed-ip --enable --no-allowed-address")
    shown = member.json("port show q")
    assert (shown["fixed_ips"], shown["admin_state_up"]) == ([], True)


def test_admins_alone_change_a_mac_address(
    admin: OpenStackClient, member: OpenStackClient, network: str
) -> None:
    member("port create p --mac-address fa:16:3e:00:00:01 --network", network)
    assert "403" in member.refused("port set p --mac-address fa:16:3e:00:00:02")
    admin("port set p --mac-address fa:16:3e:00:00:02")
    assert member.json("port show p")["mac_address"] == "fa:16:3e:00:00:02"


def test_ports_are_listed_by_every_filter(
    admin: OpenStackClient, member: OpenStackClient, network: str, cloud: Site
) -> None:
    on = ("--network", network)
    member(
        "port create one --fixed-ip ip-address=10.0.0.41 --mac-address fa:16:3e:00:00:41"
        " --device vm-41 --device-owner compute:nova --tag red",
        *on,
    )
    member("port create two --fixed-ip ip-address=10.0.0.52 --tag blue --disable", *on)
    listed = {
        "--name one": "one",
        "--device-id vm-41": "one",
        "--device-owner compute:nova": "one",
        "--mac-address fa:16:3e:00:00:41": "one",
        "--fixed-ip ip-address=10.0.0.52": "two",
        "--fixed-ip subnet=v4,ip-address=10.0.0.41": "one",
        "--fixed-ip ip-substring=0.0.5": "two",
        "--tags red": "one",
        "--any-tags blue,green": "two",
        "--not-tags red --name two": "two",
        "--status DOWN --name two": "two",
        f"--project {cloud.projects['demo']} --name one": "one",
    }
    for options, name in listed.items():
        rows = member.json(f"port list {options}", *on)
        assert [row["Name"] for row in rows] == [name], options
    (row,) = member.json("port list --long --name one", *on)
    assert (row["MAC Address"], row["Device Owner"]) == ("fa:16:3e:00:00:41", "compute:nova")
    assert (row["Status"], row["Tags"]) == ("DOWN", ["red"])
    assert len(admin.json("port list --fixed-ip subnet=v4", *on)) == 3


def test_an_address_is_given_once(member: OpenStackClient, network: str) -> None:
    on = ("--network", network)
    member("port create a --fixed-ip ip-address=10.0.0.30", *on)
    told = member.refused("port create b --fixed-ip ip-address=10.0.0.30", *on)
    assert "409" in told
    assert "10.0.0.30" in told
    told = member.refused("port create c --fixed-ip ip-address=192.0.2.1", *on)
    assert "400" in told


def test_a_reader_and_a_stranger_change_no_port(
    member: OpenStackClient, reader: OpenStackClient, stranger: OpenStackClient, network: str
) -> None:
    port = member.json("port create ours --network", network)
    assert reader.json("port show ours")["id"] == port["id"]
    assert "403" in reader.refused("port set ours --name theirs")
    assert "403" in reader.refused("port delete ours")
    assert "403" in reader.refused("port create mine --network", network)
    assert "No Port found" in stranger.refused("port show", port["id"])
    assert "No Port found" in stranger.refused("port delete", port["id"])
    assert "No Network found" in stranger.refused("port create mine --network", network)


def test_a_network_s_dhcp_port_belongs_to_its_project(
    member: OpenStackClient, network: str, cloud: Site
) -> None:
    (dhcp,) = member.json("port list --device-owner network:dhcp --network", network)
    shown = member.json("port show", dhcp["ID"])
    assert (shown["network_id"], shown["project_id"]) == (network, cloud.projects["demo"])

"""`ipam export` and `ipam apply`: a round trip, changes, and refusals, on the real API."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import Ipam, Outcome

ESTATE = """
network create lab --mtu 1400 --dns-domain lab.example --tag b --tag a --share
 --dhcp-option ntp-server=10.0.0.7 --lease-time 12h
network boot set lab --tftp-server 10.0.0.9 --bios pxelinux.0
network create empty
subnet create --network lab --subnet-range 10.0.0.0/24 v4 --dns-nameserver 9.9.9.9
 --allocation-pool start=10.0.0.10,end=10.0.0.99 --dynamic-range start=10.0.0.160,end=10.0.0.199
 --host-route destination=10.9.0.0/16,gateway=10.0.0.9 --tag x
 --dhcp-option ntp-server= --lease-time infinite
address scope create all-4
subnet pool create --pool-prefix 10.64.0.0/16 --default-prefix-length 24 --address-scope all-4
 --default-quota 9999 --tag p lab-pool
network create pooled
subnet create --network pooled --subnet-pool lab-pool --prefix-length 24
network rbac create pooled --target-project other
network rbac create lab --target-all-projects --action access_as_external
quota set other --ports 5 --networks -1
subnet boot set v4 --nothing
subnet create --network lab --subnet-range 10.0.1.0/24 --gateway none --no-dhcp quiet
subnet create --network lab --subnet-range 2001:db8::/64 v6 --ipv6-ra-mode dhcpv6-stateful
 --ipv6-address-mode dhcpv6-stateful
port create --network lab web-1 --fixed-ip ip-address=10.0.0.20 --fixed-ip subnet=v6
 --dns-name web-1 --mac-address 52:54:00:00:00:01 --host node-7 --description 'the first one'
 --extra-dhcp-option name=bootfile-name,value=pxe.0 --allowed-address ip-address=10.0.0.99
port create --network lab --mac-address 52:54:00:00:00:02 --device vm-2 --disable --tag y
port create --network empty none
"""


def command_lines(text: str) -> list[list[str]]:
    return [shlex.split(one) for one in text.strip().replace("\n ", " ").split("\n")]


@pytest.fixture
def estate(local: Ipam) -> Ipam:
    for words in command_lines(ESTATE):
        made = local(*words)
        assert made.status == 0, made.err
    return local


def exported(ipam: Ipam, *words: str) -> str:
    outcome = ipam("export", *words)
    assert outcome.status == 0, outcome.err
    return outcome.out


def apply(ipam: Ipam, document: Any, *words: str) -> Outcome:
    path = Path("estate.json")
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    form = "yaml" if isinstance(document, str) else "json"
    return ipam("apply", "--from-file", str(path), "--file-format", form, *words)


def test_what_was_exported_is_all_as_it_is(estate: Ipam) -> None:
    outcome = apply(estate, exported(estate), "--yes")
    assert outcome.status == 0, outcome.err
    assert outcome.out == "0 to make, 0 to change, 14 as they are\n"


def test_an_empty_service_becomes_the_same_estate(estate: Ipam) -> None:
    before = exported(estate)
    ports = json.loads(estate("port", "list", "-f", "json", "--long").out)
    for port in ports:
        if port["Device Owner"] != "network:dhcp":
            assert estate("port", "delete", port["ID"]).status == 0
    assert estate("network", "delete", "lab", "empty", "pooled").status == 0
    assert estate("subnet", "pool", "delete", "lab-pool").status == 0
    assert estate("address", "scope", "delete", "all-4").status == 0
    assert estate("quota", "delete", "other").status == 0
    assert yaml.safe_load(exported(estate)) == {"version": 1, "networks": []}
    outcome = apply(estate, before, "--yes")
    assert outcome.status == 0, outcome.err
    assert exported(estate) == before
    again = apply(estate, before, "--yes")
    assert "0 to make, 0 to change" in again.out


def test_the_text_has_names_and_no_ids_and_nothing_that_is_as_by_default(estate: Ipam) -> None:
    document = yaml.safe_load(exported(estate, "--network", "lab"))
    (network,) = document["networks"]
    assert network["tags"] == ["a", "b"]
    assert [one["cidr"] for one in network["subnets"]] == [
        "10.0.0.0/24",
        "10.0.1.0/24",
        "2001:db8::/64",
    ]
    assert next(one["mac_address"] for one in network["ports"]) == "52:54:00:00:00:02"
    assert "description" not in network
    assert not re.search("[0-9a-f]{8}-[0-9a-f]{4}-", json.dumps(document))


def test_both_formats_say_the_same(estate: Ipam) -> None:
    assert json.loads(exported(estate, "-f", "json")) == yaml.safe_load(exported(estate))


def test_without_yes_nothing_is_changed_and_all_is_told(estate: Ipam) -> None:
    before = exported(estate)
    document = yaml.safe_load(before)
    document["networks"][1]["mtu"] = 1300
    document["networks"].append({"name": "new"})
    outcome = apply(estate, document)
    assert outcome.status == 0
    assert outcome.out.splitlines() == [
        "+ network new",
        "~ network lab: mtu",
        "1 to make, 1 to change, 13 as they are",
    ]
    assert outcome.err == "Nothing was changed. --yes does it.\n"
    assert exported(estate) == before


def test_what_is_around_networks_is_changed_and_shared(estate: Ipam) -> None:
    document = yaml.safe_load(exported(estate))
    (pool,) = document["subnet_pools"]
    assert (pool["address_scope"], pool["default_quota"], pool["tags"]) == ("all-4", 9999, ["p"])
    assert document["networks"][2]["subnets"][0]["subnet_pool"] == "lab-pool"
    pool |= {"address_scope": None, "prefixes": ["10.64.0.0/15"]}
    shared = {"object_type": "network", "object": "empty", "action": "access_as_shared"}
    document["rbac_policies"].append({**shared, "target_project": "third"})
    document["quotas"] = [{"project_id": "other", "ports": 7}]
    assert (
        "quota other has no ports. It may have: project_id, network" in apply(estate, document).err
    )
    document["quotas"] = [{"project_id": "other", "port": 7}]
    dry = apply(estate, document, "--dry-run")
    assert dry.status == 0, dry.err
    assert apply(estate, document, "--yes").status == 0
    after = yaml.safe_load(exported(estate))
    assert after["subnet_pools"][0]["prefixes"] == ["10.64.0.0/15"]
    assert "address_scope" not in after["subnet_pools"][0]
    assert [one["object"] for one in after["rbac_policies"]] == ["empty", "pooled"]
    assert after["quotas"] == [{"project_id": "other", "network": -1, "port": 7}]
    assert "All is so." in apply(estate, document).err


def test_names_that_nothing_has_are_faults(local: Ipam) -> None:
    subnet = {"cidr": "10.0.0.0/24", "subnet_pool": "none"}
    policy = {"object_type": "network", "object": "gone", "action": "access_as_shared"}
    document = {
        "subnet_pools": [{"name": "p", "prefixes": ["10.0.0.0/8"], "address_scope": "no"}],
        "networks": [{"name": "n", "subnets": [subnet]}],
        "rbac_policies": [{**policy, "target_project": "*"}, {**policy, "colour": "red"}],
    }
    told = apply(local, document, "--yes").err
    assert "subnet 10.0.0.0/24: no subnetpool is called 'none'" in told
    assert "subnet_pool p: no address_scope is called 'no'" in told
    assert "rbac_policy 2 has not all of object_type, object, action, target_project" in told


def test_a_pool_does_not_change_to_a_scope_that_nothing_has(estate: Ipam) -> None:
    document = yaml.safe_load(exported(estate))
    document["subnet_pools"][0]["address_scope"] = "no"
    told = apply(estate, document, "--yes")
    assert told.status == 1
    assert "subnet_pool lab-pool: no address_scope is called 'no'" in told.err


def test_names_that_are_no_text_are_faults(local: Ipam) -> None:
    policy = {"object": "n", "action": "access_as_shared", "target_project": 7}
    document = {
        "subnet_pools": [{"name": "p", "prefixes": ["10.0.0.0/8"], "address_scope": ["s"]}],
        "networks": [{"name": "n", "subnets": [{"cidr": "10.0.0.0/24", "subnet_pool": ["p"]}]}],
        "rbac_policies": [{**policy, "object_type": ["network"]}],
        "quotas": [{"project_id": "p", 1: 1, "a": 1}],
    }
    told = apply(local, yaml.safe_dump(document), "--yes").err
    assert "subnet 10.0.0.0/24: no subnetpool is called ['p']" in told
    assert "subnet_pool p: no address_scope is called ['s']" in told
    assert "rbac_policy 1: object_type, target_project is no text." in told
    assert "quota p has no 1, a." in told


def test_changes_of_every_kind_are_made(estate: Ipam) -> None:
    document = yaml.safe_load(exported(estate))
    lab = document["networks"][1]
    lab["tags"] = ["c"]
    lab["subnets"][0]["dns_nameservers"] = ["1.1.1.1"]
    web = next(one for one in lab["ports"] if one.get("name") == "web-1")
    web |= {"addresses": ["10.0.0.21"], "host": "node-8", "dns_name": "web"}
    lab["ports"].append({"mac_address": "52:54:00:00:00:03", "name": "new"})
    outcome = apply(estate, document, "--yes")
    assert outcome.status == 0, outcome.err
    after = yaml.safe_load(exported(estate))["networks"][1]
    assert after["tags"] == ["c"]
    assert after["subnets"][0]["dns_nameservers"] == ["1.1.1.1"]
    web = next(one for one in after["ports"] if one.get("name") == "web-1")
    assert (web["addresses"], web["host"], web["dns_name"]) == (["10.0.0.21"], "node-8", "web")
    assert "new" in [one.get("name") for one in after["ports"]]


def test_what_was_made_is_taken_back_by_the_import_that_it_names(local: Ipam) -> None:
    outcome = apply(local, {"networks": [{"name": "new"}]}, "--yes")
    undo = outcome.err.partition("`ipam ")[2].partition("`")[0]
    assert local(*undo.split()).status == 0
    assert yaml.safe_load(exported(local))["networks"] == []


def test_every_fault_of_a_text_is_told_and_nothing_is_done(estate: Ipam) -> None:
    before = exported(estate)
    document = {
        "version": 9,
        "networks": [
            {"name": "ok"},
            {"name": "ok"},
            {"name": "lab", "colour": "red", "mtu": 1},
            {"mtu": 1},
            {"name": "empty", "project_id": "other", "subnets": {}, "ports": [{"name": "x"}]},
        ],
    }
    outcome = apply(estate, document, "--yes")
    assert outcome.status == 1
    for said in ("version 9", "twice", "colour", "network 4 has no name", "project_id"):
        assert said in outcome.err, said
    for said in ("subnets is no list", "port 1 has no mac_address", "nothing is done"):
        assert said in outcome.err, said
    assert exported(estate) == before


@pytest.mark.parametrize("text", ["", "[]", "networks: {}", "a: [", "\x00", "- 1"])
def test_what_is_no_estate_is_refused_in_a_sentence(local: Ipam, text: str) -> None:
    outcome = apply(local, text, "--yes")
    assert (outcome.status, outcome.out) == (1, "")
    assert "estate" in outcome.err


def test_an_instant_in_yaml_is_one_as_in_json(local: Ipam) -> None:
    text = """
networks:
- name: lab
  subnets: [{cidr: 10.0.0.0/24}]
  ports: [{mac_address: "52:54:00:00:00:0a", expires_at: 2099-01-31T18:00:00Z}]
"""
    outcome = apply(local, text, "--yes")
    assert outcome.status == 0, outcome.err
    (port,) = yaml.safe_load(exported(local))["networks"][0]["ports"]
    assert port["expires_at"] == "2099-01-31T18:00:00Z"
    assert "All is so." in apply(local, text).err


def test_a_refused_thing_leaves_nothing_half_made(local: Ipam) -> None:
    document = {
        "networks": [
            {"name": "one", "subnets": [{"cidr": "10.0.0.0/24"}, {"cidr": "10.0.0.128/25"}]}
        ]
    }
    outcome = apply(local, document, "--yes")
    assert outcome.status == 1
    assert "overlaps" in outcome.err
    assert yaml.safe_load(exported(local))["networks"] == []


def test_what_is_written_otherwise_than_the_api_has_it_is_made_once(local: Ipam) -> None:
    subnets = [{"cidr": "2001:DB8:0::/64"}, {"cidr": "10.0.0.0/24"}]
    ports = [{"mac_address": "52-54-00-AA-BB-CC"}]
    document = {"networks": [{"name": "one", "subnets": subnets, "ports": ports}]}
    assert apply(local, document, "--yes").out.endswith("4 to make, 0 to change, 0 as they are\n")
    again = apply(local, document, "--yes")
    assert (again.status, again.out) == (0, "0 to make, 0 to change, 4 as they are\n")


def test_names_that_are_not_unique_are_no_text(local: Ipam) -> None:
    for _ in range(2):
        local("network", "create", "twin")
    outcome = local("export")
    assert outcome.status == 1
    assert "'twin'" in outcome.err

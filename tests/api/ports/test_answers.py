"""The answer to a creation or a change, which is not read, is what a read of the port gives."""

import json
from typing import Any

import pytest

from tests.api.caller import Api, wire

GUARDING = {"guard": {"port_filter": True, "fault": "", "taps": 0, "spoofed": 0, "storms": 0}}
FAR = {"interface_mappings": {}, "bridge_mappings": {}, "tunnel_types": [], "vif_type": "bridge"}
PROFILE = {"z": [1.0, 1e-7, -0.0, 2**53, None], "a": {"ö": "\U0001f600", "": " x "}, "b": True}
OPTIONS = [
    {"opt_name": "mtu", "opt_value": "1400"},
    {"opt_name": "bootfile-name", "opt_value": 'a "b" \\c'},
    {"opt_name": "dns-server", "opt_value": "[2001:db8::1]", "ip_version": 6},
    {"opt_name": "tftp-server", "opt_value": None},
]
PAIRS = [
    {"ip_address": "10.0.9.0/28"},
    {"ip_address": "2001:DB8::1", "mac_address": "02:AB:00:00:00:01"},
]
ADDRESSES = [
    {"ip_address": "10.0.1.209"},
    {"ip_address": "10.0.0.200"},
    {"ip_address": "10.0.0.130"},
    {"ip_address": "2001:DB8:0::F:99"},
]

KINDS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "texts": {
        "name": " Ünï\U0001f600 ",
        "description": "d ",
        "project_id": "P-2",
        "device_id": "M",
    },
    "tags": {"tags": ["b", "a", "b", "Ä"]},
    "off": {"admin_state_up": False},
    "mac": {"mac_address": "FA:16:3E:AA:BB:CC"},
    "names": {"dns_name": "VM1.Example.org.", "dns_domain": "Other.example."},
    "no addresses": {"fixed_ips": []},
    "addresses": {"fixed_ips": ADDRESSES},
    "options": {"extra_dhcp_opts": OPTIONS},
    "pairs": {"allowed_address_pairs": PAIRS},
    "nulls": {"extra_dhcp_opts": None, "allowed_address_pairs": None, "binding__profile": None},
    "no security": {"port_security_enabled": False, "binding__host_id": "guarding"},
    "guarded": {"binding__host_id": "guarding", "device_owner": "compute:nova"},
    "service": {"binding__host_id": "guarding", "device_owner": "network:router_gateway"},
    "bridged": {"binding__host_id": "bridging", "binding__profile": PROFILE},
    "unheard": {"binding__host_id": "nobody", "binding__vnic_type": "direct"},
    "unreached": {"binding__host_id": "guarding", "network_id": "far"},
    "end": {"expires_at": "2031-01-02T03:04:05+02:00"},
    "no subnets": {"network_id": "bare"},
    "lowest address": {"network_id": "selecting", "mac_address": "02:00:00:00:00:01"},
}

CHANGES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "texts": {"name": " Ünï\U0001f600 ", "description": "d ", "device_id": "M"},
    "the same texts": {"name": " Ünï\U0001f600 ", "description": "d "},
    "off": {"admin_state_up": False},
    "on": {"admin_state_up": True},
    "names": {"dns_name": "VM1.Example.org.", "dns_domain": "Other.example."},
    "no name": {"dns_name": "", "dns_domain": ""},
    "options": {"extra_dhcp_opts": OPTIONS},
    "an option less": {"extra_dhcp_opts": [{"opt_name": "mtu", "opt_value": None}]},
    "pairs": {"port_security_enabled": True, "allowed_address_pairs": PAIRS},
    "mac": {"mac_address": "FA:16:3E:AA:BB:CC"},
    "no pairs, no security": {"allowed_address_pairs": None, "port_security_enabled": False},
    "another mac": {"mac_address": None},
    "security": {"port_security_enabled": True},
    "tapped": {"binding__host_id": "guarding"},
    "guarded": {"device_owner": "compute:nova", "device_id": "M2"},
    "profile": {"binding__profile": PROFILE, "binding__vnic_type": "direct"},
    "bridged": {"binding__host_id": "bridging"},
    "unheard, no profile": {"binding__host_id": "nobody", "binding__profile": None},
    "unbound": {"binding__host_id": None, "binding__vnic_type": "normal"},
    "no security groups": {"security_groups": []},
    "null security groups": {"security_groups": None},
    "end": {"expires_at": "2031-01-02T03:04:05+02:00"},
    "no end": {"expires_at": None},
    "an address": {"fixed_ips": [{"ip_address": "10.0.1.209"}]},
    "the same address, named": {"fixed_ips": [{"ip_address": "10.0.1.209"}], "dns_name": "a"},
    "addresses": {"fixed_ips": ADDRESSES},
    "everything": {
        "name": "all",
        "mac_address": "fa:16:3e:00:00:77",
        "fixed_ips": [{"ip_address": "10.0.0.200"}, {"ip_address": "2001:db8::ff"}],
        "binding__host_id": "guarding",
        "device_owner": "network:router_gateway",
        "dns_name": "b",
    },
    "no addresses": {"fixed_ips": []},
    "named without addresses": {"dns_name": "c"},
}


@pytest.fixture
def networks(api_on_each: Api) -> dict[str, str]:
    """The ids of networks for the bodies above, by the names that they have there."""
    api = api_on_each
    for host, said in (("guarding", GUARDING), ("bridging", {**FAR, "interface_mappings": {}})):
        body = {"host": host, "started_at": 1, "configurations": {**FAR, "vif_type": "tap"} | said}
        assert api.call("POST", "/agents", {"agent": body}).status_code == 200
    far = {"provider__network_type": "vlan", "provider__physical_network": "physnet9"}
    found = {
        "usual": api.create("network", dns_domain="Net.example.org."),
        "bare": api.create("network", port_security_enabled=False),
        "far": api.create("network", **far, provider__segmentation_id=7),
        "selecting": api.create("network"),
    }
    for name, attributes in (
        ("usual", {"cidr": "10.0.1.0/24", "ip_version": 4}),
        ("usual", {"cidr": "10.0.0.0/24", "ip_version": 4}),
        ("usual", {"cidr": "2001:db8::/64", "ip_version": 6}),
        ("usual", {"cidr": "2001:db8:1::/64", "ip_version": 6, "ipv6_address_mode": "slaac"}),
        ("selecting", {"cidr": "10.3.0.0/24", "ip_version": 4, "address_selection": "lowest"}),
    ):
        api.create("subnet", network_id=found[name]["id"], **attributes)
    return {name: network["id"] for name, network in found.items()}


def body_of(kind: str, networks: dict[str, str]) -> dict[str, Any]:
    given = KINDS[kind]
    return wire({**given, "network_id": networks[given.get("network_id", "usual")]})


def test_a_port_is_answered_as_it_is_read_afterwards(
    api_on_each: Api, networks: dict[str, str]
) -> None:
    for kind in KINDS:
        made = api_on_each.call("POST", "/ports", {"port": body_of(kind, networks)})
        assert made.status_code == 201, (kind, made.text)
        shown = api_on_each.call("GET", f"/ports/{made.json['port']['id']}")
        assert made.text == shown.text, kind
        assert list(made.json["port"]["fixed_ips"]) == shown.json["port"]["fixed_ips"]


def test_ports_made_together_are_answered_as_they_are_read_afterwards(
    api_on_each: Api, networks: dict[str, str]
) -> None:
    bodies = [body_of(kind, networks) for kind in KINDS] + [body_of("nothing", networks)] * 20
    made = api_on_each.call("POST", "/ports", {"ports": bodies})
    assert made.status_code == 201, made.text
    assert len(made.json["ports"]) == len(bodies)
    for port in made.json["ports"]:
        assert json.dumps(port) == json.dumps(api_on_each.show("port", port["id"]))


def test_a_change_is_answered_as_the_port_is_read_afterwards(
    api_on_each: Api, networks: dict[str, str]
) -> None:
    api = api_on_each
    path = f"/ports/{api.create('port', network_id=networks['usual'], tags=['b', 'a'])['id']}"
    for kind, body in [each for each in CHANGES.items() for _ in range(2)]:
        before = api.call("GET", path).json["port"]
        revision = before["revision_number"]
        headers = {"If-Match": f"revision_number={revision}"}
        changed = api.call("PUT", path, {"port": wire(body)}, headers=headers)
        assert changed.status_code == 200, (kind, changed.text)
        assert changed.text == api.call("GET", path).text, kind
        is_changed = changed.json["port"] != before
        assert changed.json["port"]["revision_number"] == revision + is_changed, kind


@pytest.mark.parametrize("network", ["bare", "far", "selecting"])
def test_a_change_is_answered_as_the_port_is_read_on_other_networks(
    api_on_each: Api, networks: dict[str, str], network: str
) -> None:
    api = api_on_each
    path = f"/ports/{api.create('port', network_id=networks[network])['id']}"
    for kind in ("texts", "names", "tapped", "guarded", "bridged", "unbound", "another mac"):
        changed = api.call("PUT", path, {"port": wire(CHANGES[kind])})
        assert changed.status_code == 200, (kind, changed.text)
        assert changed.text == api.call("GET", path).text, kind


def test_ports_of_several_projects_count_against_the_limits_of_each(
    api_on_each: Api, networks: dict[str, str]
) -> None:
    api = api_on_each
    for project, limits in (("small", {"port": 1}), ("narrow", {"fixed_ip": 2})):
        assert api.call("PUT", f"/quotas/{project}", {"quota": limits}).status_code == 200
    usual = {"network_id": networks["usual"]}
    for project, over in (("small", "['port']"), ("narrow", "['fixed_ip']")):
        mine = {**usual, "project_id": project}
        bodies = [{**usual, "project_id": "large"}, mine, mine]
        for order in (bodies, bodies[::-1]):
            said = api.refused(409, "OverQuota", "POST", "/ports", {"ports": order})
            assert over in said
    assert api.list("port", project_id="large") == []

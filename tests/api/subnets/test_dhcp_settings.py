"""DHCP options, boot settings and lease times: as a client sets them, and an agent hears."""

from typing import Any

import pytest

from tests.api.agents.test_dhcp_state_requests import Agent
from tests.api.caller import Api

NTP = {"opt_name": "ntp-server", "opt_value": "10.0.0.7"}
NTP4, NTP6 = ({**NTP, "ip_version": version} for version in (4, 6))
BOOT = {"tftp_server": "10.0.0.9", "bios": "pxelinux.0", "ipxe_script": "http://x/y"}


def make(api: Api, **attributes: Any) -> Any:
    network = api.create("network")
    return subnet_on(api, network["id"], **attributes)


def subnet_on(api: Api, network_id: str, **attributes: Any) -> Any:
    body = {"network_id": network_id, "cidr": "10.0.0.0/24", "ip_version": 4}
    return api.create("subnet", **(body | attributes))


def told(api: Api, path: str) -> dict[str, tuple[str, str, str]]:
    """Value, origin and attribute by the option's name."""
    found = api.call("GET", f"{path}/dhcp-options").json["dhcp_options"]
    return {
        one["opt_name"] + (one["condition"] and f" if {one['condition']}"): (
            one["opt_value"],
            one["origin"],
            one["attribute"],
        )
        for one in found
    }


def test_a_network_and_a_subnet_have_settings_and_others_later(api_on_each: Api) -> None:
    api = api_on_each
    network = api.create("network", dhcp_options=[NTP], dhcp_boot=BOOT, lease_time=7200)
    assert (network["dhcp_options"], network["dhcp_boot"], network["lease_time"]) == (
        [NTP4],
        BOOT,
        7200,
    )
    keeps = NTP | {"opt_value": None}
    subnet = subnet_on(api, network["id"], dhcp_options=[keeps], dhcp_boot={}, lease_time=-1)
    assert (subnet["dhcp_options"], subnet["dhcp_boot"], subnet["lease_time"]) == ([keeps], {}, -1)
    for noun, made in (("network", network), ("subnet", subnet)):
        bare: dict[str, Any] = {"dhcp_options": [], "dhcp_boot": None, "lease_time": None}
        changed = api.update(noun, made["id"], **bare)
        assert {name: changed[name] for name in bare} == bare
        assert changed["revision_number"] > made["revision_number"]
        again = api.update(noun, made["id"], **bare)
        assert again["revision_number"] == changed["revision_number"]
    assert api.create("network")["dhcp_options"] == []


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"dhcp_options": [NTP | {"opt_name": "ntp-servr"}]}, "is ntp-server or"),
        ({"dhcp_options": [NTP | {"opt_value": "x"}]}, "'x' is not an IPv4 address"),
        ({"dhcp_options": [NTP, NTP]}, "given twice"),
        ({"dhcp_options": [NTP | {"opt_name": "router"}]}, "gateway_ip of the subnet says it"),
        ({"dhcp_boot": {"bios": "x"}}, "tftp_server is missing"),
        ({"dhcp_boot": BOOT, "dhcp_options": [NTP | {"opt_name": "67"}]}, "set one of the two"),
    ],
)
@pytest.mark.parametrize("noun", ["network", "subnet"])
def test_what_cannot_be_told_is_refused(
    api: Api, noun: str, attributes: dict[str, Any], said: str
) -> None:
    made = make(api)
    path = f"/subnets/{made['id']}" if noun == "subnet" else f"/networks/{made['network_id']}"
    assert said in api.refused(400, "InvalidInput", "PUT", path, {noun: attributes})
    more = {"network_id": made["network_id"], "cidr": "10.9.0.0/24", "ip_version": 4}
    body = {noun: attributes | (more if noun == "subnet" else {})}
    assert said in api.refused(400, "InvalidInput", "POST", f"/{noun}s", body)


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"lease_time": 119}, "119 is neither 120 to 2147483647 seconds"),
        ({"dhcp_boot": {"uefi": "x"}}, "Unrecognized attribute(s) 'uefi'"),
        ({"dhcp_options": [NTP] * 51}, "at most 50 are allowed"),
    ],
)
def test_what_has_no_form_is_refused(api: Api, attributes: dict[str, Any], said: str) -> None:
    path = f"/networks/{api.create('network')['id']}"
    assert said in api.refused(400, "HTTPBadRequest", "PUT", path, {"network": attributes})


def test_a_subnet_of_ipv6_has_a_server_of_ipv6(api: Api) -> None:
    network_id = api.create("network")["id"]
    six: dict[str, Any] = {"cidr": "2001:db8::/64", "ip_version": 6}
    body = {"subnet": six | {"network_id": network_id, "dhcp_boot": BOOT}}
    said = api.refused(400, "InvalidInput", "POST", "/subnets", body)
    assert "10.0.0.9 is no address of IPv6" in said
    boot = BOOT | {"tftp_server": "2001:DB8::9"}
    made = subnet_on(api, network_id, **six, dhcp_boot=boot)
    assert made["dhcp_boot"]["tftp_server"] == "2001:db8::9"


def test_options_of_network_and_subnet_fit_into_one_answer(api: Api) -> None:
    def half(first: int) -> list[dict[str, str]]:
        numbers = range(first, first + 4)
        return [{"opt_name": str(one), "opt_value": "x" * 200} for one in numbers]

    made = make(api, dhcp_options=half(224))
    path, body = f"/networks/{made['network_id']}", {"network": {"dhcp_options": half(230)}}
    said = api.refused(400, "InvalidInput", "PUT", path, body)
    assert "of its subnet 10.0.0.0/24 together take 1616 octets" in said
    api.update("subnet", made["id"], dhcp_options=[])
    api.update("network", made["network_id"], dhcp_options=half(230))
    path = f"/subnets/{made['id']}"
    for method, address in (("PUT", path), ("POST", "/subnets")):
        more = {"network_id": made["network_id"], "cidr": "10.9.0.0/24", "ip_version": 4}
        options: dict[str, Any] = {"dhcp_options": half(224)}
        sent = {"subnet": options | (more if method == "POST" else {})}
        assert "1616 octets" in api.refused(400, "InvalidInput", method, address, sent)


def test_an_agent_is_told_of_them_and_of_each_change(api: Api) -> None:
    network = api.create("network", dhcp_options=[NTP], dhcp_boot=BOOT, lease_time=7200)
    subnet = subnet_on(api, network["id"], dhcp_options=[NTP], dhcp_boot={}, lease_time=-1)
    agent = Agent(api)
    before = agent.digests()
    (full,) = agent.full(network["id"])
    assert (full["dhcp_options"], full["dhcp_boot"], full["lease_seconds"]) == ([NTP4], BOOT, 7200)
    (its,) = full["subnets"]
    assert (its["dhcp_options"], its["dhcp_boot"], its["lease_seconds"]) == ([NTP4], {}, 2**32 - 1)
    api.update("network", network["id"], lease_time=None)
    assert agent.digests() != before
    (full,) = agent.full(network["id"])
    assert full["lease_seconds"] == 86400
    before = agent.digests()
    api.update("subnet", subnet["id"], dhcp_boot=None)
    assert agent.digests() != before


def test_what_counts_is_shown_with_who_says_it(api: Api) -> None:
    boot = {"uefi_x64_http": "http://x/y"}
    network = api.create("network", dhcp_options=[NTP], dhcp_boot=boot, dns_domain="lab.example.")
    wpad = {"opt_name": "252", "opt_value": "http://x/wpad"}
    subnet = subnet_on(api, network["id"], dhcp_options=[wpad], lease_time=600)
    own = [
        {"opt_name": "mtu", "opt_value": "1400"},
        {"opt_name": "lease-time", "opt_value": "1h"},
    ]
    port = api.create("port", network_id=network["id"], dns_name="web", extra_dhcp_opts=own)
    of_port = told(api, f"/ports/{port['id']}")
    assert of_port == {
        "lease-time": ("3600", "port", "extra_dhcp_opts"),
        "netmask": ("255.255.255.0", "subnet", "cidr"),
        "router": ("10.0.0.1", "subnet", "gateway_ip"),
        "dns-server": ("10.0.0.2", "deployment", "the network's own resolver"),
        "hostname": ("web", "port", "dns_name"),
        "domain-name": ("lab.example", "network", "dns_domain"),
        "mtu": ("1400", "port", "extra_dhcp_opts"),
        "ntp-server": ("10.0.0.7", "network", "dhcp_options"),
        "vendor-class if uefi-x64-http": ("HTTPClient", "network", "dhcp_boot"),
        "bootfile-name if uefi-x64-http": ("http://x/y", "network", "dhcp_boot"),
        "domain-search": ("lab.example", "network", "dns_domain"),
        "252": ("http://x/wpad", "subnet", "dhcp_options"),
    }
    of_subnet = told(api, f"/subnets/{subnet['id']}")
    assert of_subnet["lease-time"] == ("600", "subnet", "lease_time")
    assert of_subnet["mtu"][1:] == ("network", "mtu")
    api.refused(404, "PortNotFound", "GET", f"/ports/{network['id']}/dhcp-options")
    api.refused(404, "SubnetNotFound", "GET", f"/subnets/{network['id']}/dhcp-options")

"""What is promised to a machine follows from the API's description alone."""

import msgspec
import pytest

from ipam.agent import promised
from ipam.agent.promised import PromisedAnswer, Terms
from ipam.protocol.dhcp_state import FullNetwork, ServedDhcpOption
from tests.agent.network_rows import SUBNET4, Json, network, subnet4, subnet6

MAC = "fa:16:3e:00:00:05"


def terms(**more: object) -> Terms:
    row = msgspec.convert(network(**more), FullNetwork)
    return promised.terms(row, row.subnets)


def answer(*options: tuple[str, str, int], ip_version: int = 4, **more: object) -> PromisedAnswer:
    of_network = terms(**more)
    subnet = next(one for one in of_network.subnets if one.row.ip_version == ip_version)
    wishes = [ServedDhcpOption(*one) for one in options]
    return promised.answer(subnet, mac_address=MAC, hostname="web.lab", extra_dhcp_opts=wishes)


def hex_of(found: PromisedAnswer) -> dict[int, str]:
    return {code: octets.hex() for code, octets in found.options.items()}


def test_a_subnet_promises_mask_router_servers_domain_mtu_and_routes() -> None:
    routes = "0c" + "ac10" + "0a000009" + "00" + "0a000001"
    assert hex_of(answer()) == {
        1: "ffffff00",
        3: "0a000001",
        6: "c0000235c0000236",
        12: b"web".hex(),
        15: b"lab.example".hex(),
        26: "05aa",
        119: b"\3lab\7example\0".hex(),
        121: routes,
        249: routes,
    }
    assert (answer().lease_seconds, answer().next_server) == (86400, "")
    assert answer().of_port == {12}


def test_what_a_subnet_does_not_have_its_machines_must_not_get() -> None:
    bare = subnet4(gateway_ip=None, dns_nameservers=["0.0.0.0"], host_routes=[])
    found = answer(subnets=[bare], dns_domain="")
    assert {code for code, octets in found.options.items() if not octets} == {
        3,
        6,
        15,
        119,
        121,
        249,
    }


@pytest.mark.parametrize(
    ("gateway", "default", "router", "routes"),
    [
        (None, "10.0.0.3", "0a000003", "000a000003"),
        ("10.0.0.1", "10.0.0.3", "0a000001", "000a000001"),
        (None, "0.0.0.0", "", "0000000000"),
        ("0.0.0.0", "10.0.0.3", "0a000003", "000a000003"),
    ],
)
def test_the_default_route_is_the_gateways_or_else_the_named_one(
    gateway: str | None, default: str, router: str, routes: str
) -> None:
    hosts = [{"destination": "0.0.0.0/0", "nexthop": default}]
    found = hex_of(answer(subnets=[subnet4(gateway_ip=gateway, host_routes=hosts)]))
    assert (found[3], found[121]) == (router, routes)


def test_a_ports_own_options_replace_the_subnets() -> None:
    found = answer(
        ("router", "", 4),
        ("mtu", "1300", 4),
        ("lease-time", "900", 4),
        ("client-id", "01:02", 4),
        ("server-ip-address", "10.0.0.7", 4),
        ("tag:!ipxe,67", "undionly.kpxe", 4),
        ("tag:ipxe,66", "not for the probe", 4),
        ("ntp-server", "2001:db8::1", 6),
        ("nonsense", "x", 4),
    )
    assert found.options[3] == b""
    assert found.options[26] == (1300).to_bytes(2)
    assert found.options[67] == b"undionly.kpxe"
    assert not {51, 61, 66, 255, 42} & found.options.keys()
    assert (found.lease_seconds, found.next_server) == (900, "10.0.0.7")
    assert found.of_port == {3, 12, 26, 67}


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ([("t1", "300", 4), ("t2", "600", 4)], {58, 59}),
        ([("t1", "600", 4), ("t2", "300", 4)], {59}),
        ([("t1", "80000", 4)], set()),
        ([("t2", "86400", 4)], set()),
        ([("t1", "2", 4)], set()),
        ([("t1", "300", 4), ("lease-time", "infinite", 4)], set()),
    ],
)
def test_times_that_dnsmasq_replaces_are_not_promised(
    options: list[tuple[str, str, int]], kept: set[int]
) -> None:
    assert {58, 59} & answer(*options).options.keys() == kept


def test_an_ipv6_subnet_promises_servers_search_list_and_name() -> None:
    found = answer(("dns-server", "2001:db8::99", 6), ("lease-time", "900", 4), ip_version=6)
    assert found.options == {
        23: bytes.fromhex("20010db8000000000000000000000099"),
        24: b"\3lab\7example\0",
        39: b"\1\3web",
    }
    assert found.lease_seconds == 900, "one reservation has one lease time"


@pytest.mark.parametrize(
    ("mode", "managed", "other", "autonomous"),
    [
        ("slaac", False, False, True),
        ("dhcpv6-stateless", False, True, True),
        ("dhcpv6-stateful", True, True, False),
    ],
)
def test_an_advertisement_has_the_flags_of_its_modes(
    mode: str, managed: bool, other: bool, autonomous: bool
) -> None:
    found = promised.advertisement(terms(subnets=[subnet4(), subnet6(mode)]))
    assert found is not None
    assert (found.managed, found.other) == (managed, other)
    assert found.prefixes == {"2001:db8::/64": autonomous}
    assert (found.mtu, found.name_servers, found.search) == (
        1450,
        ("2001:db8::53",),
        ("lab.example",),
    )


def test_one_advertisement_is_for_all_subnets() -> None:
    second: Json = subnet6("slaac", id=SUBNET4, cidr="2001:db8:1::/64", dns_nameservers=[])
    found = promised.advertisement(terms(subnets=[subnet6("dhcpv6-stateful"), second]))
    assert found is not None
    assert found.prefixes == {"2001:db8::/64": False, "2001:db8:1::/64": True}
    assert (found.managed, found.name_servers) == (True, None)


def test_a_subnet_is_known_by_its_network_however_it_is_written() -> None:
    found = terms(subnets=[subnet6("slaac", cidr="2001:DB8:0::/64")])
    assert found.subnet("2001:db8::/64") is found.subnets[0]
    assert found.subnet("2001:db8:1::/64") is None
    heard = promised.advertisement(found)
    assert heard is not None
    assert list(heard.prefixes) == ["2001:db8::/64"]


def test_without_a_mode_another_router_advertises() -> None:
    assert promised.advertisement(terms(subnets=[subnet4(), subnet6(None)])) is None


def test_information_is_promised_where_dnsmasq_knows_the_subnet() -> None:
    stateless = subnet6("dhcpv6-stateless")
    assert promised.information(terms(subnets=[subnet4(), stateless])) == {
        23: bytes.fromhex("20010db8000000000000000000000053"),
        24: b"\3lab\7example\0",
    }
    other = subnet6("slaac", id=SUBNET4, cidr="2001:db8:1::/64")
    assert promised.information(terms(subnets=[stateless, other])) == {}
    assert promised.information(terms(subnets=[subnet6("slaac")])) == {}


def test_what_a_class_of_mac_addresses_is_sent_is_promised_unless_the_port_has_its_own() -> None:
    options = [
        {"opt_name": "mtu", "opt_value": "1400"},
        {"opt_name": "router", "opt_value": ""},
        {"opt_name": "server-ip-address", "opt_value": "10.0.0.8"},
    ]
    first = {"name": "first", "mac_prefix": "fa:16:3e", "dhcp_options": options}
    later = first | {"dhcp_options": [{"opt_name": "mtu", "opt_value": "1300"}], "name": "later"}
    other = later | {"mac_prefix": "fa:16:3f", "name": "other"}
    vendor = later | {"vendor_class": "PXE", "name": "vendor"}
    classes = [vendor, other, first, later]
    row = subnet4(client_classes=classes)
    found = answer(subnets=[row])
    assert (found.options[26], found.options[3]) == ((1400).to_bytes(2), b"")
    assert found.next_server == "10.0.0.8"
    own = answer(("mtu", "1280", 4), subnets=[row])
    assert own.options[26] == (1280).to_bytes(2)
    assert 3 not in own.of_port

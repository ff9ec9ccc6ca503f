"""Values at and past each limit of Neutron's validators, with the status that Neutron answers.

The facts are those of the Networking API reference, of neutron-lib's attribute maps and of the
checks of Neutron's ML2 plugin behind them. Where this service answers something else, the case
stands in docs/neutron-differences.md with its reason, and not here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

UNKNOWN: Final = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked for beside what every such request has, and the status of the answer."""

    request: str
    status: int
    body: Mapping[str, Any]
    without: Sequence[str] = field(default=())

    def __str__(self) -> str:
        text = f"{self.request} {dict(self.body)!r}"
        return text[:90] + (f" without {self.without}" if self.without else "")


def _each(request: str, status: int, name: str, *values: Any) -> list[Case]:
    return [Case(request, status, {name: value}) for value in values]


TRUE: Final = (True, 1, "1", "true", "TRUE", "t", "yes", "y", "on")
FALSE: Final = (False, 0, "0", "false", "f", "no", "n", "off")
NO_BOOLEAN: Final[tuple[Any, ...]] = ("maybe", "", 2, [], {}, "10", None)


def _text(request: str, status: int, name: str, longest: int) -> list[Case]:
    return [
        *_each(request, status, name, "", "x" * longest, "ä" * longest, "'; --", "日本"),
        *_each(request, 400, name, "x" * (longest + 1), 5, None, ["x"], {"x": 1}, True),
    ]


def _switch(request: str, status: int, name: str) -> list[Case]:
    return [
        *_each(request, status, name, *TRUE, *FALSE),
        *_each(request, 400, name, *NO_BOOLEAN),
    ]


NETWORKS: Final = [
    *_text("POST network", 201, "name", 255),
    *_text("PUT network", 200, "name", 255),
    *_text("POST network", 201, "description", 255),
    *_switch("POST network", 201, "admin_state_up"),
    *_switch("PUT network", 200, "admin_state_up"),
    *_switch("POST network", 201, "shared"),
    *_switch("POST network", 201, "router:external"),
    *_switch("POST network", 201, "port_security_enabled"),
    *_each("POST network", 201, "tenant_id", "p", "x" * 255),
    *_each("POST network", 400, "tenant_id", "x" * 256, 5),
    *_each("POST network", 201, "mtu", 68, 1280, 1500, "1400", 0),
    *_each("POST network", 400, "mtu", -1, "-1", "abc", "", [], {}, "14e2"),
    *_each("PUT network", 200, "mtu", 68, "1400"),
    *_each("PUT network", 400, "mtu", -1, "abc"),
    *_each("POST network", 201, "dns_domain", "", "example.org.", "a.", "EXAMPLE.org."),
    *_each("POST network", 400, "dns_domain", "-a.", "a-.", "a..b.", "a_b.", "x" * 64 + ".", 5),
    *_each("POST network", 201, "availability_zone_hints", []),
    *_each("POST network", 400, "availability_zone_hints", "a", [5], ["a", "a"], {}),
    *_each("POST network", 404, "availability_zone_hints", ["nowhere"]),
    *_each("POST network", 201, "provider:network_type", "local"),
    *_each("POST network", 400, "provider:network_type", "magic", "x" * 33, 5, ""),
    Case("POST network", 201, {"provider:network_type": "flat", "provider:physical_network": "p"}),
    Case("POST network", 400, {"provider:network_type": "flat"}),
    Case("POST network", 400, {"provider:physical_network": "p"}),
    Case("POST network", 400, {"provider:segmentation_id": 5}),
    *(
        Case(
            "POST network",
            status,
            {
                "provider:network_type": "vlan",
                "provider:physical_network": physical,
                "provider:segmentation_id": number,
            },
        )
        for status, physical, number in (
            (201, "p", 1),
            (201, "p", 4094),
            (201, "x" * 64, "7"),
            (400, "p", 0),
            (400, "p", 4095),
            (400, "p", "x"),
            (400, "x" * 65, 7),
        )
    ),
    *_each("POST network", 400, "id", UNKNOWN),
    *_each("POST network", 400, "status", "ACTIVE"),
    *_each("POST network", 400, "subnets", []),
    *_each("POST network", 400, "colour", "red"),
    *_each("PUT network", 400, "id", UNKNOWN),
    *_each("PUT network", 400, "status", "DOWN"),
    *_each("PUT network", 400, "tenant_id", "p"),
    *_each("PUT network", 400, "colour", "red"),
]

V6: Final = {"cidr": "2001:db8::/64", "ip_version": 6}
NO_DHCP: Final = {"enable_dhcp": False}


def _subnets(status: int, *bodies: Mapping[str, Any]) -> list[Case]:
    return [Case("POST subnet", status, body) for body in bodies]


def _routes(count: int) -> list[dict[str, str]]:
    return [{"destination": f"10.{n}.0.0/16", "nexthop": "10.0.0.9"} for n in range(1, count + 1)]


ROUTE: Final = {"destination": "10.9.0.0/16", "nexthop": "10.0.0.9"}
POOL: Final = {"start": "10.0.0.10", "end": "10.0.0.20"}

SUBNETS: Final = [
    *_text("POST subnet", 201, "name", 255),
    *_text("PUT subnet", 200, "name", 255),
    *_text("POST subnet", 201, "description", 255),
    *_switch("POST subnet", 201, "dns_publish_fixed_ip"),
    *_switch("PUT subnet", 200, "dns_publish_fixed_ip"),
    *_switch("POST subnet", 201, "enable_dhcp"),
    *_switch("PUT subnet", 200, "enable_dhcp"),
    *_each("POST subnet", 201, "ip_version", 4, "4"),
    *_each("POST subnet", 400, "ip_version", 5, 0, "x", None, 6, "6", []),
    Case("POST subnet", 400, {}, without=["ip_version"]),
    Case("POST subnet", 400, {}, without=["network_id"]),
    Case("POST subnet", 400, {}, without=["cidr"]),
    *_each("POST subnet", 400, "network_id", "x", None, 5),
    *_each("POST subnet", 404, "network_id", UNKNOWN),
    *_each("POST subnet", 201, "cidr", "10.0.0.0/24", "10.0.0.7/24", "10.0.0.0/30", "10.0.0.0/8"),
    *_each("POST subnet", 400, "cidr", "", "x", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0/24", 5),
    *_each("POST subnet", 400, "cidr", "10.0.0.0/24/1", "10.0.0.0"),
    *_each("POST subnet", 400, "cidr", "10.0.0.0/31", "10.0.0.0/32", "224.0.0.0/24"),
    *_each("POST subnet", 400, "cidr", "127.0.0.0/24", "0.0.0.0/24", "2001:db8::/64"),
    *_subnets(
        201,
        {"cidr": "10.0.0.0/31", **NO_DHCP},
        {"cidr": "10.0.0.0/32", **NO_DHCP},
        {"cidr": "224.0.0.0/24", **NO_DHCP},
        {"cidr": "127.0.0.0/24", **NO_DHCP},
        V6,
        V6 | {"cidr": "2001:DB8:0::/64"},
        V6 | {"cidr": "2001:db8::7/64"},
        V6 | {"cidr": "2001:db8::/126"},
        V6 | {"cidr": "2001:db8::/48", **NO_DHCP},
        V6 | {"cidr": "2001:db8::/127", **NO_DHCP},
        V6 | {"cidr": "2001:db8::/128", **NO_DHCP},
        V6 | {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"},
        V6 | {"ipv6_ra_mode": "dhcpv6-stateful", "ipv6_address_mode": "dhcpv6-stateful"},
        V6 | {"ipv6_ra_mode": "dhcpv6-stateless", "ipv6_address_mode": "dhcpv6-stateless"},
        V6 | {"ipv6_ra_mode": "slaac"},
        V6 | {"ipv6_address_mode": "slaac"},
        V6 | {"ipv6_address_mode": "dhcpv6-stateful", "cidr": "2001:db8::/120"},
    ),
    *_subnets(
        400,
        V6 | {"cidr": "::/64"},
        V6 | {"cidr": "::/64", **NO_DHCP},
        V6 | {"cidr": "2001:db8::/127"},
        V6 | {"cidr": "2001:db8::/129"},
        V6 | {"cidr": "ff00::/64"},
        V6 | {"cidr": "10.0.0.0/24"},
        V6 | {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "dhcpv6-stateful"},
        V6 | {"ipv6_ra_mode": "slaac", "cidr": "2001:db8::/63"},
        V6 | {"ipv6_address_mode": "dhcpv6-stateless", "cidr": "2001:db8::/120"},
        V6 | {"ipv6_ra_mode": "slaac", **NO_DHCP},
        V6 | {"ipv6_ra_mode": "magic"},
        V6 | {"ipv6_address_mode": "magic"},
        {"ipv6_ra_mode": "slaac"},
        {"ipv6_address_mode": "slaac"},
    ),
    *_each("POST subnet", 201, "gateway_ip", None, "10.0.0.1", "10.0.0.254", "10.9.0.1"),
    *_each("POST subnet", 400, "gateway_ip", "10.0.0.0", "10.0.0.255", "", "x", "10.0.0.1 ", 5),
    *_each("POST subnet", 400, "gateway_ip", "10.0.0.01", "10.0.1", "2001:db8::1", "10.0.0.1/24"),
    *_subnets(201, V6 | {"gateway_ip": "2001:db8::"}, V6 | {"gateway_ip": "fe80::1"}),
    *_subnets(400, V6 | {"gateway_ip": "10.0.0.1"}),
    *_each("PUT subnet", 200, "gateway_ip", None, "10.0.0.1", "10.9.0.1"),
    *_each("PUT subnet", 400, "gateway_ip", "10.0.0.0", "10.0.0.255", "x", "2001:db8::1"),
    *_each("PUT subnet", 409, "gateway_ip", "10.0.0.9"),
    *_each("POST subnet", 201, "allocation_pools", [POOL]),
    *_subnets(201, {"allocation_pools": [], **NO_DHCP}),
    *_each("POST subnet", 201, "ipv6_ra_mode", None),
    *_each("POST subnet", 201, "ipv6_address_mode", None),
    *_each("POST subnet", 201, "allocation_pools", [{"start": "10.0.0.2", "end": "10.0.0.254"}]),
    *_each("POST subnet", 400, "allocation_pools", "x", [5], [{}], [{"start": "10.0.0.2"}]),
    *_each("POST subnet", 400, "allocation_pools", [POOL | {"x": 1}], [POOL | {"end": "x"}]),
    *_each("POST subnet", 400, "allocation_pools", [{"start": "10.0.0.9", "end": "10.0.0.8"}]),
    *_each("POST subnet", 400, "allocation_pools", [{"start": "10.0.0.9", "end": "10.0.1.8"}]),
    *_each("POST subnet", 400, "allocation_pools", [{"start": "10.0.0.9", "end": "10.0.0.255"}]),
    *_each("POST subnet", 400, "allocation_pools", [{"start": "2001:db8::2", "end": "10.0.0.9"}]),
    *_each("POST subnet", 409, "allocation_pools", [POOL, POOL]),
    *_each("POST subnet", 409, "allocation_pools", [POOL, POOL | {"start": "10.0.0.20"}]),
    *_each("POST subnet", 409, "allocation_pools", [{"start": "10.0.0.1", "end": "10.0.0.9"}]),
    *_each("PUT subnet", 409, "allocation_pools", [POOL, POOL]),
    *_each("PUT subnet", 400, "allocation_pools", [{"start": "10.0.0.9", "end": "10.0.1.8"}]),
    *_each("POST subnet", 201, "dns_nameservers", [], None, ["10.0.0.9"]),
    *_each("POST subnet", 201, "dns_nameservers", [f"10.0.0.{n}" for n in range(2, 7)]),
    *_each("POST subnet", 400, "dns_nameservers", [f"10.0.0.{n}" for n in range(2, 8)], 5),
    *_each("POST subnet", 400, "dns_nameservers", ["x"], [""], ["10.0.0.9 "], ["10.0.0.09"]),
    *_each("POST subnet", 400, "dns_nameservers", ["10.0.0.9"] * 2, ["2001:db8::9"], [5]),
    *_each("POST subnet", 400, "dns_nameservers", ["10.0.0.0/24"], ["dns.example.org"]),
    *_each("PUT subnet", 200, "dns_nameservers", [], None),
    *_each("PUT subnet", 400, "dns_nameservers", ["x"]),
    *_each("POST subnet", 201, "host_routes", [], None, [ROUTE], _routes(20)),
    *_each("POST subnet", 201, "host_routes", [ROUTE | {"destination": "0.0.0.0/0"}]),
    *_each("POST subnet", 400, "host_routes", _routes(21), "x", [5], [{}], [ROUTE, ROUTE]),
    *_each("POST subnet", 400, "host_routes", [{"destination": "10.9.0.0/16"}]),
    *_each("POST subnet", 400, "host_routes", [{"nexthop": "10.0.0.9"}], [ROUTE | {"x": 1}]),
    *(
        Case("POST subnet", 400, {"host_routes": [ROUTE | {"destination": destination}]})
        for destination in ("x", "10.9.0.1/16", "10.9.0.0", "127.0.0.0/8", "2001:db8::/64", None)
    ),
    *(
        Case("POST subnet", 400, {"host_routes": [ROUTE | {"nexthop": nexthop}]})
        for nexthop in ("x", "10.0.0.9/24", "2001:db8::9", "10.0.0.09", None)
    ),
    *_each("PUT subnet", 200, "host_routes", [], None),
    *_each("PUT subnet", 400, "host_routes", [ROUTE, ROUTE]),
    *_each("POST subnet", 201, "service_types", [], ["compute:nova"], ["network:dhcp"]),
    *_each("POST subnet", 201, "service_types", ["network:routed", "compute:az-1"]),
    *_each("POST subnet", 400, "service_types", ["nova"], [5], "compute:nova", [""], ["x:y"]),
    *_each("PUT subnet", 400, "service_types", ["nova"]),
    *_each("POST subnet", 201, "subnetpool_id", None),
    *_each("POST subnet", 400, "subnetpool_id", "x", 5),
    *_each("POST subnet", 404, "subnetpool_id", UNKNOWN),
    *_each("POST subnet", 400, "prefixlen", 24, -1, "x"),
    *_each("PUT subnet", 400, "cidr", "10.1.0.0/16"),
    *_each("PUT subnet", 400, "ip_version", 6),
    *_each("PUT subnet", 400, "network_id", UNKNOWN),
    *_each("PUT subnet", 400, "tenant_id", "p"),
    *_each("PUT subnet", 400, "ipv6_ra_mode", "slaac"),
    *_each("POST subnet", 400, "shared", True),
    *_each("POST subnet", 400, "colour", "red"),
]

PAIR: Final = {"ip_address": "10.0.0.99", "mac_address": "fa:16:3e:00:00:99"}
OPTION: Final = {"opt_name": "tftp-server", "opt_value": "192.0.2.1"}


def _pairs(count: int) -> list[dict[str, str]]:
    return [{"ip_address": f"10.0.0.{n}"} for n in range(100, 100 + count)]


PORTS: Final = [
    *_text("POST port", 201, "name", 255),
    *_text("PUT port", 200, "name", 255),
    *_text("POST port", 201, "description", 255),
    *_text("POST port", 201, "device_id", 255),
    *_text("PUT port", 200, "device_id", 255),
    *_text("POST port", 201, "device_owner", 255),
    *_switch("POST port", 201, "admin_state_up"),
    *_switch("PUT port", 200, "admin_state_up"),
    *_switch("POST port", 201, "port_security_enabled"),
    Case("POST port", 400, {}, without=["network_id"]),
    *_each("POST port", 201, "dns_domain", "", "example.org.", "EXAMPLE.org."),
    *_each("POST port", 400, "dns_domain", "-a.", "a..b.", "a_b.", "x" * 64 + ".", 5),
    *_each("PUT port", 200, "dns_domain", "example.org."),
    *_each("POST port", 400, "network_id", "x", None, 5),
    *_each("POST port", 404, "network_id", UNKNOWN),
    *_each("POST port", 201, "mac_address", "fa:16:3e:00:00:01", "FA-16-3E-00-00-01", None),
    *_each("POST port", 400, "mac_address", "x", "", "fa:16:3e:00:00", "fa:16:3e:00:00:0g"),
    *_each("POST port", 400, "mac_address", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"),
    *_each("PUT port", 200, "mac_address", "fa:16:3e:00:00:02", None),
    *_each("PUT port", 400, "mac_address", "x", "00:00:00:00:00:00"),
    *_each("POST port", 201, "fixed_ips", [], [{"ip_address": "10.0.0.50"}]),
    *_each("POST port", 201, "fixed_ips", [{"ip_address": f"10.0.0.{n}"} for n in (50, 51)]),
    *_each("POST port", 400, "fixed_ips", "x", [5], [{}], {}, None),
    *_each("POST port", 400, "fixed_ips", [{"ip_address": "10.0.0.50"}] * 2),
    *(
        Case("POST port", 400, {"fixed_ips": [{"ip_address": address}]})
        for address in ("x", "", "10.0.0.050", "10.9.0.1", "10.0.0.0", "10.0.0.255", "10.0.0.5/24")
    ),
    *_each("POST port", 400, "fixed_ips", [{"subnet_id": "x"}]),
    *_each("POST port", 201, "extra_dhcp_opts", None, [], [OPTION]),
    *_each(
        "POST port", 201, "extra_dhcp_opts", [OPTION | {"opt_name": "router", "opt_value": ""}]
    ),
    *_each("POST port", 201, "extra_dhcp_opts", [OPTION | {"ip_version": "4"}]),
    *_each("POST port", 400, "extra_dhcp_opts", "x", [5], [{}], [{"opt_name": "tftp-server"}]),
    *_each("POST port", 400, "extra_dhcp_opts", [{"opt_value": "x"}], [OPTION | {"x": 1}]),
    *_each("POST port", 400, "extra_dhcp_opts", [OPTION | {"ip_version": 5}], [OPTION, OPTION]),
    *(
        Case("POST port", 400, {"extra_dhcp_opts": [OPTION | {"opt_name": name}]})
        for name in ("", " ", "x" * 65, 5, None, "a\nb")
    ),
    *(
        Case("POST port", 400, {"extra_dhcp_opts": [OPTION | {"opt_value": value}]})
        for value in ("", " ", "x" * 256, 5, "a\nb")
    ),
    *_each("POST port", 201, "allowed_address_pairs", None, [], [PAIR], _pairs(10)),
    *_each("POST port", 201, "allowed_address_pairs", [{"ip_address": "10.0.0.0/28"}]),
    *_each("POST port", 201, "allowed_address_pairs", [{"ip_address": "0.0.0.0/0"}]),
    *_each("POST port", 201, "allowed_address_pairs", [{"ip_address": "2001:db8::9"}]),
    *_each("POST port", 400, "allowed_address_pairs", "x", [5], [{}], _pairs(11), [PAIR, PAIR]),
    *_each("POST port", 400, "allowed_address_pairs", [{"mac_address": "fa:16:3e:00:00:99"}]),
    *_each("POST port", 400, "allowed_address_pairs", [PAIR | {"x": 1}]),
    *(
        Case("POST port", 400, {"allowed_address_pairs": [PAIR | {"ip_address": address}]})
        for address in (
            "x",
            "",
            "10.0.0.0/33",
            "10.0.0.09",
            "224.0.0.5",
            "224.0.0.0/24",
            "ff02::1",
        )
    ),
    *(
        Case("POST port", 400, {"allowed_address_pairs": [PAIR | {"mac_address": address}]})
        for address in ("x", "01:00:5e:00:00:01", "00:00:00:00:00:00")
    ),
    *_each("PUT port", 200, "allowed_address_pairs", None, [], [PAIR]),
    *_each("PUT port", 400, "allowed_address_pairs", [PAIR, PAIR]),
    *_each("POST port", 201, "binding:vnic_type", "normal", "direct", "macvtap", "baremetal"),
    *_each("POST port", 201, "binding:vnic_type", "direct-physical", "virtio-forwarder"),
    *_each("POST port", 201, "binding:vnic_type", "smart-nic"),
    *_each("POST port", 400, "binding:vnic_type", "x", "", None, 5),
    *_each("POST port", 201, "binding:profile", {}, None, {"a": [1, {"b": None}]}),
    *_each("POST port", 400, "binding:profile", "x", [], 5, {"a": "x" * 4095}),
    *_each("POST port", 201, "binding:host_id", "", "node-1", None),
    *_each("POST port", 201, "dns_name", "", "web-1", "WEB", "2024", "a.b.example", "x" * 63),
    *_each("POST port", 400, "dns_name", "-a", "a-", "a..b", "a_b", "x" * 64, "10.0.0.5", "a b"),
    *_each("POST port", 400, "dns_name", ".", "a,b", "ä", None),
    *_each("POST port", 201, "security_groups", [], None),
    *_each("POST port", 400, "security_groups", ["x"], "x"),
    *_each("POST port", 404, "security_groups", [UNKNOWN]),
    *_each("POST port", 400, "id", UNKNOWN),
    *_each("POST port", 400, "status", "ACTIVE"),
    *_each("POST port", 400, "colour", "red"),
    *_each("PUT port", 400, "network_id", UNKNOWN),
    *_each("PUT port", 400, "status", "ACTIVE"),
    *_each("PUT port", 400, "tenant_id", "p"),
]

CASES: Final = [*NETWORKS, *SUBNETS, *PORTS]

"""Networks as `dhcp-state` describes them."""

from typing import Any

NETWORK = "11111111-1111-4111-8111-111111111111"
DHCP_PORT = "22222222-2222-4222-8222-222222222222"
SUBNET4 = "33333333-3333-4333-8333-333333333333"
SUBNET6 = "44444444-4444-4444-8444-444444444444"
PORT = "55555555-5555-4555-8555-555555555555"
HOST = "compute-1"

Json = dict[str, Any]


def subnet4(**more: Any) -> Json:
    return {
        "id": SUBNET4,
        "cidr": "10.0.0.0/24",
        "ip_version": 4,
        "gateway_ip": "10.0.0.1",
        "enable_dhcp": True,
        "dns_nameservers": ["192.0.2.53", "192.0.2.54"],
        "host_routes": [{"destination": "172.16.0.0/12", "nexthop": "10.0.0.9"}],
        "ipv6_ra_mode": None,
        "ipv6_address_mode": None,
    } | more


def subnet6(mode: str | None = "dhcpv6-stateful", **more: Any) -> Json:
    return (
        subnet4(
            id=SUBNET6,
            cidr="2001:db8::/64",
            ip_version=6,
            gateway_ip="2001:db8::1",
            dns_nameservers=["2001:db8::53"],
            host_routes=[],
            ipv6_ra_mode=mode,
            ipv6_address_mode=mode,
        )
        | more
    )


def port(**more: Any) -> Json:
    return {
        "id": PORT,
        "mac_address": "fa:16:3e:00:00:05",
        "revision_number": 3,
        "device_id": "vm",
        "device_owner": "compute:nova",
        "admin_state_up": True,
        "status": "DOWN",
        "binding_host_id": HOST,
        "hostname": "web",
        "fixed_ips": [
            {"subnet_id": SUBNET4, "ip_address": "10.0.0.5"},
            {"subnet_id": SUBNET6, "ip_address": "2001:db8::5"},
        ],
        "extra_dhcp_opts": [
            {"opt_name": "bootfile-name", "opt_value": "pxelinux.0", "ip_version": 4},
            {"opt_name": "150", "opt_value": "10.0.0.7", "ip_version": 4},
        ],
    } | more


def network(**more: Any) -> Json:
    return {
        "id": NETWORK,
        "digest": "d",
        "project_id": "demo",
        "mtu": 1450,
        "dns_domain": "lab.example.",
        "admin_state_up": True,
        "lease_seconds": 86400,
        "dhcp_port": {
            "id": DHCP_PORT,
            "mac_address": "fa:16:3e:00:00:02",
            "fixed_ips": [
                {"subnet_id": SUBNET4, "ip_address": "10.0.0.2"},
                {"subnet_id": SUBNET6, "ip_address": "2001:db8::2"},
            ],
        },
        "subnets": [subnet4(), subnet6()],
        "ports": [port()],
    } | more

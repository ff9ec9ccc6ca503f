"""What a machine is told in the end, and who says it."""

from ipam.rules.client_classes import ClientClass
from ipam.rules.dhcp_settings import Settings
from ipam.rules.effective_options import (
    Deployment,
    Effective,
    Network,
    Port,
    Subnet,
    effective,
)

DEPLOYMENT = Deployment(dns_domain="cloud.example.", lease_seconds=86400)
NETWORK = Network(id="n", mtu=1500, dns_domain="")
SUBNET = Subnet(id="s", cidr="10.0.0.0/24", gateway_ip="10.0.0.1", server_address="10.0.0.2")
PORT = Port(id="p", mac_address="52:54:00:00:00:05", hostname="web")


def named(found: list[Effective], name: str) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(one.value, one.origin, one.conditions) for one in found if one.name == name]


def test_without_settings_the_service_and_the_subnet_say_all() -> None:
    found = effective(DEPLOYMENT, NETWORK, SUBNET)
    assert [(one.name, one.value, one.origin) for one in found] == [
        ("lease-time", "86400", "deployment"),
        ("netmask", "255.255.255.0", "subnet"),
        ("router", "10.0.0.1", "subnet"),
        ("dns-server", "10.0.0.2", "deployment"),
        ("domain-name", "cloud.example", "deployment"),
        ("mtu", "1500", "network"),
        ("domain-search", "cloud.example", "deployment"),
    ]


def test_what_is_nearer_to_the_machine_counts() -> None:
    outer = Network(
        id="n", mtu=1500, dns_domain="", settings=Settings([("ntp-server", "10.0.0.3", 4)])
    )
    kind = ClientClass("qemu", mac_prefix="52:54", dhcp_options=[("ntp-server", "10.0.0.4")])
    strangers = ClientClass("hp", mac_prefix="aa", dhcp_options=[("ntp-server", "10.0.0.9")])
    phones = ClientClass("phones", vendor_class="Yealink", dhcp_options=[("66", "10.0.0.5")])
    subnet = Subnet(id="s", cidr="10.0.0.0/24", gateway_ip=None, classes=[phones, strangers, kind])
    found = effective(DEPLOYMENT, outer, subnet, PORT)
    assert named(found, "ntp-server") == [("10.0.0.4", "client class", ())]
    assert named(found, "tftp-server") == [("10.0.0.5", "client class", ("vendor class Yealink",))]
    assert named(found, "router") == [("", "subnet", ())]
    own = Port(
        id="p",
        mac_address=PORT.mac_address,
        hostname="",
        options=[("42", "10.0.0.6", 4), ("tag:!ipxe,67", "x", 4), ("ntp-server", "::9", 6)],
    )
    found = effective(DEPLOYMENT, outer, subnet, own)
    assert named(found, "ntp-server") == [("10.0.0.6", "port", ())]
    assert named(found, "bootfile-name") == [("x", "port", ("!ipxe",))]


def test_of_a_stranger_only_conditions_are_known() -> None:
    kind = ClientClass("qemu", mac_prefix="52:54", dhcp_options=[("ntp-server", "10.0.0.4")])
    subnet = Subnet(id="s", cidr="10.0.0.0/24", gateway_ip=None, classes=[kind])
    found = effective(DEPLOYMENT, NETWORK, subnet)
    assert named(found, "ntp-server") == [("10.0.0.4", "client class", ("MAC address 52:54",))]


def test_routes_are_told_with_the_gateway_among_them() -> None:
    subnet = Subnet(
        id="s",
        cidr="10.0.0.0/24",
        gateway_ip="10.0.0.1",
        host_routes=[("172.16.0.0/12", "10.0.0.9")],
    )
    found = effective(DEPLOYMENT, NETWORK, subnet)
    assert named(found, "classless-static-route") == [
        ("172.16.0.0/12 by 10.0.0.9, 0.0.0.0/0 by 10.0.0.1", "subnet", ())
    ]


def test_who_only_hears_advertisements_is_told_no_options() -> None:
    settings = Settings([("sntp-server", "2001:db8::7", 6)])
    outer = Network(id="n", mtu=1500, dns_domain="lab.example.", settings=settings, lease_time=-1)
    subnet = Subnet(
        id="s", cidr="2001:db8::/64", gateway_ip=None, dns_nameservers=["2001:db8::53"]
    )
    found = effective(DEPLOYMENT, outer, subnet, PORT)
    assert [(one.name, one.value) for one in found] == [
        ("lease-time", "infinite"),
        ("dns-server", "2001:db8::53"),
        ("domain-search", "lab.example"),
        ("sntp-server", "2001:db8::7"),
        ("fqdn", "web"),
    ]
    heard = Subnet(id="s", cidr="2001:db8::/64", gateway_ip=None, is_only_advertised=True)
    assert named(effective(DEPLOYMENT, outer, heard, PORT), "sntp-server") == []

"""The wanted state of a network's description. dnsmasq itself also reads the golden files."""

import subprocess
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from ipam.agent.desired import served_network
from ipam.agent.dnsmasq.config import Site, mac_tags_file
from ipam.agent.served import ServedNetwork
from ipam.agent.state import Bridge, Interface
from ipam.protocol.dhcp_state import FullNetwork
from ipam.templating import Word
from tests.agent.network_rows import (
    HOST,
    NETWORK,
    PORT,
    SUBNET4,
    SUBNET6,
    Json,
    network,
    port,
    subnet4,
    subnet6,
)
from tests.waiting import PATIENCE_SECONDS

MAC_TAGS = "/var/lib/ipam/agent/mac_tags.conf"
SITE = Site(
    run_path=Word("/run/ipam/dhcp"),
    mac_tags=Word(MAC_TAGS),
    hook=Word("/var/lib/ipam/agent/hook"),
    hook_user=Word("dnsmasq"),
)

STARTUP = f"""\
# Written by the ipam agent, which puts back what is changed by hand.
# on 10.0.0.2/24
# on 2001:db8::2/64
port=53
hostsdir=/run/ipam/dhcp/{NETWORK}/names
local-ttl=30
domain-needed
no-ident
local=/lab.example/
local=/0.0.10.in-addr.arpa/
local=/0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa/
dhcp-name-match=set:unnamed,isatap
dhcp-name-match=set:unnamed,localhost
dhcp-name-match=set:unnamed,wpad
dhcp-name-match=set:unnamed,host-*
dhcp-ignore-names=tag:unnamed
no-resolv
no-hosts
bind-interfaces
interface=ns-22222222-22
except-interface=lo
pid-file=/run/ipam/dhcp/{NETWORK}/pid
log-facility=-
conf-file={MAC_TAGS}
dhcp-match=set:ipxe,175
dhcp-userclass=set:ipxe6,iPXE
dhcp-hostsdir=/run/ipam/dhcp/{NETWORK}/hosts
dhcp-optsdir=/run/ipam/dhcp/{NETWORK}/options
dhcp-leasefile=/run/ipam/dhcp/{NETWORK}/dnsmasq.leases
script-on-renewal
dhcp-script=/var/lib/ipam/agent/hook
dhcp-scriptuser=dnsmasq
dhcp-authoritative
dhcp-ignore=tag:!known
no-ping
dhcp-lease-max=16777216
dhcp-option-force=option:mtu,1450
dhcp-range=set:subnet-{SUBNET4},10.0.0.0,static,255.255.255.0,86400
dhcp-range=set:subnet-{SUBNET6},2001:db8::,static,64,86400
enable-ra
ra-param=ns-22222222-22,mtu:1450,600,0
"""

NETWORK_OPTIONS = f"""\
tag:subnet-{SUBNET4},option:router,10.0.0.1
tag:subnet-{SUBNET4},249,172.16.0.0/12,10.0.0.9,0.0.0.0/0,10.0.0.1
tag:subnet-{SUBNET4},option:domain-name,"lab.example"
tag:subnet-{SUBNET4},option:domain-search,"lab.example"
tag:subnet-{SUBNET4},option:dns-server,192.0.2.53,192.0.2.54
tag:subnet-{SUBNET4},121,172.16.0.0/12,10.0.0.9,0.0.0.0/0,10.0.0.1
tag:subnet-{SUBNET6},option6:dns-server,[2001:db8::53]
tag:subnet-{SUBNET6},option6:domain-search,"lab.example"
"""

PORT_TAGS = "tag:m0-fa,tag:m1-16,tag:m2-3e,tag:m3-00,tag:m4-00,tag:m5-05"
PORT_OPTIONS = f"""\
{PORT_TAGS},67,"pxelinux.0"
{PORT_TAGS},150,10.0.0.7
"""

PORT_HOSTS = "fa:16:3e:00:00:05,tag:ns-22222222-22,web.,10.0.0.5,[2001:db8::5]\n"


def served(row: Json) -> ServedNetwork:
    return served_network(msgspec.convert(row, FullNetwork), SITE, HOST)


def ranges(row: Json) -> list[str]:
    lines = (served(row).state.server or "").splitlines()
    return [line.partition("=")[2] for line in lines if line.startswith("dhcp-range")]


def host_line(row: Json) -> str | None:
    return served(row).state.files.get(f"hosts/{PORT}")


def test_a_network_with_both_ip_versions_gives_these_files() -> None:
    state = served(network()).state
    assert state.server == STARTUP
    assert dict(state.files) == {
        "options/network": NETWORK_OPTIONS,
        f"options/{PORT}": PORT_OPTIONS,
        f"hosts/{PORT}": PORT_HOSTS,
    }
    assert state.addresses == {"10.0.0.2/24", "2001:db8::2/64"}
    assert state.bridge == Bridge("brq11111111-11", 1450)
    assert state.interface == Interface(
        "tap22222222-22", "ns-22222222-22", "fa:16:3e:00:00:02", 1450
    )
    assert state.taps == {"tap55555555-55"}


@pytest.mark.system
def test_dnsmasq_agrees_with_the_golden_files(tmp_path: Path) -> None:
    lines = [f"dhcp-host={line}" for line in PORT_HOSTS.splitlines()]
    lines += [f"dhcp-option={line}" for line in (NETWORK_OPTIONS + PORT_OPTIONS).splitlines()]
    mac_tags = tmp_path / "mac_tags.conf"
    mac_tags.write_text(mac_tags_file())
    config = tmp_path / "dnsmasq.conf"
    config.write_text(STARTUP.replace(MAC_TAGS, str(mac_tags)) + "\n".join(lines) + "\n")
    done = subprocess.run(
        ["/usr/sbin/dnsmasq", "--test", f"--conf-file={config}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("ra_mode", "address_mode", "mode"),
    [
        (None, None, "static"),
        (None, "dhcpv6-stateful", "static"),
        (None, "dhcpv6-stateless", "static"),
        ("dhcpv6-stateful", "dhcpv6-stateful", "static"),
        ("dhcpv6-stateless", "dhcpv6-stateless", "ra-stateless"),
        ("slaac", "slaac", "ra-only"),
        ("dhcpv6-stateful", None, "static"),
        ("dhcpv6-stateless", None, "ra-stateless"),
        ("slaac", None, "ra-only"),
    ],
)
def test_ipv6_modes(ra_mode: str | None, address_mode: str | None, mode: str) -> None:
    row = network(subnets=[subnet6(ipv6_ra_mode=ra_mode, ipv6_address_mode=address_mode)])
    assert ranges(row) == [f"set:subnet-{SUBNET6},2001:db8::,{mode},64,86400"]
    lines = (served(row).state.server or "").splitlines()
    assert ("ra-param=ns-22222222-22,mtu:1450,600,0" in lines) == (ra_mode is not None)
    assert ("enable-ra" in lines) == (ra_mode == "dhcpv6-stateful"), "it advertises all ranges"
    line = host_line(row) or ""
    makes_own = {ra_mode, address_mode} & {"slaac", "dhcpv6-stateless"}
    assert ("[2001:db8::5]" in line) == (not makes_own), "what DHCP gives is reserved, no other"


def test_slaac_with_another_router_needs_nothing_of_us() -> None:
    row = network(subnets=[subnet6(ipv6_ra_mode=None, ipv6_address_mode="slaac")])
    assert served(row).state.server is None


def test_a_slaac_subnet_gives_the_server_an_address_from_its_mac() -> None:
    dhcp_port = network()["dhcp_port"] | {"fixed_ips": []}
    state = served(network(subnets=[subnet6("slaac")], dhcp_port=dhcp_port)).state
    assert state.addresses == {"2001:db8::f816:3eff:fe00:2/64"}


def test_what_is_only_advertised_has_its_options_where_dnsmasq_reads_them() -> None:
    """Without a range for DHCP it does not read the options' directory."""
    told = f"dhcp-option=tag:subnet-{SUBNET6},option6:dns-server,[2001:db8::53]"
    assert told in (served(network(subnets=[subnet6("slaac")])).state.server or "")
    for beside in (subnet4(), subnet6("dhcpv6-stateless")):
        other = served(network(subnets=[beside, subnet6("slaac")])).state
        assert told not in (other.server or "")
        assert told.partition("=")[2] in other.files["options/network"]


def test_a_network_too_small_for_ipv6_is_served_by_ipv4() -> None:
    row = network(mtu=1279)
    assert [one.split(",")[1] for one in ranges(row)] == ["10.0.0.0"]
    assert "MTU of at least 1280" in served(row).faults[0]
    assert served(row).state.addresses == {"10.0.0.2/24"}


@pytest.mark.parametrize(
    "more",
    [
        {"cidr": "2001:db8::/48"},
        {"cidr": "2001:db8::/80", "ipv6_ra_mode": "slaac"},
        {"cidr": "2001:db8::/80", "ipv6_address_mode": "dhcpv6-stateless"},
    ],
)
def test_a_prefix_that_dnsmasq_cannot_serve_is_said(more: Json) -> None:
    row = network(subnets=[subnet4(), subnet6(**more)])
    assert len(ranges(row)) == 1
    assert more["cidr"] in served(row).faults[0]


@pytest.mark.parametrize("ra_mode", [None, "dhcpv6-stateful"])
def test_dhcp_gives_addresses_of_longer_prefixes_too(ra_mode: str | None) -> None:
    row = network(subnets=[subnet6(cidr="2001:db8::/80", ipv6_ra_mode=ra_mode)])
    assert ranges(row) == [f"set:subnet-{SUBNET6},2001:db8::,static,80,86400"]
    assert served(row).faults == ()


@pytest.mark.parametrize("ra_mode", [None, "dhcpv6-stateless"])
@pytest.mark.parametrize("address_mode", ["dhcpv6-stateful", "dhcpv6-stateless"])
def test_machines_that_make_their_addresses_ask_as_strangers(
    ra_mode: str | None, address_mode: str
) -> None:
    row = network(subnets=[subnet6(ipv6_ra_mode=ra_mode, ipv6_address_mode=address_mode)])
    asks = "dhcpv6-stateless" in (ra_mode, address_mode)
    lines = (served(row).state.server or "").splitlines()
    assert ("dhcp-ignore=tag:!dhcpv6,tag:!known" in lines) is asks
    assert ("dhcp-ignore=tag:!known" in lines) is not asks


def test_a_port_with_two_ipv4_addresses_has_an_entry_for_each() -> None:
    other = "66666666-6666-4666-8666-666666666666"
    fixed = [
        {"subnet_id": SUBNET4, "ip_address": "10.0.0.5"},
        {"subnet_id": other, "ip_address": "10.1.0.5"},
    ]
    row = network(
        subnets=[subnet4(), subnet4(id=other, cidr="10.1.0.0/24")],
        ports=[port(fixed_ips=fixed, extra_dhcp_opts=[])],
    )
    assert (host_line(row) or "").splitlines() == [
        "fa:16:3e:00:00:05,tag:ns-22222222-22,web.,10.0.0.5",
        "fa:16:3e:00:00:05,tag:ns-22222222-22,web.,10.1.0.5",
    ]


def test_without_gateway_the_router_is_suppressed() -> None:
    row = network(subnets=[subnet4(gateway_ip=None, host_routes=[], dns_nameservers=[])])
    first = served(row).state.files["options/network"].splitlines()[0]
    assert first == f"tag:subnet-{SUBNET4},option:router"


@pytest.mark.parametrize("nexthop", ["10.0.0.9", "0.0.0.0"])
def test_without_gateway_a_default_route_is_the_router_too(nexthop: str) -> None:
    routes = [{"destination": "0.0.0.0/0", "nexthop": nexthop}]
    row = network(subnets=[subnet4(gateway_ip=None, host_routes=routes, dns_nameservers=[])])
    lines = served(row).state.files["options/network"].splitlines()
    router = "" if nexthop == "0.0.0.0" else f",{nexthop}"
    assert f"tag:subnet-{SUBNET4},option:router{router}" in lines
    assert f"tag:subnet-{SUBNET4},121,0.0.0.0/0,{nexthop}" in lines


def test_no_line_names_the_unspecified_address() -> None:
    """dnsmasq would replace it by its own. Without any line it would name itself, too."""
    four = subnet4(gateway_ip="0.0.0.0", dns_nameservers=["0.0.0.0"], host_routes=[])
    six = subnet6(dns_nameservers=["::"])
    assert served(network(subnets=[four, six])).state.files["options/network"] == (
        f"tag:subnet-{SUBNET4},option:router\n"
        f'tag:subnet-{SUBNET4},option:domain-name,"lab.example"\n'
        f'tag:subnet-{SUBNET4},option:domain-search,"lab.example"\n'
        f"tag:subnet-{SUBNET4},option:dns-server\n"
        f"tag:subnet-{SUBNET6},option6:dns-server\n"
        f'tag:subnet-{SUBNET6},option6:domain-search,"lab.example"\n'
    )


def test_what_a_resolver_does_not_know_it_asks_the_forwarder_and_nobody_else() -> None:
    """The rest of its own domain, too: that may be a part of a larger one."""
    site = replace(
        SITE,
        forwarder=Word("127.0.0.1#5300"),
        forwards=True,
        rebind_domains=(Word("corp.example"),),
    )
    silent = subnet4(id=PORT, cidr="10.9.0.0/24", enable_dhcp=False)
    subnets = [subnet4(), silent, subnet6()]
    row = msgspec.convert(network(subnets=subnets), FullNetwork)
    lines = (served_network(row, site, HOST).state.server or "").splitlines()
    asked = [line for line in lines if line.startswith(("server=", "local=", "resolv-file"))]
    assert asked == [
        "server=127.0.0.1#5300",
        "local=/0.0.10.in-addr.arpa/",
        "local=/0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa/",
        "local=/0.9.10.in-addr.arpa/",
    ]
    assert {"stop-dns-rebind", "rebind-domain-ok=/corp.example/", "no-resolv"} < {*lines}
    free = served_network(row, replace(site, rebind_domains=None), HOST).state.server or ""
    assert "rebind" not in free


@pytest.mark.parametrize("by_default", [False, True])
@pytest.mark.parametrize(
    ("servers", "forwards"), [(None, None), ([], False), (["192.0.2.53"], True), (["x"], False)]
)
def test_a_network_says_for_itself_whether_names_of_elsewhere_are_asked_for(
    servers: list[str] | None, *, forwards: bool | None, by_default: bool
) -> None:
    site = replace(SITE, forwarder=Word("127.0.0.1#5300"), forwards=by_default)
    made = served_network(
        msgspec.convert(network(dns_servers=servers), FullNetwork), replace(site), HOST
    )
    lines = (made.state.server or "").splitlines()
    asks = by_default if forwards is None else forwards
    assert ("server=127.0.0.1#5300" in lines) is asks
    assert ("stop-dns-rebind" in lines) is False
    assert ("local=/lab.example/" in lines) is not asks
    assert made.dns_servers == (None if servers is None else tuple(servers) if asks else ())
    assert bool(made.faults) is (servers == ["x"])


def test_without_name_servers_machines_are_told_the_networks_own_resolver() -> None:
    rows = [subnet4(dns_nameservers=[]), subnet6("slaac", dns_nameservers=[])]
    row = network(subnets=rows)
    row["dhcp_port"]["fixed_ips"] = row["dhcp_port"]["fixed_ips"][:1]
    lines = served(row).state.files["options/network"].splitlines()
    assert f"tag:subnet-{SUBNET4},option:dns-server,10.0.0.2" in lines
    own = "[2001:db8::f816:3eff:fe00:2]"
    assert f"tag:subnet-{SUBNET6},option6:dns-server,{own}" in lines


def test_an_explicit_default_route_is_not_repeated() -> None:
    routes = [{"destination": "0.0.0.0/0", "nexthop": "10.0.0.1"}]
    row = network(subnets=[subnet4(host_routes=routes)])
    assert (
        f"tag:subnet-{SUBNET4},121,0.0.0.0/0,10.0.0.1\n"
        in (served(row).state.files["options/network"])
    )


@pytest.mark.parametrize(
    "row",
    [
        network(admin_state_up=False),
        network(dhcp_port=None),
        network(subnets=[subnet4(enable_dhcp=False)]),
    ],
)
def test_without_dhcp_only_the_bridge_is_wanted(row: Json) -> None:
    state = served(row).state
    assert state.server is None
    assert not state.namespace
    assert state.bridge is not None
    assert state.taps


def test_a_port_that_is_down_is_not_served() -> None:
    served_port = served(network(ports=[port(admin_state_up=False)]))
    assert not served_port.ports
    assert list(served_port.state.files) == ["options/network"]


def test_the_machine_of_a_port_that_is_down_is_no_stranger_of_a_dynamic_range() -> None:
    span = [{"start": "10.0.0.100", "end": "10.0.0.101"}]
    subnets = [subnet4(dynamic_ranges=span, dynamic_part=span)]
    on = served(network(subnets=subnets, ports=[port()]))
    off = served(network(subnets=subnets, ports=[port(admin_state_up=False)]))
    assert "hosts/refused" not in on.state.files
    assert off.state.files["hosts/refused"] == f"{port()['mac_address']},ignore\n"


def test_a_port_elsewhere_is_served_without_a_tap() -> None:
    found = served(network(ports=[port(binding_host_id="")]))
    assert f"hosts/{PORT}" in found.state.files
    assert not found.state.taps
    assert not found.ports[PORT].waits_for_tap


@pytest.mark.parametrize("name", ["2024", "5d", "infinite", "ignore", "vm1.example.org"])
def test_a_name_that_dnsmasq_could_misread_is_served(name: str) -> None:
    found = served(network(ports=[port(hostname=name, extra_dhcp_opts=[])]))
    assert found.state.files[f"hosts/{PORT}"].split(",")[2] == name.partition(".")[0] + "."
    assert not found.faults


@pytest.mark.parametrize("name", ["a,set:evil", "a\nb", "", "-a", "a b"])
def test_an_unfit_host_name_is_replaced_and_said(name: str) -> None:
    found = served(network(ports=[port(hostname=name, extra_dhcp_opts=[])]))
    assert found.state.files[f"hosts/{PORT}"].split(",")[2] == "host-10-0-0-5."
    assert found.faults


def test_no_file_that_is_read_again_sets_a_tag() -> None:
    """dnsmasq before 2.91 dies of those at SIGHUP."""
    assert not [text for text in served(network()).state.files.values() if "set:" in text]


def test_a_port_without_a_reserved_address_keeps_its_options() -> None:
    """A machine that makes its own address asks DHCPv6 for options alone."""
    options = [{"opt_name": "ntp-server", "opt_value": "2001:db8::9", "ip_version": 6}]
    fixed = [{"subnet_id": SUBNET6, "ip_address": "2001:db8::5"}]
    row = network(
        subnets=[subnet6("dhcpv6-stateless")],
        ports=[port(fixed_ips=fixed, extra_dhcp_opts=options)],
    )
    assert set(served(row).state.files) == {"options/network", f"options/{PORT}"}


def test_an_unfit_option_takes_only_itself_away() -> None:
    options = [
        {"opt_name": "tag:x,router", "opt_value": "10.0.0.1", "ip_version": 4},
        {"opt_name": "bootfile-name", "opt_value": "a\nb", "ip_version": 4},
        {"opt_name": "tftp-server", "opt_value": "boot", "ip_version": 4},
    ]
    found = served(network(ports=[port(extra_dhcp_opts=options)]))
    assert found.state.files[f"options/{PORT}"] == (f'{PORT_TAGS},66,"boot"\n')
    assert len(found.faults) == 2


def test_no_line_is_longer_than_dnsmasq_reads() -> None:
    """What is beyond would be a line of its own."""
    many = [
        {"subnet_id": SUBNET6, "ip_address": f"2001:db8:0:0:1111:2222:3333:{number:x}"}
        for number in range(4096, 4126)
    ]
    options = [
        {"opt_name": "client-id", "opt_value": "x" * 100, "ip_version": 4},
        {"opt_name": "bootfile-name", "opt_value": '"' * 255, "ip_version": 4},
        {"opt_name": "dns-server", "opt_value": ",".join(["::1"] * 63), "ip_version": 6},
        {"opt_name": "bootfile-param", "opt_value": ",".join("a" * 128), "ip_version": 6},
    ]
    found = served(
        network(ports=[port(hostname="n" * 63, fixed_ips=many, extra_dhcp_opts=options)])
    )
    lines = [line for text in found.state.files.values() for line in text.splitlines()]
    assert max(map(len, lines)) < 1024
    assert "14 addresses, not all" in found.faults[0]


def test_reserved_names_each_address_and_its_mac() -> None:
    assert served(network()).reserved() == {
        "10.0.0.5": "fa:16:3e:00:00:05",
        "2001:db8::5": "fa:16:3e:00:00:05",
    }


@pytest.mark.parametrize(
    ("row", "is_served"),
    [
        (network(), True),
        (network(admin_state_up=False), False),
        (network(admin_state_up=False, dhcp_port=None), False),
        (network(subnets=[subnet4(enable_dhcp=False)]), False),
        (network(subnets=[subnet4(enable_dhcp=False)], dhcp_port=None), True),
        (network(subnets=[subnet4(enable_dhcp=False), subnet6()]), True),
        (network(subnets=[subnet4(enable_dhcp=False), subnet6("slaac")]), True),
        (network(ports=[port(fixed_ips=[])]), False),
    ],
)
def test_a_port_to_which_nothing_gives_an_address_is_not_served(
    row: Json, is_served: bool
) -> None:
    assert served(row).ports[PORT].is_served is is_served


CLASSES: list[Json] = [
    {
        "name": "phones",
        "vendor_class": 'a "b", c\\',
        "mac_prefix": "00:15:65",
        "has_range": True,
        "part": [{"start": "10.0.0.120", "end": "10.0.0.129"}],
        "dhcp_options": [{"opt_name": "tftp-server", "opt_value": "10.0.0.9"}],
    },
    {
        "name": "cameras",
        "mac_prefix": "52:54",
        "dhcp_options": [{"opt_name": "tftp-server", "opt_value": "10.0.0.8"}],
    },
]
PHONES, CAMERAS = (f"class-{name}-{SUBNET4}" for name in ("phones", "cameras"))


def test_classes_have_tags_ranges_and_options() -> None:
    part = [{"start": "10.0.0.100", "end": "10.0.0.119"}]
    row = network(subnets=[subnet4(client_classes=CLASSES, dynamic_part=part)])
    state = served(row).state
    lines = (state.server or "").splitlines()
    assert [line for line in lines if line.startswith(("dhcp-vendor", "dhcp-mac=", "tag-if"))] == [
        f'dhcp-vendorclass=set:{PHONES}-0,"a \\"b\\", c\\\\"',
        f"dhcp-mac=set:{PHONES}-1,00:15:65:*:*:*",
        f"tag-if=set:{PHONES},tag:{PHONES}-0,tag:{PHONES}-1",
        f"dhcp-mac=set:{CAMERAS}-1,52:54:*:*:*:*",
        f"tag-if=set:{CAMERAS},tag:{CAMERAS}-1",
    ]
    of_subnet = f"set:subnet-{SUBNET4}"
    assert ranges(row)[1:] == [
        f"tag:!known,tag:!{PHONES},{of_subnet},10.0.0.100,10.0.0.119,255.255.255.0,86400",
        f"tag:!known,tag:{PHONES},{of_subnet},10.0.0.120,10.0.0.129,255.255.255.0,86400",
    ]
    assert state.files["options/network"].splitlines()[-2:] == [
        f'tag:subnet-{SUBNET4},tag:{CAMERAS},66,"10.0.0.8"',
        f'tag:subnet-{SUBNET4},tag:{PHONES},66,"10.0.0.9"',
    ]


def test_a_class_that_is_no_class_is_left_out_and_said() -> None:
    wrong = [
        CLASSES[0] | {"name": "Phones"},
        CLASSES[1] | {"mac_prefix": "*"},
        CLASSES[1] | {"dhcp_options": [{"opt_name": "none-such", "opt_value": "1"}]},
    ]
    found = served(network(subnets=[subnet4(client_classes=wrong)]))
    assert len([fault for fault in found.faults if "client class" in fault]) >= 3
    assert found.state.server is not None
    assert "Phones" not in found.state.server

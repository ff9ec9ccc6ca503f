"""Options, names and routes in the packets of a real dnsmasq."""

from ipaddress import ip_address
from pathlib import Path

import pytest

from ipam.rules import subnet_options
from ipam.rules.subnet_options import Limits, SubnetOptions
from tests.agent.network_rows import SUBNET4, Json, network, port, subnet4, subnet6
from tests.system.wire import DISCOVER, Wire, option, wire

pytestmark = [pytest.mark.root, pytest.mark.system]

ROUNDS = 50


def numbered(number: int, *, address: str = "", options: list[Json] | None = None) -> Json:
    """Ports whose MAC addresses differ in one octet alone."""
    return port(
        id=f"55555555-5555-4555-8555-0000000000{number:02x}",
        mac_address=f"fa:16:3e:00:00:{number:02x}",
        hostname=f"vm-{number}",
        fixed_ips=[{"subnet_id": SUBNET4, "ip_address": address or f"10.0.0.{number}"}],
        extra_dhcp_opts=options or [],
    )


def test_dnsmasq_lives_through_reloads_after_it_has_served_ports_with_options(
    directory: Path,
) -> None:
    with wire(directory, network(ports=[numbered(5)])) as site:
        for turn in range(ROUNDS):
            ntp = None if turn % 5 == 4 else f"10.0.0.{100 + turn}"
            site.row["ports"] = [
                numbered(5, options=[option("ntp-server", ntp)] if ntp else []),
                numbered(6, options=[option("bootfile-name", f"boot-{turn}")]),
                numbered(7, address=f"10.0.0.{200 + turn % 2}"),
            ]
            site.reload()
            _assert_served(site, turn, ntp)
        assert site.process.poll() is None


def _assert_served(site: Wire, turn: int, ntp: str | None) -> None:
    client_id = {61: b"\x00any"} if turn % 3 else {}
    first = site.lease("fa:16:3e:00:00:05", client_id)
    assert first.address == "10.0.0.5"
    assert first.options.get(42) == (ip_address(ntp).packed if ntp else None)
    assert 67 not in first.options
    second = site.lease("fa:16:3e:00:00:06", client_id)
    assert (second.options[67], second.options.get(42)) == (f"boot-{turn}\0".encode(), None)
    assert 67 not in site.ask("fa:16:3e:00:00:07").options


@pytest.mark.parametrize(
    "name", ["2024", "5d", "0", "infinite", "ignore", "deprecated", "vm1.example.org", "vm1.net."]
)
def test_a_machine_gets_the_name_and_the_address_of_its_port(directory: Path, name: str) -> None:
    row = network(ports=[port(hostname=name, extra_dhcp_opts=[])])
    with wire(directory, row) as site:
        answer = site.lease("fa:16:3e:00:00:05")
        assert answer.address == "10.0.0.5"
        assert answer.options[12] == name.partition(".")[0].encode()
        assert answer.options[51] == (86400).to_bytes(4)
        assert "Ignoring" not in site.log()
    assert not site.faults


@pytest.mark.parametrize("program", ["modern", "plain"])
def test_a_default_route_without_a_gateway_reaches_every_client(
    directory: Path, program: str
) -> None:
    """udhcpc asks for the router alone, unless it is told to ask for classless routes."""
    routes = [{"destination": "0.0.0.0/0", "nexthop": "10.0.0.9"}]
    codes = (1, 3, 6, 121) if program == "modern" else (1, 3, 6)
    row = network(subnets=[subnet4(gateway_ip=None, host_routes=routes)])
    with wire(directory, row) as site:
        options = site.ask("fa:16:3e:00:00:05", codes=codes).options
        assert options[3] == ip_address("10.0.0.9").packed
        assert options.get(121) == (b"\0" + options[3] if program == "modern" else None)


def test_no_name_server_is_told_where_the_subnet_says_that_there_is_none(directory: Path) -> None:
    six = subnet6(dns_nameservers=["::"])
    row = network(subnets=[subnet4(dns_nameservers=["0.0.0.0"]), six])
    with wire(directory, row) as site:
        assert 6 not in site.ask("fa:16:3e:00:00:05").options
        told = site.solicit((23, 24))
        assert 24 in told
        assert told.get(23, b"") == b"", (
            "dnsmasq sends the empty option where nothing is to be told"
        )


@pytest.mark.parametrize(("servers", "routes"), [(5, 20), (13, 21), (49, 0)])
def test_what_the_rules_have_room_for_arrives_in_the_smallest_answer(
    directory: Path, servers: int, routes: int
) -> None:
    named = [f"10.0.0.{number}" for number in range(101, 101 + servers)]
    ways = [
        {"destination": f"172.16.0.{number}/32", "nexthop": "10.0.0.9"} for number in range(routes)
    ]
    told = SubnetOptions(
        4, "10.0.0.1", named, [(way["destination"], way["nexthop"]) for way in ways]
    )
    assert not list(subnet_options.faults(told, Limits(100, 100), "new subnet"))
    row = network(
        subnets=[subnet4(dns_nameservers=named, host_routes=ways)],
        ports=[port(hostname="n" * 63, extra_dhcp_opts=[])],
        dns_domain="a.domain.of.some.length.example.org",
    )
    asked = (1, 3, 6, 12, 15, 26, 28, 58, 59, 119, 121)
    with wire(directory, row) as site:
        options = site.ask("fa:16:3e:00:00:05", DISCOVER, {57: b"\x02\x40"}, asked).options
        assert set(asked) - (set() if routes else {121}) <= set(options)
        assert len(options[6]) == 4 * servers
        assert len(options.get(121, b"12345")) == 9 * routes + 5
        assert "no space left" not in site.log()


MAC = "fa:16:3e:00:00:05"
NINE = bytes([10, 0, 0, 9])
ODD = 'say "hi", a\\b\\\\n, tag:x,set:y #z ${net0/mac} [::1] 10.0.0.1'
NINE6 = ip_address("2001:db8::9").packed
ON_THE_WIRE = [
    ("netmask", "255.255.255.255", 1, b"\xff" * 4),
    ("time-offset", "-3600", 2, b"\xff\xff\xf1\xf0"),
    ("router", "10.0.0.9", 3, NINE),
    ("router", "", 3, None),
    ("dns-server", "10.0.0.9,10.0.0.9", 6, NINE * 2),
    ("dns-server", "0.0.0.0", 6, None),
    ("boot-file-size", "65535", 13, b"\xff\xff"),
    ("root-path", "nfs:10.0.0.9:/a b,rw", 17, b"nfs:10.0.0.9:/a b,rw"),
    ("ip-forward-enable", "1", 19, b"\1"),
    ("default-ttl", "255", 23, b"\xff"),
    ("mtu", "1400", 26, b"\x05\x78"),
    ("broadcast", "10.0.0.9", 28, NINE),
    ("arp-timeout", "4294967295", 35, b"\xff" * 4),
    ("ntp-server", "10.0.0.9", 42, NINE),
    ("43", "01:04:00:00:00:09", 43, b"\1\4\0\0\0\x09"),
    ("vendor-encap", "some, text", 43, b"some, text"),
    ("43", "5", 43, b"\5"),
    ("43", "300", 43, b"\x01\x2c"),
    ("43", "-1", 43, b"\xff" * 4),
    ("netbios-nodetype", "8", 46, b"\x08"),
    ("lease-time", "30m", 51, (1800).to_bytes(4)),
    ("51", "infinite", 51, b"\xff" * 4),
    ("T1", "10m", 58, (600).to_bytes(4)),
    ("58", "10m", 58, (600).to_bytes(4)),
    ("vendor-class", "a, b", 60, b"a, b"),
    ("60", "01:02:03", 60, b"\1\2\3"),
    ("tftp-server", "12345", 66, b"12345\0"),
    ("bootfile-name", ODD, 67, ODD.encode() + b"\0"),
    ("67", "boot\\x64\\new\\tab.com", 67, b"boot\\x64\\new\\tab.com\0"),
    ("client-arch", "7", 93, b"\0\7"),
    ("posix-timezone", "CET-1CEST,M3.5.0,M10.5.0/3", 100, b"CET-1CEST,M3.5.0,M10.5.0/3"),
    ("ipv6-only", "300", 108, (300).to_bytes(4)),
    ("captive-portal", "https://10.0.0.9/x,y", 114, b"https://10.0.0.9/x,y"),
    ("domain-search", "a.b,c.b", 119, b"\1a\1b\0\1c\xc0\x02"),
    ("sip-server", "10.0.0.9", 120, b"\1" + NINE),
    ("sip-server", "a.b", 120, b"\0\1a\1b\0"),
    ("121", "10.0.0.0/8,10.0.0.9,0.0.0.0/0,10.0.0.9", 121, b"\x08\x0a" + NINE + b"\0" + NINE),
    ("249", "00:0a:00:00:09", 249, b"\0" + NINE),
    ("150", "10.0.0.9", 150, NINE),
    ("224", "10.0.0.9", 224, NINE),
    ("224", "300", 224, b"\x01\x2c"),
    ("224", "-1", 224, b"\xff" * 4),
    ("224", "7i", 224, b"\0\0\0\7"),
    ("224", "5b", 224, b"\5"),
    ("224", "2.10", 224, b"2.10"),
    ("224", "12 monkeys", 224, b"12 monkeys"),
    ("252", "http://wpad/wpad.dat", 252, b"http://wpad/wpad.dat"),
]
ON_THE_WIRE6 = [
    ("sip-server-domain", "a.b", 21, b"\1a\1b\0"),
    ("dns-server", "[2001:db8::9],2001:db8::9", 23, NINE6 * 2),
    ("domain-search", "a.b,c.b", 24, b"\1a\1b\0\1c\1b\0"),
    ("sntp-server", "2001:db8::9", 31, NINE6),
    ("information-refresh-time", "1d", 32, (86400).to_bytes(4)),
    ("posix-timezone", "CET-1,M3", 41, b"CET-1,M3"),
    ("ntp-server", "2001:db8::9", 56, b"\0\1\0\x10" + NINE6),
    ("ntp-server", "a.b", 56, b"\0\3\0\5\1a\1b\0"),
    ("bootfile-url", "tftp://[2001:db8::9]/a,b", 59, b"tftp://[2001:db8::9]/a,b"),
    ("bootfile-param", "one,two words", 60, b"\0\3one\0\x09two words"),
    ("103", "https://x/", 103, b"https://x/"),
    ("300", "01:02", 300, b"\1\2"),
    ("300", "7s", 300, b"\0\7"),
    ("300", "[2001:db8::9]", 300, NINE6),
    ("300", ODD, 300, ODD.encode()),
]


def one_port(*options: Json) -> Json:
    return network(ports=[port(extra_dhcp_opts=list(options))])


def test_each_option_arrives_as_it_was_meant(directory: Path) -> None:
    found = []
    with wire(directory, one_port()) as site:
        for name, value, code, _octets in ON_THE_WIRE:
            site.row = one_port(option(name, value))
            site.reload()
            found.append((name, value, code, site.ask(MAC, codes=(code,)).options.get(code)))
            assert not site.faults
        assert not [line for line in site.log().splitlines() if "bad" in line or "error" in line]
    assert found == ON_THE_WIRE


def test_each_ipv6_option_arrives_as_it_was_meant(directory: Path) -> None:
    found = []
    with wire(directory, one_port()) as site:
        for name, value, code, _octets in ON_THE_WIRE6:
            site.row = one_port(option(name, value, 6))
            site.reload()
            found.append((name, value, code, site.solicit((code,)).get(code)))
            assert not site.faults
        assert not [line for line in site.log().splitlines() if "bad" in line or "error" in line]
    assert found == ON_THE_WIRE6


def test_the_next_server_is_in_its_own_field(directory: Path) -> None:
    with wire(directory, one_port(option("server-ip-address", "10.0.0.9"))) as site:
        assert site.ask(MAC).next_server == "10.0.0.9"
        site.row = one_port(option("255", "10.0.0.8"))
        site.reload()
        assert site.ask(MAC).next_server == "10.0.0.8"


def test_ironics_options_tell_ipxe_from_the_rom_before_it(directory: Path) -> None:
    options = [
        option("tag:!ipxe,67", "undionly.kpxe"),
        option("tag:ipxe,67", "http://10.0.0.9/boot.ipxe"),
        option("tag:!ipxe6,59", "tftp://[2001:db8::9]/snponly.efi", 6),
        option("tag:ipxe6,59", "http://[2001:db8::9]/boot.ipxe", 6),
    ]
    with wire(directory, one_port(*options)) as site:
        for _again in range(2):
            assert site.lease(MAC).options[67] == b"undionly.kpxe\0"
            ipxe = site.ask(MAC, more={175: b"\1\1\1"})
            assert ipxe.options[67] == b"http://10.0.0.9/boot.ipxe\0"
            assert site.solicit((59,))[59] == b"tftp://[2001:db8::9]/snponly.efi"
            told = site.solicit((59,), {15: b"\0\4iPXE"})
            assert told[59] == b"http://[2001:db8::9]/boot.ipxe"
            site.reload()


@pytest.mark.parametrize(
    ("value", "sent"), [("ff:00:01:02", b"\xff\0\1\2"), ("node-7", b"node-7"), ("n7", b"\0n7")]
)
def test_a_machine_is_known_by_its_client_identifier_too(
    directory: Path, value: str, sent: bytes
) -> None:
    with wire(directory, one_port(option("client-id", value))) as site:
        assert site.lease("fa:16:3e:00:00:99", {61: sent}).address == "10.0.0.5"
        assert not site.faults


def test_a_port_cannot_take_the_machine_of_another(directory: Path) -> None:
    """dnsmasq looks for a client identifier before it looks for a MAC address."""
    thieves = [
        numbered(6, options=[option("client-id", f"01:{MAC}")]),
        numbered(7, options=[option("client-id", "victim")]),
    ]
    victim = numbered(5, options=[option("client-id", "victim")])
    with wire(directory, network(ports=[victim, *thieves])) as site:
        assert site.lease(MAC, {61: b"\1" + bytes.fromhex(MAC.replace(":", ""))}).address == (
            "10.0.0.5"
        )
        assert site.ask(MAC, more={61: b"victim"}).address == "10.0.0.5"
        assert len(site.faults) == 2

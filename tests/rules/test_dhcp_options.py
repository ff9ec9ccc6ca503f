import re
import subprocess
from ipaddress import IPv4Address, IPv4Network, IPv6Address

import pytest

from ipam.rules import dhcp_option_table as table
from ipam.rules import dhcp_options
from ipam.rules.dhcp_option_values import DomainName, Value
from ipam.rules.dhcp_options import DhcpOption, parse

NINE = IPv4Address("10.0.0.9")


@pytest.mark.parametrize(
    ("name", "value", "number", "expected"),
    [
        ("mtu", "1400", 26, (1400,)),
        ("26", "1400", 26, (1400,)),
        ("time-offset", "-3600", 2, (-3600,)),
        ("150", "10.0.0.9", 150, (NINE,)),
        ("255", "10.0.0.9", 255, (NINE,)),
        ("bootfile-name", "http://a/b.ipxe?mac=${net0/mac}&x=1", 67, None),
        ("67", "boot\\x64\\wdsnbp.com", 67, None),
        ("posix-timezone", "CET-1CEST,M3.5.0,M10.5.0/3", 100, None),
        ("bootfile-name", 'say "hi", set:x #y', 67, None),
        ("67", "12345", 67, None),
        ("ntp-server", "10.0.0.1, 10.0.0.9", 42, (IPv4Address("10.0.0.1"), NINE)),
        ("121", "0.0.0.0/0,10.0.0.9", 121, (IPv4Network("0.0.0.0/0"), NINE)),
        ("249", "10.0.0.0/8,0.0.0.0", 249, (IPv4Network("10.0.0.0/8"), IPv4Address(0))),
        ("121", "00:0a:00:00:09", 121, (b"\x00\x0a\x00\x00\x09",)),
        ("domain-search", "a.example,b.example.", 119, ("a.example", "b.example")),
        ("router", "", 3, ()),
        ("classless-static-route", "", 121, ()),
        ("dns-server", "0.0.0.0", 6, ()),
        ("vendor-class", "some words", 60, None),
        ("43", "01:04:00:00:00:09", 43, (b"\x01\x04\x00\x00\x00\x09",)),
        ("252", "http://wpad/wpad.dat", 252, None),
        ("224", "7s", 224, (b"\x00\x07",)),
        ("224", "-1i", 224, (b"\xff" * 4,)),
        ("224", "10.0.0.9", 224, (NINE,)),
        ("224", "2.10", 224, ("2.10",)),
        ("lease-time", "1h", 51, (3600,)),
        ("51", "infinite", 51, (2**32 - 1,)),
        ("client-id", "01:fa:16:3e:00:00:05", 61, (bytes.fromhex("01fa163e000005"),)),
        ("61", "node-7", 61, (b"node-7",)),
        ("T1", "5m", 58, (300,)),
        ("sip-server", "sip.example", 120, ("sip.example",)),
    ],
)
def test_an_ipv4_option_is_what_dnsmasq_would_make_of_it(
    name: str, value: str, number: int, expected: tuple[Value, ...] | None
) -> None:
    found = parse(name, value, 4)
    assert found == DhcpOption(number, 4, (value,) if expected is None else expected)


@pytest.mark.parametrize(
    ("name", "value", "number", "expected"),
    [
        ("dns-server", "[2001:db8::1],2001:db8::2", 23, ("2001:db8::1", "2001:db8::2")),
        ("ntp-server", "2001:db8::1", 56, ("2001:db8::1",)),
        ("32", "1d", 32, (86400,)),
        ("100", "[2001:db8::1]", 100, ("2001:db8::1",)),
    ],
)
def test_an_ipv6_option_is_read_with_its_own_types(
    name: str, value: str, number: int, expected: tuple[str | int, ...]
) -> None:
    values = tuple(IPv6Address(one) if isinstance(one, str) else one for one in expected)
    assert parse(name, value, 6) == DhcpOption(number, 6, values)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("bootfile-url", "http://[2001:db8::1]/a,b", ("http://[2001:db8::1]/a,b",)),
        ("bootfile-param", "one,two words", ("one", "two words")),
        ("domain-search", "a.example", (DomainName("a.example"),)),
    ],
)
def test_texts_of_ipv6(name: str, value: str, expected: tuple[str, ...]) -> None:
    assert parse(name, value, 6).values == expected


@pytest.mark.parametrize(
    ("name", "conditions", "number", "version"),
    [
        ("tag:!ipxe,67", ("!ipxe",), 67, 4),
        ("tag:ipxe,bootfile-name", ("ipxe",), 67, 4),
        ("tag:ipxe6,59", ("ipxe6",), 59, 6),
        ("tag:!ipxe,tag:!ipxe6,59", ("!ipxe", "!ipxe6"), 59, 6),
    ],
)
def test_ironics_conditions_are_kept(
    name: str, conditions: tuple[str, ...], number: int, version: int
) -> None:
    found = parse(name, "http://10.0.0.9/boot", version)
    assert (found.conditions, found.number) == (conditions, number)


@pytest.mark.parametrize(
    ("name", "value", "version", "part"),
    [
        ("nosuch", "1", 4, "neither a DHCP option's name nor its number"),
        ("ntp-servers", "10.0.0.9", 4, "is ntp-server meant?"),
        ("subnet-mask", "255.255.255.0", 4, "is netmask meant?"),
        ("domain-name-servers", "10.0.0.9", 4, "is dns-server meant?"),
        ("host-name", "web", 4, "is hostname meant?"),
        ("hostname", "web", 4, "is its port's dns_name"),
        ("12", "web", 4, "is its port's dns_name"),
        ("bootfilename", "x", 4, "bootfile-name"),
        ("server-identifier", "10.0.0.9", 4, "the DHCP server makes it"),
        ("54", "10.0.0.9", 4, "the DHCP server makes it"),
        ("82", "01:02", 4, "relays send it"),
        ("router", "2001:db8::1", 6, "is an option of IPv4 alone"),
        ("bootfile-name", "x", 6, "bootfile-url"),
        ("bootfile-url", "x", 4, "is an option of IPv6 alone"),
        ("lease-time", "1h", 6, "is an option of IPv4 alone"),
        ("client-id", "00:01", 6, "the DHCP server makes it"),
        ("dns-server", "2001:db8::1", 4, "is not an IPv4 address"),
        ("dns-server", "10.0.0.9", 6, "is not an IPv6 address"),
        ("ntp-server", "pool.ntp.org", 4, "is not an IPv4 address"),
        ("ntp-server", "0.0.0.0", 4, "the DHCP server's own address"),
        ("ntp-server", "10.0.0.9,0.0.0.0", 4, "the DHCP server's own address"),
        ("dns-server", "0.0.0.0,10.0.0.9", 4, "the DHCP server's own address"),
        ("224", "0.0.0.0", 4, "the DHCP server's own address"),
        ("sntp-server", "::", 6, "the DHCP server's own address"),
        ("sntp-server", "fe80::", 6, "prefix"),
        ("mtu", "1,2", 4, "number from"),
        ("mtu", "70000", 4, "number from -32768 to 65535"),
        ("default-ttl", "256", 4, "number from"),
        ("121", "10.0.0.0/8", 4, "pairs"),
        ("121", "10.0.0.0,10.0.0.9", 4, "is not an IPv4 network"),
        ("121", "10.0.0.0/40,10.0.0.9", 4, "is not an IPv4 network"),
        ("domain-search", "a b", 4, "is not a domain"),
        ("lease-time", "10", 4, "at least 120"),
        ("lease-time", "soon", 4, "has to be a time"),
        ("lease-time", "4000000000", 4, "has to be a time"),
        ("client-id", "x", 4, "2 to 100 octets"),
        ("client-id", "x" * 101, 4, "2 to 100 octets"),
        ("tag:!ipxe,lease-time", "1h", 4, "has no conditions"),
        ("bootfile-name", "a\nb", 4, "printable"),
        ("bootfile-name", "a\0b", 4, "printable"),
        ("bootfile-name", "ä", 4, "printable"),
        ("bootfile-name", "", 4, "is empty"),
        ("mtu", "", 4, "is empty"),
        ("dns-server", "", 6, "is empty"),
        ("domain-search", ",".join(["abc"] * 63), 4, "takes 315 octets"),
        ("tag:x,mtu", "1", 4, "only tag:ipxe"),
        ("set:ipxe,mtu", "1", 4, "only tag:ipxe"),
        ("tag:!ipxe", "1", 4, "neither"),
        ("option:mtu", "1", 4, "neither"),
        ("vendor:x,43", "1", 4, "only tag:ipxe"),
        ("256", "1", 4, "number from 1 to 255"),
        ("65536", "1", 6, "number from 1 to 65535"),
        ("0", "1", 4, "padding"),
        ("0", "1", 6, "no option"),
        ("mtu\n", "1", 4, "neither"),
        ("", "1", 4, "neither"),
        ("²", "1", 4, "neither"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_the_reason(
    name: str, value: str, version: int, part: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(part)):
        parse(name, value, version)
    (fault,) = dhcp_options.option_faults([(name, value, version)])
    assert part in str(fault)


@pytest.mark.parametrize(("argument", "names"), [("dhcp", table.IPV4), ("dhcp6", table.IPV6)])
@pytest.mark.system
def test_every_option_of_dnsmasq_is_known(argument: str, names: table.Table) -> None:
    done = subprocess.run(
        ["/usr/sbin/dnsmasq", "--help", argument],
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    theirs = {
        (name.lower(), int(n))
        for n, name in re.findall(r"^ *(\d+) (\S+)", done.stdout, re.MULTILINE)
    }
    assert len(theirs) > 10
    assert theirs <= {(name, number) for name, (number, _read) in names.items()}


def test_an_option_without_a_value_is_deleted_whatever_it_was() -> None:
    assert list(dhcp_options.option_faults([("nosuch", None, 4)])) == []


def test_an_option_may_be_given_once_for_each_ip_version() -> None:
    both = [("ntp-server", "10.0.0.9", 4), ("ntp-server", "2001:db8::9", 6)]
    assert list(dhcp_options.option_faults(both)) == []
    assert len(list(dhcp_options.option_faults([("mtu", "1", 4), ("mtu", "2", 4)]))) == 1


def test_what_has_no_room_in_an_answer_is_refused_with_the_sum() -> None:
    texts = [(str(number), "x" * 255, 4) for number in (66, 67, 17, 18)]
    assert list(dhcp_options.option_faults(texts)) == []
    (fault,) = dhcp_options.option_faults([*texts, ("60", "x" * 255, 4)])
    assert f"{5 * 257} octets" in str(fault)


def test_an_update_sets_deletes_and_keeps_options() -> None:
    present = dhcp_options.merged_options([], [("mtu", "1", 4), ("ntp-server", "10.0.0.1", 4)])
    after = dhcp_options.merged_options(present, [("mtu", None, 4), ("150", "x", 4)])
    assert [option["opt_name"] for option in after] == ["ntp-server", "150"]

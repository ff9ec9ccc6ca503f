"""The octets of DHCP options, as their RFCs have them."""

import pytest

from ipam.rules.dhcp_option_wire import comparable, domain_names, encoded
from ipam.rules.dhcp_options import parse


@pytest.mark.parametrize(
    ("name", "value", "octets"),
    [
        ("mtu", "1400", "0578"),
        ("time-offset", "-3600", "fffff1f0"),
        ("default-ttl", "64", "40"),
        ("lease-time", "1h", "00000e10"),
        ("t1", "5m", "0000012c"),
        ("ntp-server", "192.0.2.1,192.0.2.2", "c0000201c0000202"),
        ("121", "10.0.0.0/9,10.0.0.1,0.0.0.0/0,10.0.0.2", "090a000a000001000a000002"),
        ("249", "10.1.2.0/24,10.0.0.1", "180a01020a000001"),
        ("bootfile-name", "pxe,0", "7078652c30"),
        ("domain-search", "a.b,c", "0161016200016300"),
        ("sip-server", "a.b", "000161016200"),
        ("sip-server", "192.0.2.1", "01c0000201"),
        ("router", "", ""),
        ("224", "7", "07"),
        ("224", "300", "012c"),
        ("224", "70000", "00011170"),
        ("224", "-1", "ffffffff"),
        ("224", "7s", "0007"),
        ("224", "01:02", "0102"),
    ],
)
def test_an_ipv4_option(name: str, value: str, octets: str) -> None:
    assert encoded(parse(name, value, 4)).hex() == octets


@pytest.mark.parametrize(
    ("name", "value", "octets"),
    [
        ("dns-server", "2001:db8::1", "20010db8000000000000000000000001"),
        ("ntp-server", "2001:db8::1", "0001001020010db8000000000000000000000001"),
        ("ntp-server", "ff05::101", "00020010ff050000000000000000000000000101"),
        ("ntp-server", "a.b", "0003000501610162" + "00"),
        ("ntp-server", "00:01:02", "000102"),
        ("bootfile-param", "one,x", "00036f6e65000178"),
        ("information-refresh-time", "1d", "00015180"),
        ("domain-search", "a.b", "0161016200"),
    ],
)
def test_an_ipv6_option(name: str, value: str, octets: str) -> None:
    assert encoded(parse(name, value, 6)).hex() == octets


def test_two_encodings_of_one_value_are_the_same() -> None:
    compressed = b"\3lab\7example\0\4deep\xc0\0"
    plain = domain_names(["LAB.example", "deep.lab.example"])
    assert comparable(119, 4, compressed) == comparable(119, 4, plain)
    assert comparable(120, 4, b"\0" + compressed) == comparable(120, 4, b"\0" + plain)
    assert comparable(120, 4, b"\1LAB") == b"\1LAB", "these are addresses"
    assert comparable(67, 4, b"pxe\0") == b"pxe"
    assert comparable(24, 6, b"\3LAB\0") == b"\3lab\0"


def test_other_values_stay_others() -> None:
    assert comparable(6, 4, b"A") == b"A"
    assert comparable(59, 6, b"http://A") == b"http://A"


@pytest.mark.parametrize("odd", [b"\xc0\0", b"\3ab", b"\1a\0\xc0", b"\1a\0\1b\xc0\5", b"\1a"])
def test_names_that_cannot_be_read_are_compared_as_they_are(odd: bytes) -> None:
    assert comparable(119, 4, odd) == odd

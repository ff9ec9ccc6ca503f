"""Where names and addresses have their records: forward, by octet, by nibble, and classless."""

from ipaddress import IPv4Network, ip_address

import pytest

from ipam.rules.dns_zones import Zone, place_of_address, place_of_name, zone_fault

CLASSLESS = Zone("64/26.2.0.192.in-addr.arpa", IPv4Network("192.0.2.64/26"))
ZONES = (
    Zone("lab.example"),
    Zone("in.lab.example"),
    Zone("2.0.192.in-addr.arpa"),
    CLASSLESS,
    Zone("10.in-addr.arpa"),
    Zone("8.b.d.0.1.0.0.2.ip6.arpa"),
    Zone("1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"),
)


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("web.lab.example", "lab.example"),
        ("a.b.lab.example", "lab.example"),
        ("lab.example", "lab.example"),
        ("web.in.lab.example", "in.lab.example"),
        ("web.main.lab.example", "lab.example"),
        ("weblab.example", None),
        ("web.example", None),
        ("5.2.0.192.in-addr.arpa", None),
    ],
)
def test_a_name_is_in_the_smallest_zone_that_has_it(name: str, zone: str | None) -> None:
    assert place_of_name(ZONES, name) == (None if zone is None else (zone, name))


@pytest.mark.parametrize(
    ("address", "zone", "name"),
    [
        ("10.1.2.3", "10.in-addr.arpa", "3.2.1.10.in-addr.arpa"),
        ("192.0.2.5", "2.0.192.in-addr.arpa", "5.2.0.192.in-addr.arpa"),
        ("192.0.2.70", CLASSLESS.name, "70.64/26.2.0.192.in-addr.arpa"),
        ("192.0.2.128", "2.0.192.in-addr.arpa", "128.2.0.192.in-addr.arpa"),
        (
            "2001:db8:1::5",
            "1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
            ip_address("2001:db8:1::5").reverse_pointer,
        ),
        (
            "2001:db8:2::5",
            "8.b.d.0.1.0.0.2.ip6.arpa",
            ip_address("2001:db8:2::5").reverse_pointer,
        ),
    ],
)
def test_an_address_is_in_the_smallest_reverse_zone_and_found_by_its_name(
    address: str, zone: str, name: str
) -> None:
    assert place_of_address(ZONES, address) == (zone, name)
    (of_it,) = (one for one in ZONES if one.name == zone)
    assert of_it.address_of(name) == address


@pytest.mark.parametrize("address", ["172.16.0.1", "2001:db9::1"])
def test_an_address_outside_of_all_reverse_zones_has_no_name(address: str) -> None:
    assert place_of_address(ZONES, address) is None


@pytest.mark.parametrize(
    "name",
    [
        "2.0.192.in-addr.arpa",
        "300.2.0.192.in-addr.arpa",
        "www.2.0.192.in-addr.arpa",
        "1.5.2.0.192.in-addr.arpa",
        "05.2.0.192.in-addr.arpa",
    ],
)
def test_other_names_of_a_reverse_zone_are_no_addresses(name: str) -> None:
    assert Zone("2.0.192.in-addr.arpa").address_of(name) is None


def test_a_classless_zone_has_the_names_of_its_prefix_alone() -> None:
    assert CLASSLESS.address_of("5.64/26.2.0.192.in-addr.arpa") is None
    assert CLASSLESS.address_of("64.64/26.2.0.192.in-addr.arpa") == "192.0.2.64"


@pytest.mark.parametrize(
    ("zone", "part"),
    [
        (Zone("a_b.example"), "no name of a zone"),
        (Zone("0-63.2.0.192.in-addr.arpa"), "needs its prefix"),
        (Zone("g.0.0.2.ip6.arpa"), "hexadecimal"),
        (Zone("0-63.2.0.192.in-addr.arpa", IPv4Network("192.0.0.0/16")), "than /24"),
        (Zone("0-63.3.0.192.in-addr.arpa", IPv4Network("192.0.2.0/26")), "2.0.192.in-addr.arpa"),
    ],
)
def test_what_can_be_no_zone_is_said(zone: Zone, part: str) -> None:
    assert part in (zone_fault(zone) or "")


@pytest.mark.parametrize("zone", ZONES, ids=lambda zone: zone.name)
def test_a_zone_is_taken(zone: Zone) -> None:
    assert zone_fault(zone) is None

"""What an advertisement is not as promised."""

from dataclasses import replace

from ipam.agent.advertisement_proof import (
    gives_prefixes,
    information_shortcomings,
    shortcomings,
)
from ipam.agent.dnsmasq.probe_answers import Advertisement, Prefix
from ipam.agent.promised import PromisedAdvertisement

WANTED = PromisedAdvertisement(
    managed=False,
    other=True,
    mtu=1400,
    prefixes={"2001:db8::/64": True, "2001:db8:1::/64": False},
    name_servers=("2001:db8::53",),
    search=("lab.example",),
)
PREFIXES = (
    Prefix("2001:db8::/64", True, True, 60, 60),
    Prefix("2001:db8:1::/64", True, False, 60, 60),
)
FOUND = Advertisement(
    managed=False,
    other=True,
    router_seconds=0,
    mtu=1400,
    prefixes=PREFIXES,
    name_servers=("2001:db8::53",),
    search=("LAB.example",),
)


def test_what_is_as_promised_lacks_nothing() -> None:
    assert list(shortcomings(WANTED, FOUND)) == []
    assert gives_prefixes(WANTED, FOUND)
    odd = replace(FOUND, name_servers=())
    assert list(shortcomings(replace(WANTED, name_servers=None), odd)) == []


def test_each_shortcoming_is_said() -> None:
    other = replace(
        FOUND, managed=True, router_seconds=1800, mtu=None, name_servers=(), search=("x", "y")
    )
    assert list(shortcomings(WANTED, other)) == [
        "dnsmasq advertises managed yes and not no",
        "dnsmasq advertises router-lifetime 1800 and not 0",
        "dnsmasq advertises mtu None and not 1400",
        "dnsmasq advertises domain-search x, y and not lab.example",
        "dnsmasq advertises dns-server none and not 2001:db8::53",
    ]
    assert gives_prefixes(WANTED, other)


def test_prefixes_that_are_missing_or_other_are_said() -> None:
    first, second = PREFIXES
    turned = (replace(first, autonomous=False), replace(second, autonomous=True))
    assert list(shortcomings(WANTED, replace(FOUND, prefixes=turned))) == [
        "dnsmasq advertises that machines must not make addresses in 2001:db8::/64",
        "dnsmasq advertises that machines may make addresses in 2001:db8:1::/64",
    ]
    over = replace(FOUND, prefixes=(replace(first, valid_seconds=0),))
    assert list(shortcomings(WANTED, over)) == [
        "dnsmasq advertises the prefix 2001:db8::/64 as not on the link, or as over",
        "dnsmasq does not advertise the prefix 2001:db8:1::/64",
    ]
    assert not gives_prefixes(WANTED, over)


def test_no_advertisement_gives_nothing() -> None:
    assert list(shortcomings(WANTED, None)) == ["dnsmasq sends no router advertisement"]
    assert not gives_prefixes(WANTED, None)


def test_other_information_is_said() -> None:
    wanted = {23: bytes(15) + b"\1", 24: b"", 32: b"\0\0\0\7"}
    of = "dnsmasq's answer to DHCPv6 requests for information has"
    assert list(information_shortcomings(wanted, {23: bytes(15) + b"\2", 24: b"\1a\0"})) == [
        f"{of} option 23 (dns-server) as ::2 and not ::1",
        f"{of} option 24 (domain-search) as a",
        f"{of} no option 32 (information-refresh-time)",
    ]
    assert list(information_shortcomings(wanted, None)) == [
        "dnsmasq does not answer DHCPv6 requests for information"
    ]

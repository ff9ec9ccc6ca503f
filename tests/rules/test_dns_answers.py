"""Which names a network's resolver gives to which addresses."""

import pytest

from ipam.rules.dns_answers import Answer, Claim, answers, claims, names, reverse_zones


@pytest.mark.parametrize(
    ("name", "domain", "served"),
    [
        ("web", "lab.example.", ("web.lab.example", "web")),
        ("web", "", ("web",)),
        ("a.b", "lab.example", ("a.b.lab.example",)),
        ("www.example.org", "", ()),
        ("web.lab.example.", "lab.example.", ("web.lab.example", "web")),
        ("web.other.example.", "lab.example", ()),
        ("lab.example.", "lab.example", ()),
        ("web.", "", ()),
        ("wpad", "lab.example", ()),
        ("wpad.sub", "lab.example", ()),
        ("isatap", "", ()),
        ("localhost.lab.example.", "lab.example", ()),
        ("x" * 63, ".".join(["y" * 63] * 3), ()),
    ],
)
def test_a_claimed_name_is_served_in_full_and_alone_if_it_is_one_label(
    name: str, domain: str, served: tuple[str, ...]
) -> None:
    assert names(name, domain) == served


def test_a_port_without_a_name_has_one_for_each_address() -> None:
    assert claims("", ["10.0.0.5", "fd00::5"]) == [
        Claim("host-10-0-0-5", "10.0.0.5"),
        Claim("host-fd00--5", "fd00::5"),
    ]
    assert claims("web", ["10.0.0.5", "fd00::5"], is_leased=True) == [
        Claim("web", "10.0.0.5", is_leased=True),
        Claim("web", "fd00::5", is_leased=True),
    ]
    assert claims("", ["10.0.0.5"], is_leased=True) == claims("", ["10.0.0.5"])


def test_a_name_of_two_ports_has_the_addresses_of_both() -> None:
    two = [Claim("web", "10.0.0.9"), Claim("web", "10.0.0.5")]
    assert list(answers(two, "")) == [Answer("10.0.0.5", ("web",)), Answer("10.0.0.9", ("web",))]


def test_a_machine_that_names_itself_yields_to_a_port_and_not_to_its_like() -> None:
    leased = [Claim("web", "10.0.0.7", is_leased=True), Claim("web", "10.0.0.8", is_leased=True)]
    assert [one.names for one in answers(leased, "")] == [("web",), ("web",)]
    assert list(answers([*leased, Claim("web", "10.0.0.5")], "lab")) == [
        Answer("10.0.0.5", ("web.lab", "web")),
        Answer("10.0.0.7", ("host-10-0-0-7.lab", "host-10-0-0-7")),
        Answer("10.0.0.8", ("host-10-0-0-8.lab", "host-10-0-0-8")),
    ]


def test_a_full_name_and_its_label_are_one_name() -> None:
    claimed = [Claim("web.lab.", "10.0.0.5"), Claim("web", "10.0.0.7", is_leased=True)]
    assert [one.names[-1] for one in answers(claimed, "lab")] == ["host-10-0-0-7", "web"]


def test_no_machine_names_itself_like_an_address() -> None:
    assert claims("host-10-0-0-5", ["10.0.0.7"], is_leased=True) == [
        Claim("host-10-0-0-7", "10.0.0.7")
    ]
    own = claims("web", ["10.0.0.7"], own_name="host-10-0-0-5")
    assert [one.own_names for one in answers(own, "")] == [()]


@pytest.mark.parametrize(
    ("claimant", "is_answered"),
    [
        (Claim("db", "10.0.0.5"), True),
        (Claim("laptop", "10.0.0.5"), False),
        (Claim("laptop.lab.", "10.0.0.5"), False),
        (Claim("laptop", "10.0.0.5", is_leased=True), False),
        (Claim("web", "10.0.0.5", own_name="laptop"), True),
    ],
)
def test_a_machines_own_name_stands_beside_its_ports_if_nobody_claims_it(
    claimant: Claim, is_answered: bool
) -> None:
    claimed = [claimant, Claim("web", "10.0.0.9", own_name="laptop")]
    (mine,) = [one for one in answers(claimed, "lab", claimed) if one.address == "10.0.0.9"]
    assert mine.names == ("web.lab", "web")
    assert mine.own_names == (("laptop.lab", "laptop") if is_answered else ())


@pytest.mark.parametrize("own", ["wpad", "localhost", "isatap", "web", "host-1"])
def test_an_own_name_is_never_one_that_must_not_be_served_nor_the_ports(own: str) -> None:
    claimed = claims("web", ["10.0.0.9"], own_name=own)
    assert [one.own_names for one in answers(claimed, "lab", claimed)] == [()]


def test_what_must_not_be_served_has_the_name_of_its_address() -> None:
    assert list(answers([Claim("wpad", "10.0.0.5"), Claim("db.org.", "10.0.0.6")], "lab")) == [
        Answer("10.0.0.6", ("host-10-0-0-6.lab", "host-10-0-0-6")),
        Answer("10.0.0.5", ("host-10-0-0-5.lab", "host-10-0-0-5")),
    ]


@pytest.mark.parametrize(
    ("cidr", "zones"),
    [
        ("10.0.0.0/24", ["0.0.10.in-addr.arpa"]),
        ("10.0.0.0/8", ["10.in-addr.arpa"]),
        ("10.0.4.0/23", ["4.0.10.in-addr.arpa", "5.0.10.in-addr.arpa"]),
        ("10.0.0.4/31", ["4.0.0.10.in-addr.arpa", "5.0.0.10.in-addr.arpa"]),
        ("2001:db8::/64", ["0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"]),
        (
            "2001:db8::/63",
            [
                "0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
                "1.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
            ],
        ),
    ],
)
def test_the_reverse_zones_are_the_subnets_own(cidr: str, zones: list[str]) -> None:
    assert reverse_zones(cidr) == zones


def test_no_subnet_has_more_than_128_zones() -> None:
    assert len(reverse_zones("10.0.0.0/25")) == 128
    assert len(reverse_zones("0.0.0.0/1")) == 128
    assert len(reverse_zones("10.0.0.128/32")) == 1

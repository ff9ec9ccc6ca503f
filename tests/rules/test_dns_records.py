"""Which records zones have of which ports, and how a zone differs from that."""

import pytest

from ipam.rules.dns_answers import published_name
from ipam.rules.dns_records import (
    FEWEST_DRASTIC,
    Published,
    changed,
    differences,
    records,
)
from ipam.rules.dns_zones import Zone

LAB, BACK = Zone("lab.example"), Zone("2.0.192.in-addr.arpa")
WEB = frozenset({("A", "192.0.2.5")})


@pytest.mark.parametrize(
    ("dns_name", "domains", "name"),
    [
        ("web", ("", "lab.example.", ""), "web.lab.example"),
        ("web", ("other.example", "lab.example.", "site.example"), "web.other.example"),
        ("web", ("", "", "site.example."), "web.site.example"),
        ("a.b", ("", "lab.example.", ""), "a.b.lab.example"),
        ("web.lab.example.", ("", "lab.example.", ""), "web.lab.example"),
        ("web.lab.example.", ("other.example.", "lab.example.", ""), None),
        ("web", ("", "", ""), None),
        ("", ("", "lab.example.", ""), None),
        ("wpad", ("", "lab.example.", ""), None),
        ("localhost", ("", "lab.example.", ""), None),
    ],
)
def test_the_name_elsewhere(dns_name: str, domains: tuple[str, str, str], name: str) -> None:
    of_port, of_network, of_deployment = domains
    found = published_name(
        dns_name, of_port=of_port, of_network=of_network, of_deployment=of_deployment
    )
    assert found == name


def test_a_shared_name_has_all_addresses_and_an_address_all_its_names() -> None:
    found = records(
        [LAB, BACK],
        [
            Published("web.lab.example", "192.0.2.5"),
            Published("web.lab.example", "2001:db8::5"),
            Published("old.lab.example", "192.0.2.5"),
            Published("web.elsewhere.example", "10.0.0.1"),
        ],
    )
    assert found == {
        ("lab.example", "web.lab.example"): WEB | {("AAAA", "2001:db8::5")},
        ("lab.example", "old.lab.example"): WEB,
        (BACK.name, "5.2.0.192.in-addr.arpa"): {
            ("PTR", "web.lab.example."),
            ("PTR", "old.lab.example."),
        },
    }


def test_what_differs_is_changed() -> None:
    other = frozenset({("A", "192.0.2.6")})
    before = {("z", "same"): WEB, ("z", "moved"): WEB, ("z", "gone"): WEB}
    after = {("z", "same"): WEB, ("z", "moved"): other, ("z", "new"): WEB}
    assert changed(before, after) == {("z", "moved"), ("z", "gone"), ("z", "new")}


def test_a_zone_is_compared_name_by_name() -> None:
    names = ("right", "missing", "wrong", "foreign", "marked")
    wanted = {f"{name}.lab.example": WEB for name in names}
    present = {
        "right.lab.example": WEB | {("DHCID", "x")},
        "wrong.lab.example": frozenset({("A", "192.0.2.9"), ("DHCID", "x")}),
        "foreign.lab.example": frozenset({("A", "192.0.2.5")}),
        "marked.lab.example": frozenset({("DHCID", "x"), ("NS", "ns.lab.example.")}),
        "left.lab.example": WEB,
        "theirs.lab.example": WEB,
    }
    owned = {f"{name}.lab.example" for name in ("right", "wrong", "left", "marked")}
    found = differences(LAB, wanted, present, owned)
    assert set(found.missing) == {"missing.lab.example"}
    assert set(found.changed) == {"wrong.lab.example", "marked.lab.example"}
    assert set(found.foreign) == {"foreign.lab.example"}
    assert found.left == {"left.lab.example"}
    assert found.owned == 4
    assert "theirs.lab.example" not in found.to_repair | set(found.foreign)


@pytest.mark.parametrize(
    ("left", "kept", "is_drastic"),
    [
        (FEWEST_DRASTIC, 0, False),
        (FEWEST_DRASTIC + 1, 0, True),
        (FEWEST_DRASTIC + 1, FEWEST_DRASTIC, True),
        (FEWEST_DRASTIC + 1, FEWEST_DRASTIC + 1, False),
    ],
)
def test_when_most_names_would_go_the_database_may_be_wrong(
    left: int, kept: int, *, is_drastic: bool
) -> None:
    gone = {f"l{number}.lab.example" for number in range(left)}
    stays = {f"k{number}.lab.example" for number in range(kept)}
    present = dict.fromkeys(gone | stays, WEB)
    found = differences(LAB, dict.fromkeys(stays, WEB), present, gone | stays)
    assert found.is_drastic is is_drastic

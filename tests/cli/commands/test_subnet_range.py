"""`ipam subnet range`, and what shows static ranges."""

from pathlib import Path

import pytest

from tests.cli.conftest import Ipam, parsed


@pytest.fixture
def lan(local: Ipam) -> Ipam:
    assert local("network", "create", "lan").status == 0
    words = ("--network", "lan", "--subnet-range", "10.0.0.0/24", "--no-dhcp")
    assert local("subnet", "create", *words, "lan-v4").status == 0
    return local


def ranges(ipam: Ipam) -> list[tuple[str, str, str, int]]:
    return [
        (one["Range"], one["Label"], one["Owner"], one["Addresses"])
        for one in parsed(ipam("subnet", "range", "list", "-f", "json"))
    ]


def test_ranges_are_made_changed_shown_and_taken_away(lan: Ipam) -> None:
    create = ("subnet", "range", "create", "lan-v4")
    assert lan(*create, "10.0.0.10-10.0.0.29", "--label", "printers").status == 0
    assert lan(*create, "10.0.0.240/30", "--owner", "team blue").status == 0
    assert lan(*create, "10.0.0.9").status == 0
    assert lan("subnet", "range", "set", "lan-v4", "printers", "--owner", "ops").status == 0
    assert ranges(lan) == [
        ("10.0.0.9-10.0.0.9", "", "", 1),
        ("10.0.0.10-10.0.0.29", "printers", "ops", 20),
        ("10.0.0.240-10.0.0.243", "", "team blue", 4),
    ]
    drawn = lan("subnet", "map", "lan-v4").out
    assert "'s' static 25" in drawn
    assert "printers" in lan("find", "10.0.0.12").out
    usage = parsed(lan("subnet", "usage", "lan-v4", "-f", "json", "-c", "static", "-c", "total"))
    assert usage[0] == {"Static": 25, "Total": 228}
    assert lan("subnet", "range", "delete", "lan-v4", "printers").status == 0
    assert lan("subnet", "range", "delete", "lan-v4", "10.0.0.9-10.0.0.9").status == 0
    assert len(ranges(lan)) == 1


def test_what_cannot_be_is_said_with_what_there_is(lan: Ipam) -> None:
    lan("subnet", "range", "create", "lan-v4", "10.0.0.10-10.0.0.29", "--label", "printers")
    lost = lan("subnet", "range", "delete", "lan-v4", "scanners")
    assert lost.status == 1
    assert "No static range is called 'scanners' in subnet lan-v4." in lost.err
    assert "There are: 10.0.0.10-10.0.0.29 printers." in lost.err
    over = lan("subnet", "range", "create", "lan-v4", "10.0.0.20-10.0.0.40")
    assert "10.0.0.10-10.0.0.29 and 10.0.0.20-10.0.0.40 overlap" in over.err
    assert lan("subnet", "range", "create", "lan-v4", "10.0.0.1/24").status == 2
    assert "'' is not a valid IP" in lan("subnet", "range", "create", "lan-v4", "10.0.0.9-").err
    assert lan("subnet", "range", "set", "lan-v4", "printers").status == 2


def test_a_range_is_named_as_it_was_given(lan: Ipam) -> None:
    words = ("--network", "lan", "--subnet-range", "2001:db8::/64", "--ip-version", "6")
    assert lan("subnet", "create", *words, "--no-dhcp", "lan-v6").status == 0
    given = (
        ("lan-v4", "10.0.0.9"),
        ("lan-v4", "10.0.0.224/28"),
        ("lan-v6", "2001:DB8::10-2001:db8:0::2F"),
    )
    for subnet, text in given:
        assert lan("subnet", "range", "create", subnet, text).status == 0
        assert lan("subnet", "range", "set", subnet, text, "--label", "a/b").status == 0
        assert lan("subnet", "range", "set", subnet, "a/b", "--label", "").status == 0
        assert lan("subnet", "range", "delete", subnet, "").status == 1  # no name of any
        assert lan("subnet", "range", "delete", subnet, text).status == 0
    assert ranges(lan) == []


def test_the_text_of_an_estate_has_them(lan: Ipam, tmp_path: Path) -> None:
    lan("subnet", "range", "create", "lan-v4", "10.0.0.10-10.0.0.29", "--label", "printers")
    text = lan("export").out
    assert "label: printers" in text
    (tmp_path / "estate.yaml").write_text(text)
    assert "owner" not in text
    same = lan("apply", "--from-file", "estate.yaml")
    assert same.status == 0
    (tmp_path / "estate.yaml").write_text(text.replace("printers", "scanners"))
    changed = lan("apply", "--from-file", "estate.yaml", "--yes")
    assert changed.status == 0, changed.err
    assert ranges(lan) == [("10.0.0.10-10.0.0.29", "scanners", "", 20)]

"""Estates of each format, with what must be understood of them.

Lists are compared as sets. A key that the expected file leaves out is not compared. More problems
may be reported, none may be missing.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from ipam.imports import neutral
from ipam.imports.estate import Wishes
from ipam.imports.files import gathered
from ipam.imports.reading import read

CASES = Path(__file__).parent / "cases"
NAMES = sorted(path.name.removesuffix(".expected.json") for path in CASES.glob("*.expected.json"))


@pytest.mark.parametrize("name", NAMES)
def test_an_estate_is_understood_as_its_admin_means_it(name: str) -> None:
    expected = json.loads((CASES / f"{name}.expected.json").read_text())
    raw = (CASES / f"{name}.input").read_bytes()
    prefixes = expected.get("known_prefixes", ["192.0.2.0/24"] if "csv" in name else [])
    estate = read(gathered({f"{name}.input": raw}), Wishes(expected["now"], prefixes))
    found = neutral.of(estate)
    for key in ("networks", "subnets", "reservations", "leases"):
        if key in expected:
            _same(key, expected[key], found[key])
    if "held_back" in expected:
        assert set(found["held_back"]) == set(expected["held_back"])
    if "server_duid" in expected:
        assert found["server_duid"] == expected["server_duid"]
    reported = {(one["code"], one["subject"]) for one in found["problems"]}
    wanted = {(one["code"], one["subject"]) for one in expected.get("problems", [])}
    assert wanted <= reported, wanted - reported
    assert set(expected.get("skipped", [])) <= set(found["skipped"])


@pytest.mark.parametrize("name", NAMES)
def test_each_thing_that_was_read_has_its_file_and_line(name: str) -> None:
    raw = (CASES / f"{name}.input").read_bytes()
    estate = read(gathered({f"{name}.input": raw}), Wishes(1_795_800_000))
    things: list[Any] = [*estate.subnets, *estate.reservations, *estate.leases, *estate.held]
    assert things
    assert all(one.place.file and one.place.line for one in things)
    assert all(one.place.file for one in estate.problems)


def _same(key: str, expected: list[dict[str, Any]], found: list[dict[str, Any]]) -> None:
    left = list(found)
    for one in expected:
        match = next((each for each in left if _fits(one, each)), None)
        assert match is not None, (key, one, left)
        left.remove(match)
    assert not left, (key, "not expected", left)


def _fits(expected: dict[str, Any], found: dict[str, Any]) -> bool:
    return all(_plain(found.get(key)) == _plain(value) for key, value in expected.items())


def _plain(value: Any) -> Any:
    return sorted(map(str, value)) if isinstance(value, list) else value

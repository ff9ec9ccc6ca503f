"""The hand-written pages name files that exist, and their picture is true."""

import re
import tomllib
from pathlib import Path

import pytest

from ipam.settings.parsed import GROUPS

ROOT = Path(__file__).parents[2]
WRITTEN_BY_PROGRAMS = {"api.md", "cli.md"}
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *(
        each
        for each in sorted((ROOT / "docs").glob("*.md"))
        if each.name not in WRITTEN_BY_PROGRAMS
    ),
]
TOP = r"(?:ipam|tests|scripts|docs|etc|templates)"
NAMED = re.compile(
    rf"(?<![\w./-]){TOP}/[\w./-]*\w/?(?![\w/*-])|(?<![\w./-])(?:pyproject\.toml|[A-Z]+\.md)\b"
)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text()
    named = {ROOT / found.group() for found in NAMED.finditer(text)}
    linked = {page.parent / target for target in LINK.findall(text)}
    assert sorted(str(path) for path in named | linked if not path.exists()) == []


def test_every_setting_that_takes_a_neutron_settings_place_is_one() -> None:
    rows = [
        row.split("|")[2]
        for row in (ROOT / "docs" / "from-linuxbridge.md").read_text().splitlines()
        if re.match(r"\| `(\[|dnsmasq_|dhcp_)", row)
    ]
    named = [one for row in rows for one in re.findall(r"`\[(\w+)\] (\w+)`", row)]
    options = {(section, each.name) for section, those in GROUPS.items() for each in those}
    assert len(named) > 20
    assert all("`[" in row or row.strip() in ("none", "always") for row in rows)
    assert sorted(set(named) - options) == []


def test_the_picture_of_the_rooms_has_the_floors_of_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (floors,) = [
        one["layers"] for one in contracts["contracts"] if one.get("containers") == ["ipam"]
    ]
    svg = (ROOT / "docs" / "rooms.svg").read_text()
    drawn: dict[str, set[str]] = {}
    for height, names in re.findall(
        r'<text [^>]*y="(\d+)"[^>]*font-weight="bold"[^>]*>([^<]*)', svg
    ):
        drawn.setdefault(height, set()).update(names.split(" · "))
    wanted = [set(floor.split(" | ")) for floor in floors if floor != "__main__"]
    assert [drawn[height] for height in sorted(drawn, key=int)] == wanted

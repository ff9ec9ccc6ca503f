"""The units give what they need and no more, each directive with its reason."""

import shutil

import pytest

from tests.units.unit_file import UNITS, exposure, unit

MOST = {"ipam-api": 1.5, "ipam-worker": 1.5, "ipam-agent": 5.0, "ipam-up": 5.0}


@pytest.mark.parametrize("name", MOST)
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_a_unit_is_exposed_no_more_than_it_must_be(name: str) -> None:
    assert exposure(unit(name)) <= MOST[name]


@pytest.mark.parametrize("name", sorted(path.stem for path in UNITS.glob("*.service")))
def test_directories_have_their_modes_from_the_unit(name: str) -> None:
    directives = unit(name).directives
    for kind in ("StateDirectory", "RuntimeDirectory"):
        assert (kind in directives) == (f"{kind}Mode" in directives)
    assert directives["UMask"] == ["0077"]

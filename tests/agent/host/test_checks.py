import contextlib
from pathlib import Path

import pytest

from ipam.agent.dnsmasq.process import find_program
from ipam.agent.host import checks
from ipam.agent.host.checks import check_dnsmasq, may_have_cve_2026_4892, parse_version
from ipam.errors import HostUnfit
from tests.agent.host.programs import only_programs_in, program


@pytest.mark.parametrize(
    ("text", "number", "doubtful"),
    [
        ("2.90", (2, 90), True),
        ("2.92", (2, 92), True),
        ("2.92rel1", (2, 92), True),
        ("2.92rel2", (2, 92), False),
        ("2.93test1", (2, 93), False),
        ("2.100", (2, 100), False),
    ],
)
def test_versions(text: str, number: tuple[int, int], doubtful: bool) -> None:
    version = parse_version(f"Dnsmasq version {text}  Copyright (c) 2000-2024 Simon Kelley\n")
    assert version.number == number
    assert may_have_cve_2026_4892(version) == doubtful


@pytest.mark.parametrize(("text", "forgets"), [("2.87", False), ("2.88", True), ("2.90", True)])
def test_names_that_go_are_forgotten_from_2_88_on(text: str, *, forgets: bool) -> None:
    assert parse_version(f"Dnsmasq version {text}  Copyright\n").forgets_names is forgets


def test_what_is_not_dnsmasq_is_refused() -> None:
    with pytest.raises(HostUnfit, match="not dnsmasq"):
        parse_version("BusyBox v1.35.0\n")


def test_an_old_dnsmasq_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    program = tmp_path_factory.mktemp("bin") / "dnsmasq"
    program.write_text("#!/bin/sh\necho Dnsmasq version 2.80 Copyright\n")
    program.chmod(0o755)
    with pytest.raises(HostUnfit, match="dnsmasq-base"):
        check_dnsmasq(str(program))


def test_a_missing_program_names_its_package() -> None:
    with pytest.raises(HostUnfit, match="apt install dnsmasq-base"):
        find_program("no-such-dnsmasq", "dnsmasq-base")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    only_programs_in(tmp_path, monkeypatch)
    return tmp_path


def test_a_dnsmasq_with_the_repair_is_taken_without_a_word(
    programs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = program(programs, "dnsmasq", "echo Dnsmasq version 2.92rel2 Copyright")
    assert check_dnsmasq(str(found)).text == "2.92rel2"
    assert not caplog.records


def test_a_dnsmasq_that_may_be_vulnerable_is_refused_or_where_allowed_said(
    programs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One that was built by hand is none of Debian's, whatever package is installed, too."""
    program(programs, "dpkg-query", "printf 2.90-4~deb12u2")
    program(programs, "dpkg")
    found = program(programs, "dnsmasq", "echo Dnsmasq version 2.90 Copyright")
    with pytest.raises(HostUnfit, match=r"may have CVE-2026-4892.*allow_vulnerable_dnsmasq"):
        check_dnsmasq(str(found))
    assert check_dnsmasq(str(found), allow_vulnerable=True).number == (2, 90)
    assert "dnsmasq 2.90 may have CVE-2026-4892" in caplog.text


@pytest.mark.parametrize(
    ("version", "installed", "is_newer", "warns"),
    [
        ("2.90", "2.90-4~deb12u2", True, False),
        ("2.90", "2.90-4~deb12u1", False, True),
        ("2.90", "", True, True),
        ("2.91", "2.91-1", True, True),
    ],
)
def test_debians_own_repair_counts_for_debians_own_program(
    programs: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    version: str,
    installed: str,
    *,
    is_newer: bool,
    warns: bool,
) -> None:
    said = f"Dnsmasq version {version} Copyright"
    outputs = {"/usr/sbin/dnsmasq": said, "dpkg-query": installed}
    monkeypatch.setattr(checks, "_output", lambda command, *_more: outputs[command])
    program(programs, "dpkg", f'echo "$@" > {programs}/compared; exit {0 if is_newer else 1}')
    check_dnsmasq("/usr/sbin/dnsmasq", allow_vulnerable=True)
    assert bool(caplog.records) == warns
    with pytest.raises(HostUnfit) if warns else contextlib.nullcontext():
        check_dnsmasq("/usr/sbin/dnsmasq")
    if version == "2.90" and installed:
        compared = (programs / "compared").read_text()
        assert compared == f"--compare-versions {installed} ge 2.90-4~deb12u2\n"


def test_a_host_without_dpkg_has_no_repair_of_debian(programs: Path) -> None:
    assert checks._output("dpkg-query", "-W") == ""

import pytest

from ipam.agent.dnsmasq.process import find_program
from ipam.agent.host.checks import check_dnsmasq, may_have_cve_2026_4892, parse_version
from ipam.errors import HostUnfit


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

"""What `ipam up` finds in its way, with stand-ins for dnsmasq that print what they are told."""

import socket
from pathlib import Path

import pytest

from ipam.cli.commands import preflight


def program(directory: Path, output: str) -> str:
    path = directory / "dnsmasq"
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{output}\nEND\n")
    path.chmod(0o755)
    return str(path)


def test_a_missing_dnsmasq_names_the_package() -> None:
    (fault,) = preflight.dnsmasq_faults("no-such-dnsmasq")
    assert "apt install dnsmasq-base" in fault


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("Dnsmasq version 2.80  Copyright (c) 2000-2018 Simon Kelley", "apt install dnsmasq-base"),
        ("Dnsmasq version 2.86", "2.87"),
        ("BusyBox v1.35.0", "not dnsmasq"),
        ("", "not dnsmasq"),
    ],
)
def test_an_old_or_foreign_program_is_refused(tmp_path: Path, output: str, said: str) -> None:
    path = program(tmp_path, output)
    (fault,) = preflight.dnsmasq_faults(path)
    assert said in fault
    assert path in fault


@pytest.mark.parametrize("version", ["2.87", "2.90", "2.92rel2", "3.0"])
def test_a_recent_dnsmasq_is_no_fault(tmp_path: Path, version: str) -> None:
    path = program(tmp_path, f"Dnsmasq version {version}  Copyright (c) Simon Kelley")
    assert list(preflight.dnsmasq_faults(path, allow_vulnerable=True)) == []


def test_a_dnsmasq_that_may_be_vulnerable_is_a_fault_with_its_remedies(tmp_path: Path) -> None:
    (fault,) = preflight.dnsmasq_faults(program(tmp_path, "Dnsmasq version 2.90  Copyright"))
    assert "2.92rel2" in fault
    assert "[agent] allow_vulnerable_dnsmasq" in fault


def test_a_port_in_use_is_a_fault_and_a_free_one_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (fault,) = preflight._door("127.0.0.1", port)
        assert f"127.0.0.1 port {port}" in fault
        assert "--port" in fault
    assert list(preflight._door("127.0.0.1", preflight.free_port("127.0.0.1"))) == []


def test_every_fault_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        found = preflight.faults("no-such-dnsmasq", "127.0.0.1", taken.getsockname()[1])
    assert [
        word for word in ("sudo ipam up", "dnsmasq-base", "--port") if word in " ".join(found)
    ] == [
        "sudo ipam up",
        "dnsmasq-base",
        "--port",
    ]
    assert len(found) == 3

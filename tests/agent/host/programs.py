"""Programs of a host in a directory of a test: shell scripts that say or do as they are told."""

from pathlib import Path

import pytest


def program(directory: Path, name: str, script: str = "") -> Path:
    """A shell script of that name."""
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def only_programs_in(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no other programs found but these."""
    monkeypatch.setenv("PATH", str(directory))
    monkeypatch.setattr("ipam.agent.dnsmasq.process.SYSTEM_PATH", "")

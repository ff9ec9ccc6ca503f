"""What commands change without the API stands in the system log, with who did it."""

import io
import os
import syslog
from pathlib import Path

import pytest

from ipam.cli import system_log
from tests.cli.conftest import Ipam


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    logged: list[str] = []
    monkeypatch.setattr(syslog, "syslog", lambda _priority, line: logged.append(line))
    return logged


def test_changes_of_users_are_logged_without_passwords(
    ipam: Ipam, lines: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "users"
    on_this = ("--htpasswd-file", str(file))
    monkeypatch.setattr("sys.stdin", io.StringIO("sesame\n"))
    ipam("user", "add", "anna", "--role", "reader", "--password-stdin", *on_this)
    ipam("user", "set", "anna", "--role", "member", "--project", "acme", *on_this)
    ipam("user", "delete", "bert", "anna", *on_this)
    config = tmp_path / "ipam.conf"
    config.write_text(f"[DEFAULT]\nstate_path = {tmp_path}\n")
    with_settings = (*on_this, "--config-file", str(config))
    ipam("agent", "enrol", "node-7", *with_settings)
    ipam("agent", "revoke", "node-7", *with_settings)
    who = f"(uid {os.getuid()})"
    assert lines == [
        f"user anna was given a password, role reader and project default in {file} {who}",
        f"user anna was given role member and project acme in {file} {who}",
        f"user anna was deleted in {file} {who}",
        f"user agent@node-7 was given a new password and role agent in {file} {who}",
        f"user agent@node-7 was deleted in {file} {who}",
    ]


def test_what_fails_is_not_logged_as_done(ipam: Ipam, lines: list[str], tmp_path: Path) -> None:
    missing = ("--htpasswd-file", str(tmp_path / "none"))
    assert ipam("user", "set", "anna", "--role", "member", *missing).status == 1
    assert ipam("user", "delete", "anna", *missing).status == 1
    assert lines == []


def test_a_line_says_who_is_behind_sudo_and_cannot_be_forged(
    lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "anna")
    system_log.record("user bert\nuser carl was deleted")
    (line,) = lines
    assert line.startswith("user bert\\nuser carl was deleted (uid ")
    assert line.endswith(", by sudo from anna)")

"""A start names what others may read or change, and the command that closes it."""

import os
import stat
from pathlib import Path

import pytest

from ipam import settings
from ipam.settings.exposed_files import exposed_files, fault, holds_password

FILE, DIRECTORY = Path("/etc/ipam/ipam.conf"), Path("/run/ipam")


@pytest.mark.parametrize(
    ("mode", "holds_secrets", "words", "command"),
    [
        (0o644, True, "can be read by", "chmod o-rwx"),
        (0o640, True, "", ""),
        (0o600, True, "", ""),
        (0o644, False, "", ""),
        (0o664, False, "can be changed by", "chmod g-w,o-w"),
        (0o602, False, "can be changed by", "chmod g-w,o-w"),
        (0o666, True, "can be read and changed by", "chmod g-w,o-w,o-rwx"),
    ],
)
def test_a_file(mode: int, holds_secrets: bool, words: str, command: str) -> None:
    said = fault(FILE, stat.S_IFREG | mode, holds_secrets=holds_secrets)
    assert (said or "").endswith(f"`{command} {FILE}`" if command else "")
    assert words in (said or "")
    assert (said is None) == (not words)


@pytest.mark.parametrize(
    ("mode", "is_fault"), [(0o755, False), (0o775, True), (0o1775, False), (0o1777, True)]
)
def test_a_directory(mode: int, is_fault: bool) -> None:
    said = fault(DIRECTORY, stat.S_IFDIR | mode, holds_secrets=False)
    assert (said is not None) == is_fault


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("password = x", True),
        ("memcache_secret_key=x", True),
        ("password_file = /etc/ipam/agent.password", False),
        ("connection = postgresql+psycopg://ipam:secret@db/ipam", True),
        ("connection = postgresql+psycopg://ipam@db/ipam", False),
        ("# password = x", False),
        ("password =", False),
        ("password: x", True),
        ("password =\n    x", True),
        ("password =\nusername = x", False),
        ("username = password: x", False),
        ("auth_url = http://keystone:5000/v3", False),
    ],
)
def test_what_is_a_password(line: str, found: bool) -> None:
    assert holds_password(f"[group]\n{line}\n") == found


def test_everything_that_is_too_open_is_named_at_once(tmp_path: Path) -> None:
    file = tmp_path / "ipam.conf"
    file.write_text(
        f"[DEFAULT]\nstate_path = {tmp_path}\nrun_path = {tmp_path}/run\n[agent]\npassword = x\n"
        f"password_file = {tmp_path}/password\nkey_file = {tmp_path}/agent.key\n"
        f"[api]\ntls_certificate_file = {tmp_path}/api-with-key.pem\n"
        f"[audit]\nchain_key_file = {tmp_path}/audit.key\n"
    )
    secrets = ("password", "agent.key", "api-with-key.pem", "audit.key")
    for name in ("ipam.sqlite", "ipam.sqlite-wal", "htpasswd", *secrets):
        (tmp_path / name).touch()
    for path in tmp_path.iterdir():
        path.chmod(0o644)
    said = exposed_files(settings.load([str(file)]))
    assert {one.partition(" ")[0] for one in said} == set(map(str, tmp_path.iterdir()))
    for one in said:
        path = Path(one.partition(" ")[0])
        path.chmod(path.stat().st_mode & 0o770)
    assert exposed_files(settings.load([str(file)])) == []


def test_who_could_change_the_rules_or_a_ca_is_named(tmp_path: Path) -> None:
    file = tmp_path / "ipam.conf"
    file.write_text(
        f"[DEFAULT]\nstate_path = {tmp_path}\nrun_path = {tmp_path}\n"
        f"[agent]\nca_file = {tmp_path}/ca.pem\n[api]\ntls_client_ca_file = {tmp_path}/cas.pem\n"
    )
    rules = tmp_path / "policy.d" / "more.yaml"
    rules.parent.mkdir()
    opened = [tmp_path / name for name in ("policy.yaml", "ca.pem", "cas.pem")] + [rules]
    for path in opened:
        path.touch()
        path.chmod(0o666)
    said = exposed_files(settings.load([str(file)]))
    assert {one.partition(" ")[0] for one in said} == set(map(str, opened))


@pytest.mark.parametrize(("mode", "is_named"), [(0o777, True), (0o1777, False), (0o755, False)])
def test_a_directory_in_which_others_could_replace_the_settings_is_named(
    tmp_path: Path, mode: int, is_named: bool
) -> None:
    directory = tmp_path / "etc"
    directory.mkdir()
    file = directory / "ipam.conf"
    file.write_text(f"[DEFAULT]\nstate_path = {tmp_path}\nrun_path = {tmp_path}\n")
    directory.chmod(mode)
    said = exposed_files(settings.load([str(file)]))
    assert [one.partition(" ")[0] for one in said] == [str(directory)] * is_named


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_is_told_who_else_owns_what_it_believes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, run = tmp_path / "ipam.conf", tmp_path / "run"
    run.mkdir()
    file.write_text(f"[DEFAULT]\nstate_path = {tmp_path}\nrun_path = {run}\n")
    for path in (file, run):
        os.chown(path, 1234, 1234)
    said = exposed_files(settings.load([str(file)]))
    words = "belongs to the user 1234, who can change it"
    assert said == [
        f"{file} {words}: `chown root {file}`",
        f"{run} {words}: set [agent] run_path to a directory of root's",
    ]
    monkeypatch.setenv("SUDO_UID", "1234")
    assert exposed_files(settings.load([str(file)])) == []
    monkeypatch.delenv("SUDO_UID")
    os.chown(file, 0, 0)
    file.write_text(f"{file.read_text()}[agent]\nrun_path = {tmp_path}/agent\n")
    assert exposed_files(settings.load([str(file)])) == []

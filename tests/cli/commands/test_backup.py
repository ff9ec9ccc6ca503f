"""`ipam backup`, `ipam restore` and `ipam recover` on an SQLite database."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ipam.store import schema
from ipam.store.backup import snapshot
from ipam.store.backup.backup_file import Writer
from tests.cli.conftest import Ipam, Outcome, parsed
from tests.servers.live_api import LiveApi

Run = Callable[..., Outcome]


@pytest.fixture
def database(tmp_path: Path, template_database: Path) -> Path:
    path = tmp_path / "estate.sqlite"
    path.write_bytes(template_database.read_bytes())
    return path


@pytest.fixture
def run(ipam: Ipam, database: Path, tmp_path: Path) -> Run:
    """Commands that open the database themselves."""
    config = tmp_path / "ipam.conf"
    config.write_text(f"[database]\nconnection = sqlite:///{database}\n")

    def words(*given: str) -> Outcome:
        return ipam(*given, "--config-file", str(config))

    return words


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
def test_backup_is_private_and_says_what_it_has(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "it.backup"
    target.write_text("the one of yesterday")
    target.chmod(0o644)
    made = run("backup", "--to", str(target))
    assert made.status == 0, made.err
    assert made.err.startswith("0 networks, 0 subnets, 0 ports, 0 leases; 0 rows in all.")
    assert "no password" in made.err
    assert target.stat().st_mode & 0o777 == 0o600
    checked = run("restore", str(target), "--check")
    assert checked.status == 0
    assert f"from sqlite, schema {schema.HEAD}" in checked.err


def test_backup_that_fails_leaves_the_older_one(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "it.backup"
    target.write_text("the one of yesterday")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(snapshot, "count_rows", lambda _: 0)
    monkeypatch.setattr(Writer, "end", full)
    failed = run("backup", "--to", str(target))
    assert failed.status == 1
    assert "No space left" in failed.err
    assert target.read_text() == "the one of yesterday"
    assert {path.name for path in tmp_path.iterdir()} >= {"it.backup"}
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".new")]


@pytest.mark.parametrize(
    ("target", "said"), [(".", "is a directory"), ("none/it.backup", "There is no directory")]
)
def test_backup_names_a_place_that_is_none(
    run: Run, tmp_path: Path, target: str, said: str
) -> None:
    failed = run("backup", "--to", str(tmp_path / target))
    assert failed.status == 2
    assert said in failed.err


def test_backup_goes_through_a_pipe(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    out = io.BytesIO()

    class Pipe(io.TextIOWrapper):
        def isatty(self) -> bool:
            return False

    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", Pipe(out))
        assert run("backup", "--to", "-").status == 0
        content = out.getvalue()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdin", Pipe(io.BytesIO(content)))
        restored = run("restore", "-")
    assert restored.status == 0, restored.err
    assert "recovering" in restored.err


def test_restore_refuses_what_is_no_backup(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "it.backup"
    assert run("backup", "--to", str(target)).status == 0
    (tmp_path / "cut").write_bytes(target.read_bytes()[:-20])
    cut = run("restore", str(tmp_path / "cut"))
    assert (cut.status, "cut off" in cut.err) == (1, True)
    assert run("restore", str(tmp_path / "none")).status == 1


def test_running_service_is_restored_and_recovers(
    local: Ipam, api: LiveApi, tmp_path: Path
) -> None:
    target = str(tmp_path / "it.backup")
    settings = ("--config-file", api.config_file)
    assert local("recover", "status").out == "No backup was restored into this database.\n"
    local("network", "create", "demo")
    local("subnet", "create", "--network", "demo", "--subnet-range", "10.0.0.0/24")
    assert "1 network, 1 subnet, 1 port," in local("backup", "--to", target, *settings).err
    local("network", "create", "later")
    refused = local("restore", target, *settings)
    assert refused.status == 1
    assert "not empty: 2 in network" in refused.err
    assert "--replace" in refused.err
    assert local("restore", target, "--replace", *settings).status == 0
    assert local("network", "show", "later").status == 1
    shown = local("recover", "status")
    assert (shown.status, "RECOVERING" in shown.out) == (1, True)
    waits = local("port", "create", "--network", "demo", "web")
    assert waits.status == 1
    assert "ipam recover status" in waits.err
    ended = local("recover", "finish")
    assert ended.status == 0
    assert "The recovery ended at" in ended.out
    assert parsed(local("recover", "status", "-f", "json"))["status"] == "finished"
    assert local("port", "create", "--network", "demo", "web").status == 0

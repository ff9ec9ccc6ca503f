"""A running API and the command line in the test's own process."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ipam.cli.main import main
from ipam.store import schema
from ipam.store.engine.database import Database
from tests.servers.live_api import LiveApi, live_api


@dataclass(frozen=True, slots=True)
class Outcome:
    status: int
    out: str
    err: str


Ipam = Callable[..., Outcome]


def parsed(outcome: Outcome) -> Any:
    """What a command that did its work printed as JSON."""
    assert outcome.status == 0, outcome.err
    return json.loads(outcome.out)


@pytest.fixture(scope="session")
def template_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("schema") / "ipam.sqlite"
    database = Database(f"sqlite:///{path}")
    schema.upgrade(database)
    database.dispose()
    return path


@pytest.fixture
def api(template_database: Path, tmp_path: Path) -> Iterator[LiveApi]:
    with live_api(template_database, tmp_path) as running:
        yield running


@pytest.fixture
def ipam(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Ipam:
    """Run one command line; environment and home directory hold nothing of the machine's."""
    for name in os.environ:
        if name.startswith(("OS_", "IPAM_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    def run(*words: str, environment: Mapping[str, str] | None = None) -> Outcome:
        capfd.readouterr()
        with monkeypatch.context() as patch:
            for name, value in (environment or {}).items():
                patch.setenv(name, value)
            status = main(list(words))
        captured = capfd.readouterr()
        assert "Traceback" not in captured.err
        return Outcome(status, captured.out, captured.err)

    return run


@pytest.fixture
def local(api: LiveApi, ipam: Ipam) -> Ipam:
    """The same, talking to the running API through its socket."""

    def run(*words: str) -> Outcome:
        return ipam("--socket", api.socket, *words)

    return run

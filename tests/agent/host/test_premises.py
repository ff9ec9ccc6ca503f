"""What the agent made for itself is put back as it was, and what was wrong is said."""

import os
import select
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ipam.agent.host.premises import Premises
from tests.waiting import PATIENCE_SECONDS


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "run" / "dhcp").mkdir(parents=True)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "hook").write_text("#!/bin/sh\n")
    (tmp_path / "state" / "hook").chmod(0o755)
    return tmp_path


@pytest.fixture
def premises(place: Path) -> Iterator[Premises]:
    run, state = place / "run", place / "state"
    made = Premises([run, run / "dhcp", state, state / "hook"], shared=run)
    yield made
    made.close()


def test_nothing_is_said_while_nothing_has_changed(premises: Premises) -> None:
    assert premises.put_back() == []


CHANGES: dict[str, tuple[Callable[[Path], object], int]] = {
    "file removed": (lambda place: (place / "state/hook").unlink(), 1),
    "file edited": (lambda place: (place / "state/hook").write_text("mine"), 1),
    "file's mode": (lambda place: (place / "state/hook").chmod(0o600), 1),
    "file replaced by a directory": (lambda place: to_directory(place / "state/hook"), 1),
    "directory removed": (lambda place: (place / "run/dhcp").rmdir(), 1),
    "directory's mode": (lambda place: (place / "run/dhcp").chmod(0o700), 1),
    "directory replaced": (lambda place: to_another(place / "run/dhcp"), 1),
    "directory replaced by a file": (lambda place: to_file(place / "run/dhcp"), 1),
    "tree removed": (lambda place: shutil.rmtree(place / "run"), 2),
    "tree renamed": (lambda place: (place / "run").rename(place / "away"), 2),
}


def to_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def to_file(path: Path) -> None:
    path.rmdir()
    path.write_text("mine")


def to_another(path: Path) -> None:
    path.rename(path.with_name("former"))
    path.mkdir()


@pytest.mark.parametrize("change", CHANGES)
def test_what_others_change_wakes_and_is_put_back_and_said(
    premises: Premises, place: Path, change: str
) -> None:
    modes = {path: path.stat().st_mode for path in (place / "run/dhcp", place / "state/hook")}
    make, sentences = CHANGES[change]
    make(place)
    assert select.select([premises], [], [], PATIENCE_SECONDS)[0]
    assert len(premises.put_back()) == sentences
    assert premises.put_back() == []
    assert (place / "state/hook").read_text() == "#!/bin/sh\n"
    assert {path: path.stat().st_mode for path in modes} == modes
    (place / "run/dhcp").rmdir()
    assert select.select([premises], [], [], PATIENCE_SECONDS)[0], "it is watched again"


def test_whose_a_shared_directory_is_others_decide(premises: Premises, place: Path) -> None:
    (place / "run").chmod(0o711)
    assert premises.put_back() == []
    assert (place / "run").stat().st_mode & 0o777 == 0o711


@pytest.mark.root
def test_owners_are_put_back(premises: Premises, place: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    os.chown(place / "state/hook", 65534, 65534)
    assert len(premises.put_back()) == 1
    found = (place / "state/hook").stat()
    assert (found.st_uid, found.st_gid) == (0, os.getegid())

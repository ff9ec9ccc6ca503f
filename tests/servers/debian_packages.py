"""Programs of Debian packages that are only unpacked, so that nothing of the host changes."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.servers.environments import HERE


def unpacked(name: str, packages: Sequence[str]) -> Path | None:
    """The folder with the packages' files, fetched once; None without apt or the packages."""
    folder = HERE.parents[1] / f".venv-{name}"
    folder.mkdir(exist_ok=True)
    whole = folder / "unpacked"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            if not _fetch(folder, packages):
                return None
            whole.touch()
    return folder


def wrapper(folder: Path, program: str) -> Path:
    """A program of the folder, by its path there, that finds the libraries beside it."""
    path = folder / Path(program).name
    libraries = ":".join(sorted({str(each.parent) for each in folder.rglob("*.so.*")}))
    text = f'#!/bin/sh\nLD_LIBRARY_PATH={libraries} exec {folder / program} "$@"\n'
    if not path.exists() or path.read_text() != text:
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_text(text)
        temporary.chmod(0o755)
        temporary.replace(path)
    return path


def _fetch(folder: Path, packages: Sequence[str]) -> bool:
    if shutil.which("apt-get") is None:
        return False
    for command in (["apt-get", "-qq", "update"], ["apt-get", "-qq", "download", *packages]):
        if subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode:
            return False
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, folder], check=True)
        package.unlink()
    return True

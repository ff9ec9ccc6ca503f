"""A dnsmasq with Lua. Debian's package has the place of the usual one, so it is only unpacked."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.servers.environments import HERE

PACKAGES: Final = ("dnsmasq-base-lua", "liblua5.4-0")
_FOLDER: Final = HERE.parents[1] / ".venv-dnsmasq-lua"


def lua_dnsmasq() -> Path | None:
    """The program: the host's if it has Lua, or else one fetched once. None without packages."""
    installed = shutil.which("dnsmasq")
    if installed and has_lua(Path(installed)):
        return Path(installed)
    wrapper = _FOLDER / "dnsmasq"
    _FOLDER.mkdir(exist_ok=True)
    with (_FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not wrapper.exists() and not _unpack(wrapper):
            return None
    return wrapper if has_lua(wrapper) else None


def has_lua(program: Path) -> bool:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return " Lua " in done.stdout


def _unpack(wrapper: Path) -> bool:
    """Fetch the packages and write a program that finds the library beside it."""
    if shutil.which("apt-get") is None:
        return False
    for command in (["apt-get", "-qq", "update"], ["apt-get", "-qq", "download", *PACKAGES]):
        if subprocess.run(command, cwd=_FOLDER, capture_output=True, check=False).returncode:
            return False
    for package in _FOLDER.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, _FOLDER], check=True)
        package.unlink()
    libraries = ":".join(str(path.parent) for path in _FOLDER.rglob("liblua5.4.so.0"))
    program = _FOLDER / "usr/sbin/dnsmasq"
    text = f'#!/bin/sh\nLD_LIBRARY_PATH={libraries} exec {program} "$@"\n'
    temporary = wrapper.with_suffix(".new")
    temporary.write_text(text)
    temporary.chmod(0o755)
    os.replace(temporary, wrapper)  # noqa: PTH105  # a name that is there is whole
    return True

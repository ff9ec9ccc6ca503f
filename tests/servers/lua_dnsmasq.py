"""A dnsmasq with Lua. Debian's package has the place of the usual one, so it is only unpacked."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.servers import debian_packages

PACKAGES: Final = ("dnsmasq-base-lua", "liblua5.4-0")


def lua_dnsmasq() -> Path | None:
    """The program: the host's if it has Lua, or else one fetched once. None without packages."""
    installed = shutil.which("dnsmasq")
    if installed and has_lua(Path(installed)):
        return Path(installed)
    folder = debian_packages.unpacked("dnsmasq-lua", PACKAGES)
    if folder is None:
        return None
    program = debian_packages.wrapper(folder, "usr/sbin/dnsmasq")
    return program if has_lua(program) else None


def has_lua(program: Path) -> bool:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return " Lua " in done.stdout

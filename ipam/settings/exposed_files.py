"""Files of the settings that other users of this machine could read or change."""

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ipam.settings.parsed import Settings

_PASSWORD: Final = re.compile(
    r"^\s*(?!\w*_file\b)\w*(password|secret|token)\w*\s*=\s*\S|://[^/\s:@]*:[^/\s@]+@",
    re.IGNORECASE | re.MULTILINE,
)
"""A value that nobody else may know, with its name or inside a URL; not the name of its file."""

_OF_SQLITE: Final = ("", "-wal", "-shm", ".lock")


def exposed_files(settings: Settings) -> list[str]:
    """A sentence about each file that is too open, with the command that closes it."""
    return [
        fault
        for path, holds_secrets in _candidates(settings)
        if (fault := _fault_of(path, holds_secrets=holds_secrets))
    ]


def fault(path: Path, mode: int, *, holds_secrets: bool) -> str | None:
    """What is wrong with the mode of a file or a directory, and the remedy."""
    permissions = stat.S_IMODE(mode)
    is_shared = stat.S_ISDIR(mode) and mode & stat.S_ISVTX  # in it each user's files are safe
    changed = permissions & (stat.S_IWOTH if is_shared else stat.S_IWGRP | stat.S_IWOTH)
    read = permissions & stat.S_IROTH if holds_secrets else 0
    if not changed and not read:
        return None
    deeds = " and ".join(deed for deed, bits in (("read", read), ("changed", changed)) if bits)
    bits = ",".join(word for word, bits in (("g-w,o-w", changed), ("o-rwx", read)) if bits)
    return f"{path} can be {deeds} by other users (mode {permissions:04o}): `chmod {bits} {path}`"


def holds_password(text: str) -> bool:
    """Whether a settings file gives a password, in a setting of its own or in a URL."""
    lines = (line for line in text.split("\n") if not line.lstrip().startswith(("#", ";")))
    return any(_PASSWORD.search(line) for line in lines)


def _candidates(settings: Settings) -> Iterator[tuple[Path, bool]]:
    for name in settings.config_files:
        path = Path(name)
        yield path, holds_password(path.read_text(errors="replace"))
    connection = settings.database.connection
    if connection.startswith("sqlite:///"):
        database = connection.removeprefix("sqlite:///").partition("?")[0]
        for suffix in _OF_SQLITE:
            yield Path(database + suffix), True
    yield settings.api.htpasswd_file, True
    for path in _secrets(settings):
        yield path, True
    for directory in (settings.state_path, settings.agent.state_path, settings.run_path):
        yield directory, False


def _secrets(settings: Settings) -> Iterator[Path]:
    """The files with a password, with a private key of TLS, or with a key of TSIG."""
    api, agent, dns = settings.api, settings.agent, settings.dns
    for path in (
        agent.password_file,
        agent.key_file or agent.certificate_file,
        api.tls_key_file or api.tls_certificate_file,
        dns.key_file,
        *(one.key_file for one in dns.zones),
    ):
        if path:
            yield path


def _fault_of(path: Path, *, holds_secrets: bool) -> str | None:
    try:
        mode = path.stat().st_mode
    except OSError:  # it is not there, or not this process's to see
        return None
    return fault(path, mode, holds_secrets=holds_secrets)

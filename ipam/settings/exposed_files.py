"""Files of the settings that other users of this machine could read or change."""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ipam.settings.parsed import Settings
from ipam.settings.policy_files import policy_paths

_PASSWORD: Final = re.compile(
    r"^(?!\w*_file\b)\w*(password|secret|token)\w*\s*[=:]\s*\S|://[^/\s:@]*:[^/\s@]+@",
    re.IGNORECASE,
)
"""A value that nobody else may know, with its name or inside a URL; not the name of its file."""
_CONTINUED: Final = re.compile(r"\n[ \t]+")
"""oslo.config reads an indented line as more of the one before it."""

_OF_SQLITE: Final = ("", "-wal", "-shm", ".lock")


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A file or directory whose mode and owner count."""

    path: Path
    holds_secrets: bool = False
    is_roots: bool = False
    """Whether a process of root believes it, so that who owns it is as strong as root."""
    is_above: bool = False
    """Whether it is only a directory of one of them."""
    remedy: str = ""
    """What to do about another owner, if not to give it to root."""


def exposed_files(settings: Settings) -> list[str]:
    """A sentence about each file that is too open, with the command that closes it."""
    given = {one.path: one for one in _candidates(settings)}
    for path in [*given]:  # who may change its directory may put another file in its place
        given.setdefault(path.parent, _Candidate(path.parent, is_above=True))
    return [said for one in given.values() for said in _faults_of(one)]


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
    return any(map(_PASSWORD.search, _CONTINUED.sub(" ", "\n".join(lines)).split("\n")))


def _candidates(settings: Settings) -> Iterator[_Candidate]:
    for name in settings.config_files:
        path = Path(name)
        yield _Candidate(path, holds_password(path.read_text(errors="replace")), is_roots=True)
    for path in policy_paths(settings.config_files):
        yield _Candidate(path)
    connection = settings.database.connection
    if connection.startswith("sqlite:///"):
        database = connection.removeprefix("sqlite:///").partition("?")[0]
        for suffix in _OF_SQLITE:
            yield _Candidate(Path(database + suffix), holds_secrets=True)
    yield _Candidate(settings.api.htpasswd_file, holds_secrets=True)
    for path in _secrets(settings):
        yield _Candidate(path, holds_secrets=True)
    for authority in (settings.agent.ca_file, settings.api.tls_client_ca_file):
        if authority:  # who changes it says whose certificate is right
            yield _Candidate(authority)
    for path in (settings.state_path, settings.run_path):
        if path != settings.agent.run_path:
            yield _Candidate(path)
    for name in ("state_path", "run_path"):
        path = getattr(settings.agent, name)
        yield _Candidate(
            path, is_roots=True, remedy=f"set [agent] {name} to a directory of root's"
        )


def _secrets(settings: Settings) -> Iterator[Path]:
    """The files with a password or with a private key: of TLS, TSIG, or of the audit's seals."""
    api, agent, dns = settings.api, settings.agent, settings.dns
    for path in (
        agent.password_file,
        agent.key_file or agent.certificate_file,
        api.tls_key_file or api.tls_certificate_file,
        settings.audit.chain_key_file,
        dns.key_file,
        *(one.key_file for one in dns.zones),
    ):
        if path:
            yield path


def _faults_of(one: _Candidate) -> Iterator[str]:
    try:
        found = one.path.stat()
    except OSError:  # it is not there, or not this process's to see
        return
    is_safe = one.is_above and found.st_mode & stat.S_ISVTX  # what is there stays its owner's
    said = fault(one.path, found.st_mode, holds_secrets=one.holds_secrets)
    if said and not is_safe:
        yield said
    if found.st_uid not in _trusted() and (one.is_roots or os.geteuid() != 0):
        remedy = one.remedy or f"`chown root {one.path}`"
        yield f"{one.path} belongs to the user {found.st_uid}, who can change it: {remedy}"


def _trusted() -> set[int]:
    """Root, the process's own user, and who became root by sudo."""
    sudo = os.environ.get("SUDO_UID", "")
    return {0, os.geteuid(), *([int(sudo)] if sudo.isdecimal() else [])}

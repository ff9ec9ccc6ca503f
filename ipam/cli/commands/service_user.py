"""The unprivileged user as which `ipam up` runs API and worker, and the files that it gets."""

import os
import pwd
import stat
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

USUAL_NAME: Final = "ipam"
ID_WITHOUT_ACCOUNT: Final = 65_523
"""Of a range that systemd's list of ids leaves unused: no account and no dynamic user has it."""
CHECK_SECONDS: Final = 60

OF_STATE: Final = tuple(f"ipam.sqlite{one}" for one in ("", "-wal", "-shm", ".lock"))
OF_RUN: Final = ("api.sock", "worker-wake.sock", "worker-wake.sock.lock")
READS: Final = "import sys, ipam.cli.root\nfor name in sys.argv[1:]:\n    open(name).close()"


@dataclass(frozen=True, slots=True)
class ServiceUser:
    """The ids; there need not be an account of them."""

    uid: int
    gid: int


def service_user(name: str) -> ServiceUser | None:
    """The user of that name or number; None if API and worker run as whoever starts `ipam up`.

    Without a name it is `ipam`, or, if there is no such account, an id without one.
    """
    if os.geteuid() != 0 or name == "root":
        return None
    if name.isdecimal():
        return ServiceUser(int(name), int(name))
    try:
        account = pwd.getpwnam(name or USUAL_NAME)
    except KeyError:
        if name:
            raise click.ClickException(
                f"[DEFAULT] service_user: there is no user {name!r}."
            ) from None
        return ServiceUser(ID_WITHOUT_ACCOUNT, ID_WITHOUT_ACCOUNT)
    return ServiceUser(account.pw_uid, account.pw_gid)


def check_access(user: ServiceUser, config_files: Iterable[str]) -> None:
    """Raise ClickException unless the user can run this program and read these files."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", READS, *config_files],
            user=user.uid,
            group=user.gid,
            extra_groups=[],
            capture_output=True,
            text=True,
            timeout=CHECK_SECONDS,
            check=False,
        )
        said = done.stderr.strip().rpartition("\n")[2] if done.returncode else ""
    except OSError as error:  # the interpreter itself
        said = str(error)
    if said:
        raise click.ClickException(
            f"API and worker run as the user {user.uid}, which cannot read all that they need:"
            f" {said}\nLet the group {user.gid} read it (`chgrp {user.gid} FILE; chmod g+r FILE`),"
            " or set [DEFAULT] service_user to a user that can, or to root."
        )


def hand_over(user: ServiceUser, state_path: Path, run_path: Path) -> None:
    """Let the user make files in both directories, and give it those that root has made before.

    The directories stay root's and are sticky, so that the user cannot put anything in the place
    of what is root's there: the agent's state, and what dnsmasq reads.
    """
    for directory, mode, names in ((state_path, 0o1771, OF_STATE), (run_path, 0o1775, OF_RUN)):
        os.chown(directory, 0, user.gid)
        directory.chmod(mode)
        for path in (directory / name for name in names):
            if _is_roots(path):
                os.chown(path, user.uid, user.gid, follow_symlinks=False)
    passwords = state_path / "htpasswd"
    if _is_roots(passwords):
        os.chown(passwords, 0, user.gid, follow_symlinks=False)
        passwords.chmod(0o640)


def _is_roots(path: Path) -> bool:
    """Whether root made it here. Another name of a file of root's could be made by the user."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return found.st_uid == 0 and found.st_nlink == 1 and not stat.S_ISLNK(found.st_mode)

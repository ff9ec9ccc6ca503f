"""The bcrypt htpasswd file of the http_basic users: read, changed, checked.

One line per user: `name:hash[:role[:project_id]]`. Without a role the user may do nothing. Apache
and nginx ignore what follows the second colon, so they can use the file, too.
`ipam.identity.basic` decides when the file is read again, and how long a checked password is
remembered.
"""

import contextlib
import fcntl
import logging
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

import bcrypt

from ipam import files, model
from ipam.errors import InvalidInput, NotFound
from ipam.identity.caller import AGENT, Role, agent_host

LOG = logging.getLogger(__name__)

ROLES: Final[tuple[Role, ...]] = get_args(Role)

DEFAULT_PROJECT_ID: Final = "default"
PASSWORD_MAX_BYTES: Final = 72
"""bcrypt uses no more bytes. A longer password would be accepted with any other ending."""
NAME_MAX_CHARACTERS: Final = 255
BCRYPT_ROUNDS: Final = 10
"""A check takes about 60 ms of CPU. With 12 rounds it would take a quarter of a second."""

_BCRYPT_PREFIXES = ("$2a$", "$2b$", "$2y$")


@dataclass(frozen=True, slots=True)
class User:
    """One line of the file; `password_hash` is a bcrypt hash."""

    name: str
    password_hash: str
    role: Role | Literal[""] = ""
    """Empty for a line without one: nothing is allowed to its user."""
    project_id: str = DEFAULT_PROJECT_ID


def parse(text: str) -> dict[str, User]:
    """The users of a file's text, by name. A line that is not a user's is logged and skipped."""
    users: dict[str, User] = {}
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            user = _parse_line(line)
        except InvalidInput as error:
            LOG.warning("htpasswd line %d is ignored: %s", number, error)
        else:
            users[user.name] = user
    return users


def verify(user: User, password: bytes) -> bool:
    """Whether this is the user's password. A wrong one takes as long as the right one."""
    if len(password) > PASSWORD_MAX_BYTES:
        return False
    try:
        return bcrypt.checkpw(password, user.password_hash.encode())
    except ValueError:  # bcrypt cannot read the salt: no password matches
        return False


def load(path: Path) -> dict[str, User]:
    """The users of the file; empty if the file does not exist."""
    try:
        return parse(path.read_text(encoding="utf-8", errors="replace"))
    except FileNotFoundError:
        return {}


def check_name(name: str) -> None:
    """Raises InvalidInput if no user can be called so."""
    if faults := _name_faults(name):
        raise InvalidInput(faults)


def put(
    path: Path, name: str, password: str, *, role: str, project_id: str = DEFAULT_PROJECT_ID
) -> User:
    """Add the user, or replace the user of that name. Raises InvalidInput with every fault."""
    faults = [*_name_faults(name), *_password_faults(password)]
    if faults := [*faults, *_right_faults(name, role, project_id)]:
        raise InvalidInput(faults)
    password_hash = bcrypt.hashpw(password.encode(), bcrypt.gensalt(BCRYPT_ROUNDS)).decode()
    line = f"{name}:{password_hash}:{role}:{project_id}"
    with _locked(path):
        _write(path, [*_lines_of_others(path, name), line])
    return _parse_line(line)


def change(path: Path, name: str, *, role: str, project_id: str | None = None) -> User:
    """Give a user another role, and another project if one is named. The password stays.

    Raises NotFound, or InvalidInput with every fault.
    """
    if faults := _right_faults(name, role, project_id or DEFAULT_PROJECT_ID):
        raise InvalidInput(faults)
    with _locked(path):
        user = load(path).get(name)
        if user is None:
            raise NotFound(f"No user named '{name}' in {path}.")
        line = f"{name}:{user.password_hash}:{role}:{project_id or user.project_id}"
        _write(path, [*_lines_of_others(path, name), line])
    return _parse_line(line)


def without_role(users: Iterable[User]) -> str:
    """What is wrong with users that have no role, and the remedy; empty if all have one."""
    names = [user.name for user in users if not user.role]
    if not names:
        return ""
    return (
        f"Users without a role may do nothing: {', '.join(sorted(names))}."
        f" `ipam user set NAME --role {'|'.join(ROLES)}` gives one; the password stays."
    )


def remove(path: Path, name: str) -> bool:
    """Remove the user from the file; whether there was one."""
    with _locked(path):
        if name not in load(path):
            return False
        _write(path, _lines_of_others(path, name))
        return True


def _parse_line(line: str) -> User:
    name, _, rest = line.partition(":")
    password_hash, _, rest = rest.partition(":")
    role, _, rest = rest.partition(":")
    project_id = rest.partition(":")[0]
    if not password_hash.startswith(_BCRYPT_PREFIXES):
        raise InvalidInput(f"The hash of {name!r} is not bcrypt ($2a$, $2b$ or $2y$).")
    if faults := _name_faults(name):
        raise InvalidInput(faults)
    if not role:
        return User(name, password_hash, "", project_id or DEFAULT_PROJECT_ID)
    if faults := _agent_faults(name, role):
        raise InvalidInput(faults)
    for known in ROLES:
        if known == role:
            return User(name, password_hash, known, project_id or DEFAULT_PROJECT_ID)
    raise InvalidInput(f"The role {role!r} of {name!r} is none of {', '.join(ROLES)}.")


def _name_faults(name: str) -> list[str]:
    if not name or name.startswith("#") or len(name) > NAME_MAX_CHARACTERS:
        rule = f"has 1 to {NAME_MAX_CHARACTERS} characters and does not begin with '#'"
        return [f"User name {name[:40]!r}: a name {rule}."]
    return _field_faults("User name", name)


def _field_faults(what: str, value: str) -> list[str]:
    if ":" in value or not value.isprintable() or not _is_utf8(value):
        return [f"{what} {value[:40]!r} holds ':', a control character or a line end."]
    return []


def _right_faults(name: str, role: str, project_id: str) -> list[str]:
    unknown = [] if role in ROLES else [f"Role {role!r} is none of {', '.join(ROLES)}."]
    return unknown + _agent_faults(name, role) + _field_faults("Project id", project_id)


def _agent_faults(name: str, role: str) -> list[str]:
    if role != AGENT or agent_host(name, (role,)):
        return []
    named = model.agent_user("HOST")
    return [f"User {name[:40]!r}: an agent's is {named}, made by `ipam agent enrol HOST`."]


def _password_faults(password: str) -> list[str]:
    if not password:
        return ["The password is empty."]
    if not _is_utf8(password) or "\0" in password:
        return ["The password holds NUL or is not valid UTF-8."]
    length = len(password.encode())
    if length > PASSWORD_MAX_BYTES:
        return [f"The password has {length} bytes, and bcrypt looks at {PASSWORD_MAX_BYTES} only."]
    return []


def _is_utf8(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # a lone surrogate, from a terminal with another encoding
        return False
    return True


def _lines_of_others(path: Path, name: str) -> list[str]:
    """Every line except this user's, including comments and other kinds of hashes."""
    try:
        lines = path.read_text(encoding="utf-8", errors="surrogateescape").split("\n")
    except FileNotFoundError:
        return []
    return [line for line in lines if line and line.partition(":")[0] != name]


def _write(path: Path, lines: list[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    # A group that may write in the directory is the service's.
    is_groups = path.parent.stat().st_mode & stat.S_IWGRP
    with files.replacing(path, durable=True, mode=0o640 if is_groups else files.PRIVATE) as file:
        file.write(text.encode(errors="surrogateescape"))
        _keep_owner(path, file.fileno())


def _keep_owner(path: Path, descriptor: int) -> None:
    """Keep the owner of the file if root edits it: else the service's user could not read it."""
    if os.geteuid() != 0:
        return
    owner = path.stat() if path.exists() else path.parent.stat()
    os.fchown(descriptor, owner.st_uid, owner.st_gid)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Allow one writer at a time, so that none undoes another's change.

    The directory is the lock.
    """
    files.make_directory(path.parent, files.WAY_DIRECTORY)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

"""`Authorization: Basic` with the htpasswd file, without bcrypt's cost for each request."""

import base64
import binascii
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from ipam.errors import Unauthorized
from ipam.identity import htpasswd
from ipam.identity.caller import Caller, agent_host
from ipam.identity.known_callers import KnownCallers, digest

LOG = logging.getLogger(__name__)

HEADER_MAX_CHARACTERS: Final = 2048
"""Three times the length of a name of 255 characters and a password of 72 bytes in base64."""
LOCKS: Final = 16

_SALT_CHARACTERS = "." * 22

Signature: TypeAlias = tuple[int, int, int] | None


class _Snapshot:
    """The users of one state of the file, and the passwords that were right in that state.

    A changed file makes a new snapshot. A check that runs during the change stores its result in
    the old snapshot, which nobody reads.
    """

    def __init__(
        self,
        signature: Signature,
        users: Mapping[str, htpasswd.User],
        clock: Callable[[], float],
    ) -> None:
        self.signature = signature
        self.users = users
        self.nobody = htpasswd.User("", _unmatched_hash(users))
        self.callers = KnownCallers(clock)


class BasicAuthenticator:
    """Checks users of one htpasswd file. One object serves every thread of a process."""

    def __init__(
        self,
        path: Path,
        *,
        cache_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._cache_seconds = cache_seconds
        self._clock = clock
        self._secret = os.urandom(32)
        self._loading = threading.Lock()
        # Requests with the same credentials share a lock: the first runs bcrypt, the others find
        # its result.
        self._checking = [threading.Lock() for _ in range(LOCKS)]
        self._snapshot = _Snapshot(None, {}, clock)
        self._current()  # what is wrong with the file is said at the start

    def caller(self, authorization: str | None) -> Caller:
        """The user whose name and password the header has.

        Raises Unauthorized without a reason.
        """
        name, password = _credentials(authorization)
        snapshot = self._current()
        key = digest(self._secret, name.encode(), password)
        if caller := snapshot.callers.recall(key):
            return caller
        with self._checking[key[0] % LOCKS]:
            if caller := snapshot.callers.recall(key):
                return caller
            caller = _check(snapshot, name, password)
            snapshot.callers.remember(key, caller, self._cache_seconds)
            return caller

    def _current(self) -> _Snapshot:
        if self._snapshot.signature == _signature(self._path):
            return self._snapshot
        with self._loading:
            signature = _signature(self._path)
            if self._snapshot.signature != signature:
                self._snapshot = _Snapshot(signature, _users(self._path), self._clock)
            return self._snapshot


def _check(snapshot: _Snapshot, name: str, password: bytes) -> Caller:
    user = snapshot.users.get(name)
    # An unknown name takes as long as a wrong password, so that the time tells no names.
    right = htpasswd.verify(user or snapshot.nobody, password)
    if user is None or not right:
        raise Unauthorized("The user name or the password is wrong.")
    return caller_of(user)


def caller_of(user: htpasswd.User) -> Caller:
    """The caller that this user is, however it was made sure."""
    return Caller(
        user_id=user.name,
        project_id=user.project_id,
        role=user.role,
        host=agent_host(user.name, (user.role,)),
    )


def _credentials(authorization: str | None) -> tuple[str, bytes]:
    """Name and password of the header (RFC 7617, UTF-8)."""
    if not authorization:
        raise Unauthorized("Authentication is required.")
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic" or len(authorization) > HEADER_MAX_CHARACTERS:
        raise Unauthorized("Only HTTP Basic authentication is known here.")
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        if not colon:
            raise Unauthorized("The Authorization header holds no password.")
        return name.decode(), password
    except (binascii.Error, ValueError) as error:
        raise Unauthorized("The Authorization header is not valid base64 of UTF-8.") from error


def _signature(path: Path) -> Signature:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def _users(path: Path) -> Mapping[str, htpasswd.User]:
    try:
        users = htpasswd.load(path)
    except OSError as error:
        LOG.error("Nobody can log in: %s", error)  # noqa: TRY400  # a traceback would say no more
        return {}
    if fault := htpasswd.without_role(users.values()):
        LOG.warning("%s: %s", path, fault)
    return users


def _unmatched_hash(users: Mapping[str, htpasswd.User]) -> str:
    """A hash that matches no password and takes as long to check as the slowest of the users'."""
    rounds = [int(u.password_hash[4:6]) for u in users.values() if u.password_hash[4:6].isdigit()]
    return f"$2b${max(rounds, default=htpasswd.BCRYPT_ROUNDS):02}${_SALT_CHARACTERS}{'!' * 31}"

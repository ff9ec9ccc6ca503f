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

from ipam import model
from ipam.errors import TooManyLogins, Unauthorized
from ipam.identity import htpasswd
from ipam.identity.caller import Caller, agent_host
from ipam.identity.failed_logins import FailedLogins
from ipam.identity.known_callers import Digests, KnownCallers, digest
from ipam.identity.turnstile import Turnstile

LOG = logging.getLogger(__name__)

HEADER_MAX_CHARACTERS: Final = 2048
"""Three times the length of a name of 255 characters and a password of 72 bytes in base64."""
LOCKS: Final = 16
PROVEN_SECONDS: Final = 86400.0
WRONG_SECONDS: Final = 900.0
WRONG: Final = "The user name or the password is wrong."

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
        self.most_rounds = max(map(_rounds, users.values()), default=htpasswd.BCRYPT_ROUNDS)
        self.callers = KnownCallers(clock)
        self.proven = Digests(PROVEN_SECONDS, clock)
        """Were right once. Nobody else's failures delay them."""
        self.wrong = Digests(WRONG_SECONDS, clock)
        """Cost no bcrypt again."""


class BasicAuthenticator:
    """Checks users of one htpasswd file. One object serves every thread of a process."""

    def __init__(
        self,
        path: Path,
        *,
        cache_seconds: float,
        most_waiting: int = 3,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """At most `most_waiting` threads wait for another's bcrypt to end."""
        self._path = path
        self._cache_seconds = cache_seconds
        self._clock = clock
        self._secret = os.urandom(32)
        self._loading = threading.Lock()
        self._failed = FailedLogins(clock)
        # bcrypt holds no lock of Python: half of the cores stay for other requests.
        self._turnstile = Turnstile(max(1, (os.cpu_count() or 1) // 2), most_waiting)
        # Requests with the same credentials share a lock: the first runs bcrypt, the others find
        # its result.
        self._checking = [threading.Lock() for _ in range(LOCKS)]
        self._snapshot = _Snapshot(None, {}, clock)
        self._current()  # what is wrong with the file is said at the start

    def caller(self, authorization: str | None, address: str = "") -> Caller:
        """The user whose name and password the header has. `address` is where it came from.

        Raises Unauthorized, or TooManyLogins, either without a reason.
        """
        name, password = _credentials(authorization)
        snapshot = self._current()
        key = digest(self._secret, name.encode(), password)
        if caller := snapshot.callers.recall(key):
            return caller
        if key in snapshot.wrong:  # a program that repeats its mistake guesses nothing
            raise Unauthorized(WRONG)
        if key in snapshot.proven:
            turn = self._turnstile.one_who_may_wait()
        elif seconds := self._failed.delay(name, address):
            raise TooManyLogins(retry_after_seconds=seconds)
        else:
            turn = self._turnstile.one()
        with turn, self._checking[key[0] % LOCKS]:
            return snapshot.callers.recall(key) or self._check(
                snapshot, key, name, password, address
            )

    def caller_named(self, name: str) -> Caller:
        """The user of this name, or the agent of this host, of whom no password is asked.

        Raises Unauthorized.
        """
        users = self._current().users
        user = users.get(name) or users.get(model.agent_user(name))
        if user is None:
            raise Unauthorized(
                f"The certificate's name '{name}' is no user's and no agent's host."
            )
        return caller_of(user)

    def _check(
        self, snapshot: _Snapshot, key: bytes, name: str, password: bytes, address: str
    ) -> Caller:
        """The caller, remembered; a failure counts once."""
        if key in snapshot.wrong:
            raise Unauthorized(WRONG)
        if not _is_right(snapshot, name, password):
            snapshot.wrong.add(key)
            self._failed.failed(name, address)
            raise Unauthorized(WRONG)
        caller = caller_of(snapshot.users[name])
        snapshot.callers.remember(key, caller, self._cache_seconds)
        snapshot.proven.add(key)
        self._failed.succeeded(name)
        return caller

    def _current(self) -> _Snapshot:
        if self._snapshot.signature == _signature(self._path):
            return self._snapshot
        with self._loading:
            signature = _signature(self._path)
            if self._snapshot.signature != signature:
                self._snapshot = _Snapshot(signature, _users(self._path), self._clock)
            return self._snapshot


def _is_right(snapshot: _Snapshot, name: str, password: bytes) -> bool:
    """Whether the user has this password. If not, the time it takes tells nothing.

    Each round more doubles the time. So the rounds from a user's own to the highest of the file
    make up the time of the highest, which an unknown name takes.
    """
    user = snapshot.users.get(name)
    if user is not None and htpasswd.verify(user, password):
        return True
    others = [snapshot.most_rounds]
    if user is not None:
        others = list(range(_rounds(user), snapshot.most_rounds))
    for rounds in others:
        htpasswd.verify(htpasswd.User("", _unmatched_hash(rounds)), password)
    return False


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


def _rounds(user: htpasswd.User) -> int:
    """The binary logarithm of bcrypt's work for this user."""
    digits = user.password_hash[4:6]
    return int(digits) if digits.isdigit() else htpasswd.BCRYPT_ROUNDS


def _unmatched_hash(rounds: int) -> str:
    """A hash that matches no password."""
    return f"$2b${rounds:02}${_SALT_CHARACTERS}{'!' * 31}"

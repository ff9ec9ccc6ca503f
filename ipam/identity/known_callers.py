"""Remembers callers for a short time, for the next request with the same credentials."""

import hashlib
import hmac
import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from cachetools import TLRUCache, TTLCache

from ipam.identity.caller import Caller

CALLERS_KEPT: Final = 1024
"""Users and agents of a large site. Each entry is about 300 bytes."""


def digest(secret: bytes, first: bytes, second: bytes) -> bytes:
    """A key that reveals nothing about the credentials, not even in a core dump."""
    return hmac.digest(secret, first + b"\0" + second, hashlib.sha256)


class _Known(NamedTuple):
    caller: Caller
    seconds: float


class KnownCallers:
    """Callers by digest of their credentials, each until a time. Threads may share it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._known: TLRUCache[bytes, _Known] = TLRUCache(CALLERS_KEPT, _ends_at, timer=clock)
        self._lock = threading.Lock()

    def recall(self, key: bytes) -> Caller | None:
        """The caller, unless its time is over."""
        with self._lock:
            known = self._known.get(key)
        return None if known is None else known.caller

    def remember(self, key: bytes, caller: Caller, seconds: float) -> None:
        """Remember the caller for so long, or until too many others come."""
        with self._lock:
            self._known[key] = _Known(caller, seconds)

    def __len__(self) -> int:
        return len(self._known)


class Digests:
    """Credentials of which one thing is known for some time. Threads may share it."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._digests: TTLCache[bytes, None] = TTLCache(CALLERS_KEPT, seconds, timer=clock)
        self._lock = threading.Lock()

    def add(self, key: bytes) -> None:
        """Remember this digest, or until too many others come."""
        with self._lock:
            self._digests[key] = None

    def __contains__(self, key: bytes) -> bool:
        with self._lock:
            return key in self._digests


def _ends_at(_key: bytes, known: _Known, now: float) -> float:
    return now + known.seconds

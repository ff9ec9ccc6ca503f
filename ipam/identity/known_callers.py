"""Who was let in a moment ago, for the next request with the same credentials."""

import hashlib
import hmac
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from ipam.identity.caller import Caller

CALLERS_KEPT: Final = 1024
"""Users and agents of a large site; each entry is some 300 bytes."""


def digest(secret: bytes, first: bytes, second: bytes) -> bytes:
    """A key for credentials from which nothing can be learnt, not even in a core dump."""
    return hmac.digest(secret, first + b"\0" + second, hashlib.sha256)


class KnownCallers:
    """Callers by the digest of their credentials, each until its time. For several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()
        self._lock = threading.Lock()

    def recall(self, key: bytes) -> Caller | None:
        """The caller, if its time is not over."""
        with self._lock:
            known = self._known.get(key)
            if known is None:
                return None
            if known[0] <= self._clock():
                del self._known[key]
                return None
            return known[1]

    def remember(self, key: bytes, caller: Caller, seconds: float) -> None:
        """Know the caller for so long, unless too many others come."""
        with self._lock:
            self._known[key] = (self._clock() + seconds, caller)
            while len(self._known) > CALLERS_KEPT:
                self._known.popitem(last=False)

    def __len__(self) -> int:
        return len(self._known)

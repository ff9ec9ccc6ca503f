"""How long somebody whose logins failed waits before the next one is looked at.

Failures count for the address they came from and for the user name they named. Those of the name
delay only addresses that have failed, too: nobody can lock a user out from somewhere else.
Credentials that were right before are not delayed at all; `ipam.identity.basic` sees to that.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Hashable
from typing import Final, NamedTuple, TypeAlias

from cachetools import TTLCache

from ipam.identity.origins import origin_of_address

LOG = logging.getLogger(__name__)

FREE_OF_NAME: Final = 5
FREE_OF_ADDRESS: Final = 10
"""More than of a name, because many users may share an address."""
LONGEST_SECONDS: Final = 60.0
FORGOTTEN_SECONDS: Final = 900.0
KEPT: Final = 4096
"""Names and addresses each. Of more, the oldest failures are forgotten."""


class Failures(NamedTuple):
    """How many logins failed, and when the last of them."""

    number: int
    last_at: float


NONE: Final = Failures(0, -math.inf)
_Table: TypeAlias = "TTLCache[Hashable, Failures]"


def seconds_left(failures: Failures, free: int, now: float) -> float:
    """The rest of the delay: none for the first `free` failures, then it doubles with each."""
    if failures.number < free:
        return 0.0
    doublings = min(failures.number - free, 16)
    return max(0.0, min(2.0**doublings, LONGEST_SECONDS) - (now - failures.last_at))


class FailedLogins:
    """The failures of a process. Threads may share it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._of_names: _Table = TTLCache(KEPT, FORGOTTEN_SECONDS, timer=clock)
        self._of_addresses: _Table = TTLCache(KEPT, FORGOTTEN_SECONDS, timer=clock)
        self._lock = threading.Lock()

    def delay(self, name: str, address: str) -> int:
        """In how many whole seconds a login may be tried; 0 for now."""
        now = self._clock()
        with self._lock:
            of_address = self._of_addresses.get(origin_of_address(address), NONE)
            of_name = self._of_names.get(name, NONE)
        left = seconds_left(of_address, FREE_OF_ADDRESS, now)
        if of_address.number:
            left = max(left, seconds_left(of_name, FREE_OF_NAME, now))
        return math.ceil(left)

    def failed(self, name: str, address: str) -> None:
        """Count a failure. Logs it when a delay begins, and then once per doubling of failures."""
        now = self._clock()
        with self._lock:
            of_name = _one_more(self._of_names, name, now)
            of_address = _one_more(self._of_addresses, origin_of_address(address), now)
        if _is_worth_a_line(of_name, FREE_OF_NAME):
            LOG.warning("%d logins of %r failed, the last from %s", of_name, name, address)
        if _is_worth_a_line(of_address, FREE_OF_ADDRESS):
            LOG.warning("%d logins from %s failed, the last of %r", of_address, address, name)

    def succeeded(self, name: str) -> None:
        """Forget the failures of the name."""
        with self._lock:
            self._of_names.pop(name, None)


def _one_more(table: _Table, key: Hashable, now: float) -> int:
    number = table.get(key, NONE).number + 1
    table[key] = Failures(number, now)
    return number


def _is_worth_a_line(number: int, free: int) -> bool:
    times, rest = divmod(number, free)
    return rest == 0 and times > 0 and times & (times - 1) == 0

"""What one process remembers of a subnet between transactions. Effects on memory only."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock


@dataclass(slots=True, eq=False)
class CandidateList:
    """Addresses to try, and the row of `ip_candidates` that keeps them."""

    id: int = 0
    addresses: deque[bytes] = field(default_factory=deque)

    def take(self, wanted: int) -> list[bytes]:
        """Up to `wanted` addresses, removed from the list."""
        return [self.addresses.popleft() for _ in range(min(wanted, len(self.addresses)))]


class SharedCandidates:
    """The list that the threads of a process share, and the addresses that they hold from it.

    Losing it loses no address: `ip_candidates` has every address that is on the list or was taken.
    """

    def __init__(self) -> None:
        self.refilling = Lock()
        """Held by the one thread that looks for more; the others wait for what it finds."""
        self._lock = Lock()
        self._list = CandidateList()
        self._in_flight: set[bytes] = set()

    def take(self, wanted: int) -> tuple[CandidateList, list[bytes]] | None:
        """Some addresses and the list they come from; None when it is used up.

        `give_back` or `settle` them when the transaction ends.
        """
        with self._lock:
            taken = self._list.take(wanted)
            self._in_flight.update(taken)
            return (self._list, taken) if taken else None

    def give_back(self, source: CandidateList, taken: Sequence[bytes]) -> None:
        """The transaction was rolled back: the addresses may be tried again."""
        with self._lock:
            self._in_flight.difference_update(taken)
            source.addresses.extendleft(reversed(taken))

    def settle(self, taken: Sequence[bytes]) -> None:
        """The transaction was committed: the addresses are owned."""
        with self._lock:
            self._in_flight.difference_update(taken)

    def put(self, fresh: CandidateList) -> None:
        """Use this list from here on, unless the one in use still has addresses."""
        with self._lock:
            if not self._list.addresses:
                self._list = fresh

    def drop(self, gone: CandidateList) -> None:
        """Stop using a list whose row was deleted."""
        with self._lock:
            gone.addresses.clear()

    def in_flight(self) -> frozenset[bytes]:
        """The addresses that transactions have taken and not settled."""
        with self._lock:
            return frozenset(self._in_flight)

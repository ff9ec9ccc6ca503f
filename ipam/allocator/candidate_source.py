"""Gives transactions candidates from the list of the process, or from one of their own."""

import os
import random
import secrets
import time
from collections.abc import Callable
from threading import Lock

from ipam.allocator import statements
from ipam.allocator.candidate_list import CandidateList, SharedCandidates
from ipam.allocator.counters import Counters
from ipam.allocator.refill import Refill, SubnetBusyError
from ipam.allocator.used_up import used_up
from ipam.errors import DatabaseUnavailable
from ipam.store.engine.database import Database, Transaction

ROUNDS = 30
LONGEST_PAUSE_SECONDS = 0.05

Taken = tuple[CandidateList, list[bytes]]
"""Addresses to try, and the list they come from."""


class UsedUpError(Exception):
    """There is no free address in the pools."""


class HeldByOthersError(Exception):
    """There are addresses, but other transactions held locks on them all the time."""


class CandidateSource:
    """The candidates that one process remembers, for all its threads."""

    def __init__(self, database: Database, worker: str, now: Callable[[], int]) -> None:
        self.database = database
        self.worker = f"{worker[:40]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._now = now
        self._lock = Lock()
        self._shared: dict[int, SharedCandidates] = {}
        self._private: dict[tuple[Transaction, int], CandidateList] = {}
        """By running transaction and subnet: lists that only this transaction takes from."""
        self.counters = Counters()

    def take(self, tx: Transaction, subnet_pk: int, wanted: int) -> Taken:
        """Between one and `wanted` addresses to try. Raises IpAddressGenerationFailure."""
        try:
            return self._take(tx, subnet_pk, wanted)
        except UsedUpError:
            raise used_up(tx, subnet_pk, self._now()) from None

    def _take(self, tx: Transaction, subnet_pk: int, wanted: int) -> Taken:
        if (tx, subnet_pk) not in self._private:
            shared = self._shared_list(subnet_pk)
            taken = shared.take(wanted) or self._refill(shared, subnet_pk, wanted)
            if taken is not None:
                source, ips = taken
                tx.on_commit(lambda: shared.settle(ips))
                tx.on_rollback(lambda: shared.give_back(source, ips))
                return taken
            self.begin_private(tx, subnet_pk)
        return self._take_private(tx, subnet_pk, wanted)

    def begin_private(self, tx: Transaction, subnet_pk: int) -> None:
        """From here to its end, the transaction looks for candidates by itself.

        A transaction that changed the pools needs this, because others do not see its changes. Its
        list is shared with other threads when it commits, and forgotten when it rolls back.
        """
        key = (tx, subnet_pk)

        def show() -> None:
            self._shared_list(subnet_pk).put(self._private.pop(key))

        def forget() -> None:
            del self._private[key]

        if key not in self._private:
            tx.on_commit(show)
            tx.on_rollback(forget)
        self._private[key] = CandidateList()

    def still_stands(self, tx: Transaction, subnet_pk: int, source: CandidateList) -> bool:
        """Whether the list may be used. If not, it is dropped and nobody takes from it again."""
        if statements.list_stands(tx, subnet_pk, source.id):
            return True
        self._shared_list(subnet_pk).drop(source)
        return False

    def forget(self, subnet_pk: int) -> None:
        """Forget the candidates of a subnet."""
        with self._lock:
            self._shared.pop(subnet_pk, None)

    def _refill(self, shared: SharedCandidates, subnet_pk: int, wanted: int) -> Taken | None:
        """Addresses of a list that a short transaction beside the caller's has found.

        None when the caller's own transaction must search: on SQLite, and where the other
        transaction could wait for a lock of the caller's.
        """
        if self.database.has_one_writer:
            return None

        def search(tx: Transaction) -> CandidateList | None:
            return self._search(tx, shared, subnet_pk, wanted).run(nowait=True)

        with shared.refilling:
            taken = shared.take(wanted)
            while taken is None:
                try:
                    shared.put(self._search_in_rounds(lambda: self.database.write_aside(search)))
                except (SubnetBusyError, HeldByOthersError):
                    return None
                taken = shared.take(wanted)
            return taken

    def _take_private(self, tx: Transaction, subnet_pk: int, wanted: int) -> Taken:
        source = self._private[tx, subnet_pk]
        if not source.addresses:
            search = self._search(tx, self._shared_list(subnet_pk), subnet_pk, wanted)
            try:
                source = self._search_in_rounds(lambda: search.run(nowait=False))
            except HeldByOthersError as error:
                raise DatabaseUnavailable(
                    "Other requests are moving the subnet's last addresses; try again."
                ) from error
            self._private[tx, subnet_pk] = source
        return source, source.take(wanted)

    def _search(
        self, tx: Transaction, shared: SharedCandidates, subnet_pk: int, wanted: int
    ) -> Refill:
        return Refill(tx, subnet_pk, self.worker, wanted, shared.in_flight(), self._now())

    def _search_in_rounds(self, search: Callable[[], CandidateList | None]) -> CandidateList:
        """The list that the search finds, in several rounds while others move the last addresses.

        Raises UsedUpError, or HeldByOthersError.
        """
        self.counters.refilled()
        for _ in range(ROUNDS):
            found = search()
            if found is None:
                self.counters.exhausted()
                raise UsedUpError
            if found.addresses:
                return found
            time.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS))  # noqa: S311  # no secret
        raise HeldByOthersError

    def _shared_list(self, subnet_pk: int) -> SharedCandidates:
        with self._lock:
            return self._shared.setdefault(subnet_pk, SharedCandidates())

"""Gives addresses to ports and takes them back: the allocator as others see it.

Every method runs inside the caller's transaction and counts only when that commits.
"""

import os
import secrets
from collections.abc import Callable, Sequence
from threading import Lock

from ipam.allocator import pools, statements
from ipam.allocator.candidates import Refill, SubnetBusyError
from ipam.allocator.ranges import Range
from ipam.allocator.shelf import CandidateList, Shelf
from ipam.errors import IpAddressAlreadyAllocated, IpAddressGenerationFailure
from ipam.model import now_seconds, unpack
from ipam.store.database import Database, Transaction

CLAIM_ATTEMPTS = 3


class Allocator:
    """One for a process and its threads. Keeps lists of candidates in memory, per subnet."""

    def __init__(
        self,
        database: Database,
        *,
        cooldown_seconds: int,
        worker: str,
        now: Callable[[], int] = now_seconds,
    ) -> None:
        """`worker` names the process in `ip_candidates`, for people; it is made unique here."""
        self.database = database
        self.cooldown_seconds = cooldown_seconds
        self.worker = f"{worker[:40]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._now = now
        self._lock = Lock()
        self._shelves: dict[int, Shelf] = {}

    def open_pools(self, tx: Transaction, subnet_pk: int, pools_: Sequence[Range]) -> None:
        """Make the addresses of a new subnet's allocation pools available."""
        self._set_pools(tx, subnet_pk, pools_)

    def change_pools(self, tx: Transaction, subnet_pk: int, pools_: Sequence[Range]) -> None:
        """Give from other pools from now on. Owned addresses outside of them stay owned."""
        statements.lock_subnet(tx, subnet_pk, alone=True)
        self._set_pools(tx, subnet_pk, pools_)

    def close_pools(self, tx: Transaction, subnet_pk: int) -> None:
        """Forget a subnet that is about to be deleted: all but the addresses that are owned.

        Those make the deletion of the subnet fail with a foreign key violation.
        """
        statements.lock_subnet(tx, subnet_pk, alone=True)
        pools.delete_unowned(tx, subnet_pk)
        tx.on_commit(lambda: self._forget(subnet_pk))

    def allocate(self, tx: Transaction, subnet_pk: int, owner_pk: int) -> bytes:
        """An address of the pools, now the port's. Raises IpAddressGenerationFailure."""
        while True:
            source, (ip,) = self._take(tx, subnet_pk, 1)
            if statements.insert_candidate(tx, source.id, subnet_pk, ip, owner_pk):
                return ip
            self._still_stands(tx, subnet_pk, source)

    def allocate_many(
        self, tx: Transaction, subnet_pk: int, owner_pks: Sequence[int]
    ) -> list[bytes]:
        """An address for each port, in their order, or none at all.

        Raises IpAddressGenerationFailure when the pools hold fewer.
        """
        given: dict[int, bytes] = {}  # by position in owner_pks
        while missing := [at for at in range(len(owner_pks)) if at not in given]:
            try:
                source, ips = self._take(tx, subnet_pk, len(missing))
            except IpAddressGenerationFailure:
                for at, ip in given.items():
                    statements.release(tx, subnet_pk, ip, owner_pks[at], self._now())
                self._begin_private(tx, subnet_pk)  # no other transaction sees them free yet
                raise
            if self._still_stands(tx, subnet_pk, source):
                places = dict(zip(ips, missing, strict=False))
                owners = {ip: owner_pks[at] for ip, at in places.items()}
                inserted = statements.insert_many(tx, subnet_pk, owners)
                given |= {places[ip]: ip for ip in inserted}
        return [given[at] for at in range(len(owner_pks))]

    def allocate_lowest(self, tx: Transaction, subnet_pk: int, owner_pk: int) -> bytes:
        """The lowest free address of the pools, now the port's.

        Raises IpAddressGenerationFailure.
        """
        return pools.take_lowest(tx, subnet_pk, owner_pk, self._now())

    def claim(self, tx: Transaction, subnet_pk: int, address: bytes, owner_pk: int) -> None:
        """Give the port this very address, be it in a pool or not.

        Raises IpAddressAlreadyAllocated when it has an owner or has not cooled down.
        """
        for _ in range(CLAIM_ATTEMPTS):  # a free row may go between the two: then insert again
            if statements.insert_given(tx, subnet_pk, address, owner_pk):
                return
            if statements.take_over(tx, subnet_pk, address, owner_pk, self._now()):
                return
        raise IpAddressAlreadyAllocated(
            f"IP address {unpack(address)} is already allocated or was in use a moment ago."
        )

    def release(self, tx: Transaction, subnet_pk: int, address: bytes, owner_pk: int) -> bool:
        """Whether the port owned the address: it has no owner now, and its cooldown begins."""
        free_at = self._now() + self.cooldown_seconds
        return statements.release(tx, subnet_pk, address, owner_pk, free_at)

    def revoke_stale(self, older_than_seconds: int) -> int:
        """How many old candidate lists, of processes that are gone, were made free for all.

        For the worker's rounds; runs transactions of its own.
        """
        return pools.free_lists(self.database, self._now() - older_than_seconds)

    def _set_pools(self, tx: Transaction, subnet_pk: int, ranges: Sequence[Range]) -> None:
        pools.write_cursors(tx, subnet_pk, ranges)
        tx.memo["pools", subnet_pk] = list(ranges)
        tx.on_commit(lambda: self._forget(subnet_pk))
        self._begin_private(tx, subnet_pk)  # no other transaction sees these pools yet

    def _take(
        self, tx: Transaction, subnet_pk: int, wanted: int
    ) -> tuple[CandidateList, list[bytes]]:
        """One or more addresses to try. Raises IpAddressGenerationFailure."""
        if _key(subnet_pk) not in tx.memo:
            shelf = self._shelf(subnet_pk)
            if (taken := shelf.take(wanted) or self._refill(shelf, subnet_pk, wanted)) is not None:
                source, ips = taken
                tx.on_commit(lambda: shelf.settle(ips))
                tx.on_rollback(lambda: shelf.give_back(source, ips))
                return taken
            self._begin_private(tx, subnet_pk)
        return self._take_private(tx, subnet_pk, wanted)

    def _refill(
        self, shelf: Shelf, subnet_pk: int, wanted: int
    ) -> tuple[CandidateList, list[bytes]] | None:
        """Addresses of a list found in a short transaction beside the caller's.

        None when it must be the caller's own: on SQLite, and where the caller may be what the
        other one waits for.
        """
        if self.database.has_one_writer:
            return None
        with shelf.refilling:
            while (taken := shelf.take(wanted)) is None:
                try:
                    found = self.database.write_aside(
                        lambda side: self._search(side, shelf, subnet_pk, wanted).run(nowait=True)
                    )
                except SubnetBusyError:
                    return None
                shelf.put(_or_full(found))
            return taken

    def _begin_private(self, tx: Transaction, subnet_pk: int) -> None:
        """From here to its end, the transaction looks for candidates by itself.

        The list is shown to other threads once it is committed; a rollback forgets it.
        """
        if _key(subnet_pk) not in tx.memo:
            tx.on_commit(lambda: self._shelf(subnet_pk).put(tx.memo[_key(subnet_pk)]))
        tx.memo[_key(subnet_pk)] = CandidateList()

    def _take_private(
        self, tx: Transaction, subnet_pk: int, wanted: int
    ) -> tuple[CandidateList, list[bytes]]:
        source: CandidateList = tx.memo[_key(subnet_pk)]
        if not source.addresses:
            search = self._search(tx, self._shelf(subnet_pk), subnet_pk, wanted)
            source = tx.memo[_key(subnet_pk)] = _or_full(search.run(nowait=False))
        return source, source.take(wanted)

    def _search(self, tx: Transaction, shelf: Shelf, subnet_pk: int, wanted: int) -> Refill:
        return Refill(tx, subnet_pk, self.worker, wanted, shelf.in_flight(), self._now())

    def _still_stands(self, tx: Transaction, subnet_pk: int, source: CandidateList) -> bool:
        """Whether the list may be used; if not, no one will take from it again."""
        if statements.list_stands(tx, subnet_pk, source.id):
            return True
        self._shelf(subnet_pk).drop(source)
        return False

    def _shelf(self, subnet_pk: int) -> Shelf:
        with self._lock:
            return self._shelves.setdefault(subnet_pk, Shelf())

    def _forget(self, subnet_pk: int) -> None:
        with self._lock:
            self._shelves.pop(subnet_pk, None)


def _key(subnet_pk: int) -> tuple[str, int]:
    return ("candidates", subnet_pk)


def _or_full(found: CandidateList | None) -> CandidateList:
    if found is None:
        raise IpAddressGenerationFailure("No more IP addresses are available in the subnet.")
    return found

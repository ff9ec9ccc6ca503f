"""Finds candidates: in own lists, cursors, released addresses, the lists of others."""

import secrets
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, delete, insert, select, update
from sqlalchemy.exc import DBAPIError

from ipam.allocator import ranges, refill_policy, statements
from ipam.allocator.candidate_list import CandidateList
from ipam.allocator.refill_policy import Cursor
from ipam.store.engine.database import Transaction
from ipam.store.engine.retry import is_transient
from ipam.store.tables import ip_address, ip_candidates, ip_cursor

_A, _L, _C = ip_address.c, ip_candidates.c, ip_cursor.c


class SubnetBusyError(Exception):
    """A transaction is changing the subnet, perhaps the one that wants the refill."""


@dataclass(frozen=True, slots=True)
class Refill:
    """One search for candidates in one transaction."""

    tx: Transaction
    subnet_pk: int
    worker: str
    wanted: int
    in_flight: Collection[bytes]
    """Addresses that transactions of this process have taken. They are no candidates, and the row
    that lists them must stay."""
    now: int

    def run(self, *, nowait: bool) -> CandidateList | None:
        """A list of candidates, or None when the pools are used up.

        The list is empty while other transactions are moving the last addresses. The caller then
        ends this transaction, because they may wait for its locks, and searches again.

        With `nowait`, raises SubnetBusyError instead of waiting for a change of the subnet.
        """
        try:
            statements.lock_subnet(self.tx, self.subnet_pk, alone=False, nowait=nowait)
        except DBAPIError as error:
            if nowait and is_transient(error):
                raise SubnetBusyError from error
            raise
        for source in self._sources():
            found = source()
            if found is not None:
                return found
        return CandidateList() if self._others_hold_some() else None

    def _sources(self) -> Sequence[Callable[[], CandidateList | None]]:
        return (
            self._own,
            self._long_released,
            self._never_used,
            self._released,
            self._seized,
        )

    def _own(self) -> CandidateList | None:
        """The rest of this process's earlier lists. A list that is used up is deleted."""
        query = select(_L.id, _L.addresses).where(
            _L.subnet_pk == self.subnet_pk, _L.worker == self.worker
        )
        for list_id, joined in self.tx.execute(query).all():
            unused = self._unused(joined)
            if not unused:
                self._drop(list_id)
            elif free := [ip for ip in unused if ip not in self.in_flight]:
                return CandidateList(list_id, deque(free))
        return None

    def _never_used(self) -> CandidateList | None:
        """The next addresses of a shard. The cursor moves only if no one else moved it."""
        window = refill_policy.FIRST_WINDOW
        while cursors := self._cursors():
            cursor = refill_policy.choose(cursors, self.worker)
            remaining = sum(ranges.size(each.pool) for each in cursors)
            wanted = refill_policy.share_of_unused(self.wanted, remaining)
            looked_at = ranges.head(cursor.pool, max(window, wanted))
            used = statements.rows_within(self.tx, self.subnet_pk, looked_at)
            found, rest = ranges.take(cursor.pool, max(window, wanted), used, wanted)
            if not self._advance(cursor, rest):
                continue
            if found:
                return self._keep(found)
            window = min(window * 2, refill_policy.LONGEST_WINDOW)
        return None

    def _cursors(self) -> list[Cursor]:
        query = select(_C.shard, _C.next, _C.last).where(_C.subnet_pk == self.subnet_pk)
        rows = self.tx.execute(query.order_by(_C.shard)).all()
        return [Cursor(shard, bytes(low), bytes(high)) for shard, low, high in rows]

    def _advance(self, cursor: Cursor, rest: ranges.AddressRange | None) -> bool:
        same = (
            _C.subnet_pk == self.subnet_pk,
            _C.shard == cursor.shard,
            _C.next == cursor.next,
        )
        if rest is None:
            return self.tx.execute(delete(ip_cursor).where(*same)).rowcount == 1
        statement = update(ip_cursor).where(*same).values(next=rest[0])
        return self.tx.execute(statement).rowcount == 1

    def _long_released(self) -> CandidateList | None:
        released = self._expired(self.now - refill_policy.RECYCLE_AFTER_SECONDS)
        if len(released) < refill_policy.enough(self.wanted):
            return None
        share = refill_policy.share_of_released(self.wanted, len(released))
        return self._recycle(released[:share])

    def _released(self) -> CandidateList | None:
        while released := self._expired(self.now):
            share = refill_policy.share_of_released(self.wanted, len(released))
            found = self._recycle(released[:share])
            if found is not None:
                return found
        return None

    def _expired(self, until: int) -> list[bytes]:
        """Released addresses that have cooled down by `until`, the longest free first."""
        query = (
            select(_A.ip)
            .where(_A.subnet_pk == self.subnet_pk, _A.owner_pk.is_(None), _A.free_at <= until)
            .order_by(_A.free_at, _A.ip)
            .limit(refill_policy.goal(self.wanted))
        )
        return [bytes(row[0]) for row in self.tx.execute(_skip_locked(query))]

    def _recycle(self, released: Sequence[bytes]) -> CandidateList | None:
        """Turn rows into candidates. Rows outside the pools (given by name) are just deleted."""
        statements.delete_rows(self.tx, self.subnet_pk, released)
        pools = statements.pools_of(self.tx, self.subnet_pk)
        found = [ip for ip in released if ranges.contains(pools, ip)]
        return self._keep(found) if found else None

    def _seized(self) -> CandidateList | None:
        """A part of another process's list, the oldest first. The rest stays under its name."""
        query = (
            select(_L.id, _L.worker, _L.taken_at, _L.addresses)
            .where(_L.subnet_pk == self.subnet_pk, _L.worker != self.worker)
            .order_by(_L.taken_at, _L.id)
            .limit(1)
        )
        while row := self.tx.execute(_skip_locked(query)).first():
            list_id, victim, taken_at, joined = row
            self._drop(list_id)
            if unused := self._unused(joined):
                share = refill_policy.share_of_seized(self.wanted, len(unused))
                if rest := unused[share:]:
                    self._write(victim, taken_at, rest)
                return self._keep(unused[:share])
        return None

    def _others_hold_some(self) -> bool:
        """Whether there are addresses that another transaction's lock kept from us."""
        lists = select(_L.id).where(_L.subnet_pk == self.subnet_pk, _L.worker != self.worker)
        if self.tx.execute(lists.limit(1)).first():
            return True
        return statements.count_expired(self.tx, self.subnet_pk, self.now) > 0

    def _unused(self, joined: bytes) -> list[bytes]:
        return statements.without_row(self.tx, self.subnet_pk, ranges.part(bytes(joined)))

    def _drop(self, list_id: int) -> None:
        same = (_L.subnet_pk == self.subnet_pk, _L.id == list_id)
        self.tx.execute(delete(ip_candidates).where(*same))

    def _keep(self, found: Sequence[bytes]) -> CandidateList:
        return CandidateList(self._write(self.worker, self.now, found), deque(found))

    def _write(self, worker: str, taken_at: int, found: Sequence[bytes]) -> int:
        list_id = secrets.randbits(62)
        row = {
            "subnet_pk": self.subnet_pk,
            "id": list_id,
            "worker": worker,
            "taken_at": taken_at,
            "addresses": ranges.join(found),
        }
        self.tx.execute(insert(ip_candidates), row)
        return list_id


def _skip_locked(query: "Select[tuple[object, ...]]") -> "Select[tuple[object, ...]]":
    """The query with a lock on its rows. It skips rows that another transaction has locked."""
    return query.with_for_update(skip_locked=True)

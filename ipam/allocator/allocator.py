"""Gives addresses to ports and takes them back. Other packages call only this module.

Every method runs inside the caller's transaction and takes effect when that commits.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from ipam.allocator import pools, statements
from ipam.allocator.candidate_source import CandidateSource
from ipam.allocator.counters import Counters
from ipam.allocator.ranges import AddressRange
from ipam.allocator.selection import Machine
from ipam.allocator.used_up import used_up
from ipam.clock import now_seconds
from ipam.errors import (
    InvalidIpForSubnet,
    IpAddressAlreadyAllocated,
    IpAddressGenerationFailure,
)
from ipam.model import AddressSelection, unpack
from ipam.rules import prefixes
from ipam.store.engine.database import Database, Transaction

CLAIM_ATTEMPTS = 3
FENCE_SECONDS = 600
"""No transaction lasts so long that it began before a range was fenced off."""


class Journal(Protocol):
    """Is told of each address that gets or loses its owner, in the same transaction."""

    def allocated(self, tx: Transaction, subnet_pk: int, given: Mapping[bytes, int]) -> None:
        """These addresses of a subnet now belong to these ports."""

    def released(self, tx: Transaction, subnet_pk: int, ip: bytes, owner_pk: int) -> None:
        """The port gave the address back."""


class Allocator:
    """Serves all threads of a process. Keeps lists of candidates in memory, per subnet."""

    def __init__(
        self,
        database: Database,
        *,
        cooldown_seconds: int,
        worker: str,
        now: Callable[[], int] = now_seconds,
        journal: Journal | None = None,
    ) -> None:
        """`worker` names the process in `ip_candidates` for people; it is made unique here."""
        self.database = database
        self._journal = journal
        self.cooldown_seconds = cooldown_seconds
        self._now = now
        self._candidates = CandidateSource(database, worker, now)

    @property
    def counters(self) -> Counters:
        """How often an address needed more than one insert."""
        return self._candidates.counters

    def open_pools(self, tx: Transaction, subnet_pk: int, pools_: Sequence[AddressRange]) -> None:
        """Make the addresses of a new subnet's allocation pools available.

        The caller has written their rows in `allocation_pool` in this transaction.
        """
        self._set_pools(tx, subnet_pk, pools_)

    def change_pools(
        self, tx: Transaction, subnet_pk: int, pools_: Sequence[AddressRange]
    ) -> None:
        """Give from other pools from now on. Owned addresses outside of them stay owned.

        The caller has written the rows of the new pools, as for `open_pools`.
        """
        statements.lock_subnet(tx, subnet_pk, alone=True)
        self._set_pools(tx, subnet_pk, pools_)

    def fence(self, tx: Transaction, subnet_pk: int, ranges: Sequence[AddressRange]) -> None:
        """Give no address of these ranges from now on, not even by name.

        The caller has written their rows in `dynamic_range`, and next takes them from the pools.
        Owned addresses in them stay owned: read them after this, when nobody can get one any more.
        """
        statements.lock_subnet(tx, subnet_pk, alone=True)
        pools.fence(tx, subnet_pk, ranges, until=self._now() + FENCE_SECONDS)

    def forget_outside(self, tx: Transaction, subnet_pk: int, usable: AddressRange) -> None:
        """Forget the released addresses that are not usable in the subnet's new prefix.

        The caller has changed the pools, so that nobody gets one any more.
        """
        pools.forget_outside(tx, subnet_pk, usable)

    def move(
        self, tx: Transaction, subnet_pk: int, new_subnet_pk: int, within: AddressRange
    ) -> None:
        """Take the addresses of this range into another subnet; their ports keep them.

        The caller has locked both subnets and the ports, and changes the pools of both next.
        """
        pools.move(tx, subnet_pk, new_subnet_pk, within)

    def close_pools(self, tx: Transaction, subnet_pk: int) -> None:
        """Delete what the allocator keeps of a subnet, except addresses that are owned.

        The caller deletes the subnet next. Owned addresses make that fail with a foreign key
        violation.
        """
        statements.lock_subnet(tx, subnet_pk, alone=True)
        pools.delete_unowned(tx, subnet_pk)
        tx.on_commit(lambda: self._candidates.forget(subnet_pk))

    def allocate(self, tx: Transaction, subnet_pk: int, owner_pk: int) -> bytes:
        """An address of the pools, now owned by the port. Raises IpAddressGenerationFailure."""
        while True:
            source, (ip,) = self._candidates.take(tx, subnet_pk, 1)
            if statements.insert_candidate(tx, source.id, subnet_pk, ip, owner_pk) or (
                self._candidates.still_stands(tx, subnet_pk, source)
                and statements.take_over(tx, subnet_pk, ip, owner_pk, self._now())
            ):
                self._note(tx, subnet_pk, {ip: owner_pk})
                return ip
            self.counters.collided()

    def allocate_many(
        self, tx: Transaction, subnet_pk: int, owner_pks: Sequence[int]
    ) -> list[bytes]:
        """An address for each port, in their order, or none at all.

        Raises IpAddressGenerationFailure when the pools hold fewer.
        """
        given: dict[int, bytes] = {}  # by position in owner_pks
        while missing := [at for at in range(len(owner_pks)) if at not in given]:
            try:
                source, ips = self._candidates.take(tx, subnet_pk, len(missing))
            except IpAddressGenerationFailure:
                for at, ip in given.items():
                    statements.release(tx, subnet_pk, ip, owner_pks[at], self._now())
                self._candidates.begin_private(tx, subnet_pk)  # others do not see them free
                raise
            if self._candidates.still_stands(tx, subnet_pk, source):
                places = dict(zip(ips, missing, strict=False))
                owners = {ip: owner_pks[at] for ip, at in places.items()}
                inserted = statements.insert_many(tx, subnet_pk, owners)
                for ip in sorted(owners.keys() - inserted):
                    if statements.take_over(tx, subnet_pk, ip, owners[ip], self._now()):
                        inserted.add(ip)
                given |= {places[ip]: ip for ip in inserted}
        result = [given[at] for at in range(len(owner_pks))]
        self._note(tx, subnet_pk, dict(zip(result, owner_pks, strict=True)))
        return result

    def allocate_by(
        self,
        tx: Transaction,
        subnet_pk: int,
        owner_pk: int,
        selection: AddressSelection,
        machine: Machine,
    ) -> bytes:
        """An address of the pools that the selection prefers, now owned by the machine's port.

        When all that it prefers are taken, as `allocate`. Raises IpAddressGenerationFailure.
        """
        match selection:
            case "least-recently-used":
                return self.allocate(tx, subnet_pk, owner_pk)
            case "lowest":
                return self.allocate_lowest(tx, subnet_pk, owner_pk)
        ip = pools.take_preferred(tx, subnet_pk, owner_pk, selection, machine, now=self._now())
        return self._noted_or_any(tx, subnet_pk, owner_pk, ip)

    def allocate_lowest(self, tx: Transaction, subnet_pk: int, owner_pk: int) -> bytes:
        """The lowest free address of the pools, now owned by the port.

        Raises IpAddressGenerationFailure.
        """
        ip = pools.take_lowest(tx, subnet_pk, owner_pk, self._now())
        return self._noted_or_any(tx, subnet_pk, owner_pk, ip)

    def allocate_cooling(self, tx: Transaction, subnet_pk: int, owner_pk: int) -> bytes:
        """The address of the pools that has cooled longest, now owned by the port.

        For when nothing is free. Raises IpAddressGenerationFailure.
        """
        ip = pools.take_longest_cooled(tx, subnet_pk, owner_pk)
        if ip is None or statements.is_dynamic(tx, subnet_pk, ip):  # the latter since it began
            raise used_up(tx, subnet_pk, self._now())
        self._note(tx, subnet_pk, {ip: owner_pk})
        return ip

    def reclaim(self, tx: Transaction, subnet_pk: int, owner_pk: int) -> bool:
        """Whether an address of the subnet was released as `held`. The port then owns it."""
        ip = pools.take_held(tx, subnet_pk, owner_pk, pools.HELD_UNTIL)
        if ip is not None:
            self._note(tx, subnet_pk, {ip: owner_pk})
        return ip is not None

    def claim(self, tx: Transaction, subnet_pk: int, address: bytes, owner_pk: int) -> None:
        """Give the port this very address, inside or outside of the pools.

        An address that is asked for by name is given before its cooldown ends, so that a port that
        replaces another can keep its address. Raises IpAddressAlreadyAllocated when it has an
        owner, or is in a dynamic range.
        """
        if not self.claim_leased(tx, subnet_pk, address, owner_pk):
            raise IpAddressAlreadyAllocated(f"IP address {unpack(address)} is already allocated.")
        # The row is there, so neither a range around it is set nor the prefix changed until this
        # transaction has ended.
        cidr, is_dynamic = statements.surroundings(tx, subnet_pk, address)
        if not prefixes.has(cidr, address):
            raise InvalidIpForSubnet(
                f"IP address {unpack(address)} is not a valid IP for the specified subnet: it has"
                f" the prefix {cidr} since a moment."
            )
        if is_dynamic:
            raise IpAddressAlreadyAllocated(
                f"IP address {unpack(address)} is in a dynamic range: only the DHCP server gives"
                " it. Reserve the lease of the machine that has it, or choose another."
            )

    def claim_leased(self, tx: Transaction, subnet_pk: int, address: bytes, owner_pk: int) -> bool:
        """Whether the port now owns the address, which a DHCP server gave its machine."""
        for _ in range(CLAIM_ATTEMPTS):  # the free row may be deleted between the two statements
            if statements.insert_given(tx, subnet_pk, address, owner_pk) or statements.take_over(
                tx, subnet_pk, address, owner_pk, now=None
            ):
                self._note(tx, subnet_pk, {address: owner_pk})
                return True
        return False

    def release(
        self,
        tx: Transaction,
        subnet_pk: int,
        address: bytes,
        owner_pk: int,
        *,
        held: bool = False,
    ) -> bool:
        """Whether the port owned the address. It then has no owner, and its cooldown begins.

        The cooldown of a `held` address does not end: the address can be claimed, or is given when
        nothing else is free.
        """
        free_at = pools.HELD_UNTIL if held else self._now() + self.cooldown_seconds
        if not statements.release(tx, subnet_pk, address, owner_pk, free_at):
            return False
        if self._journal is not None:
            self._journal.released(tx, subnet_pk, address, owner_pk)
        return True

    def revoke_stale(self, older_than_seconds: int) -> int:
        """Free the addresses of old candidate lists of ended processes; how many lists.

        The worker calls this in its rounds. It runs transactions of its own.
        """
        return pools.free_lists(self.database, self._now() - older_than_seconds)

    def _noted_or_any(
        self, tx: Transaction, subnet_pk: int, owner_pk: int, ip: bytes | None
    ) -> bytes:
        """The address that was taken, or any other if none was."""
        if ip is None:
            return self.allocate(tx, subnet_pk, owner_pk)
        self._note(tx, subnet_pk, {ip: owner_pk})
        return ip

    def _note(self, tx: Transaction, subnet_pk: int, given: Mapping[bytes, int]) -> None:
        if self._journal is not None:
            self._journal.allocated(tx, subnet_pk, given)

    def _set_pools(self, tx: Transaction, subnet_pk: int, ranges: Sequence[AddressRange]) -> None:
        pools.write_cursors(tx, subnet_pk, ranges)
        tx.on_commit(lambda: self._candidates.forget(subnet_pk))
        self._candidates.begin_private(tx, subnet_pk)  # no one else sees these pools yet

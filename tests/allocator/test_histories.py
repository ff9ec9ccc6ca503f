"""Random histories of one subnet, compared with a model that fits in a dictionary."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from ipam.allocator import ranges
from ipam.errors import IpAddressAlreadyAllocated, IpAddressGenerationFailure
from ipam.model import pack, unpack
from ipam.store.engine.database import Database, Transaction
from tests.allocator.subnets import Ground, make_ground, parse

COOLDOWN_SECONDS = 60
POOLS = [
    ["10.0.0.1-10.0.0.2"],
    ["10.0.0.1-10.0.0.6"],
    ["10.0.0.4-10.0.0.9", "10.0.0.12-10.0.0.12"],
    ["10.0.0.8-10.0.0.30"],
    ["2001:db8::1-2001:db8::3", "2001:db8::10-2001:db8::14"],
]
PROCESSES = 3
PORTS = 2

processes = st.integers(0, PROCESSES - 1)
ports = st.integers(0, PORTS - 1)
numbers = st.integers(0, 32)


class Undo(Exception):  # noqa: N818  # not an error
    """Ends a transaction without a trace."""


class History(RuleBasedStateMachine):
    """What a subnet's addresses go through. `model` says who owns each, or until when it cools."""

    database: Database

    @initialize(pools=st.sampled_from(POOLS))
    def make(self, pools: list[str]) -> None:
        self.ground: Ground = make_ground(self.database, pools, PORTS)
        self.version = 4 if "." in pools[0] else 6
        self.pools = set(_listed(pools))
        self.owners: dict[str, int] = {}
        self.free_at: dict[str, int] = {}
        self.allocators = [self.ground.another_process() for _ in range(PROCESSES)]

    @rule(process=processes, port=ports)
    def allocate(self, process: int, port: int) -> None:
        free = self.free()
        try:
            given = self.ground.allocate(port, by=self.allocators[process])
        except IpAddressGenerationFailure:
            assert not free
        else:
            self.own(given, port, free)

    @rule(process=processes, count=st.integers(1, 9))
    def allocate_many(self, process: int, count: int) -> None:
        free = self.free()
        try:
            given = self.ground.allocate_many(count, by=self.allocators[process])
        except IpAddressGenerationFailure:
            assert len(free) < count
        else:
            assert len(set(given)) == count
            for address in given:
                self.own(address, 0, free)

    @rule(port=ports)
    def lowest(self, port: int) -> None:
        free = self.free()
        try:
            given = self.ground.lowest(port)
        except IpAddressGenerationFailure:
            assert not free
        else:
            assert pack(given) == min(map(pack, free))
            self.own(given, port, free)

    @rule(process=processes, port=ports, number=numbers)
    def claim(self, process: int, port: int, number: int) -> None:
        address = self.address(number)
        available = address not in self.owners
        try:
            self.ground.claim(address, port, by=self.allocators[process])
        except IpAddressAlreadyAllocated:
            assert not available
        else:
            self.own(address, port, {address} if available else set())

    @rule(port=ports, number=numbers)
    def release(self, port: int, number: int) -> None:
        address = self.address(number)
        owned = self.owners.get(address) == port
        assert self.ground.release(address, port) == owned
        if owned:
            del self.owners[address]
            self.free_at[address] = self.ground.clock.seconds + COOLDOWN_SECONDS

    @rule(process=processes, port=ports, count=st.integers(1, 4))
    def undo(self, process: int, port: int, count: int) -> None:
        def work(tx: Transaction) -> None:
            for _ in range(count):
                self.allocators[process].allocate(tx, self.ground.subnet, self.ground.ports[port])
            raise Undo

        with pytest.raises((Undo, IpAddressGenerationFailure)):
            self.ground.database.write(work)

    @rule(process=processes)
    def restart(self, process: int) -> None:
        self.allocators[process] = self.ground.another_process()

    @rule(process=processes, pools=st.sampled_from(POOLS))
    def change_pools(self, process: int, pools: list[str]) -> None:
        if ("." in pools[0]) == (self.version == 4):
            self.ground.change_pools(*pools, by=self.allocators[process])
            self.pools = set(_listed(pools))

    @rule(age=st.sampled_from([-1, 30]))
    def revoke(self, age: int) -> None:
        self.allocators[0].revoke_stale(age)

    @rule(seconds=st.sampled_from([1, 30, COOLDOWN_SECONDS, 90_000]))
    def wait(self, seconds: int) -> None:
        self.ground.clock.seconds += seconds

    @invariant()
    def owners_agree(self) -> None:
        if hasattr(self, "owners"):
            assert self.ground.owned() == [
                unpack(ip) for ip in sorted(pack(address) for address in self.owners)
            ]

    def teardown(self) -> None:
        if hasattr(self, "owners"):
            free = self.free()
            assert sorted(self.ground.fill(by=self.allocators[0])) == sorted(free)

    def address(self, number: int) -> str:
        return f"10.0.0.{number}" if self.version == 4 else f"2001:db8::{number:x}"

    def is_cooling(self, address: str) -> bool:
        return self.free_at.get(address, 0) > self.ground.clock.seconds

    def free(self) -> set[str]:
        """What may be given now."""
        return {each for each in self.pools - self.owners.keys() if not self.is_cooling(each)}

    def own(self, address: str, port: int, allowed: set[str]) -> None:
        assert address in allowed, f"{address} was given, free were {sorted(allowed)}"
        self.owners[address] = port
        self.free_at.pop(address, None)


def _listed(pools: list[str]) -> list[str]:
    return [unpack(ip) for pool in parse(pools) for ip in ranges.addresses(pool)]


EXAMPLES = {"sqlite": 50, "postgresql": 10, "mariadb": 10}


def test_no_history_gives_an_address_twice_early_or_never(
    database: Database, backend: str
) -> None:
    machine = type("Histories", (History,), {"database": database})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES[backend],
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )

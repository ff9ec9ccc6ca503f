"""Addresses that DHCP servers give by themselves, while others allocate."""

import contextlib
from concurrent.futures import ThreadPoolExecutor

from ipam.allocator.allocator import Allocator
from ipam.errors import IpAddressAlreadyAllocated, IpAddressGenerationFailure
from ipam.model import pack, unpack
from ipam.store import subnet_ranges, subnets
from ipam.store.engine.database import Database, Transaction
from tests.allocator.subnets import Ground, make_ground, parse, write_pools

RANGE = parse(["10.0.0.40-10.0.0.99"])
LEFT = parse(["10.0.0.1-10.0.0.39"])
ROUNDS = 4


def fenced(ground: Ground, by: Allocator) -> set[str]:
    """Fence the range off; the addresses of it that a port has by then."""

    def change(tx: Transaction) -> set[str]:
        subnet_ranges.set_dynamic_ranges(tx, ground.subnet, RANGE)
        by.fence(tx, ground.subnet, RANGE)
        write_pools(tx, ground.subnet, LEFT)
        by.change_pools(tx, ground.subnet, LEFT)
        owned = (row.ip for row in subnets.owned(tx, ground.subnet))
        return {unpack(ip) for ip in owned if RANGE[0][0] <= ip <= RANGE[0][1]}

    return ground.database.write(change)


def take_all(ground: Ground, number: int) -> set[str]:
    """What one process of several gets until there is nothing, by number and by name."""
    by = ground.another_process()
    got = set(ground.fill(by=by))
    for last in range(40 + number, 100, 3):
        address = f"10.0.0.{last}"
        try:
            ground.claim(address, by=by)
        except IpAddressAlreadyAllocated:
            continue
        got.add(address)
    return got


def test_nobody_gets_an_address_of_a_range_once_it_is_fenced_off(database: Database) -> None:
    for _ in range(ROUNDS):
        ground = make_ground(database, ["10.0.0.1-10.0.0.99"])
        with ThreadPoolExecutor(4) as threads:
            taking = [threads.submit(take_all, ground, number) for number in range(3)]
            before = threads.submit(fenced, ground, ground.another_process()).result()
            got = set().union(*(one.result() for one in taking))
        inside = {ip for ip in got if RANGE[0][0] <= pack(ip) <= RANGE[0][1]}
        assert inside == before
        assert set(ground.owned()) == got


def test_candidates_in_memory_are_of_no_use_after_the_fence(database: Database) -> None:
    ground = make_ground(database, ["10.0.0.1-10.0.0.99"])
    others = [ground.another_process() for _ in range(3)]
    for each in others:
        ground.allocate(by=each)
    assert fenced(ground, ground.allocator) <= set(ground.owned())
    ground.clock.seconds += 10_000
    for each in others:
        ground.fill(by=each)
    assert len(ground.owned()) >= 39
    with contextlib.suppress(IpAddressGenerationFailure):
        ground.allocate_cooling()
    left = {unpack(ip) for ip in map(pack, ground.owned()) if LEFT[0][0] <= ip <= LEFT[0][1]}
    assert len(left) == 39


def test_a_lease_takes_an_address_that_cools_down(database: Database) -> None:
    ground = make_ground(database, ["10.0.0.1-10.0.0.99"], ports=2)
    assert fenced(ground, ground.allocator) == set()

    def lease(port: int) -> bool:
        owner, ip = ground.ports[port], RANGE[0][0]
        work = ground.allocator.claim_leased
        return database.write(lambda tx: work(tx, ground.subnet, ip, owner))

    assert lease(0)
    assert not lease(1)
    assert ground.release("10.0.0.40")
    assert lease(1)

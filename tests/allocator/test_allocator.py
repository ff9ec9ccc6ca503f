"""What the allocator promises, one promise at a time, on each database."""

from collections.abc import Callable
from contextlib import nullcontext
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from ipam.errors import (
    IpAddressAlreadyAllocated,
    IpAddressGenerationFailure,
    SubnetNotFound,
)
from ipam.model import pack, unpack
from ipam.store import tables
from ipam.store.engine.database import Transaction
from ipam.store.engine.retry import is_foreign_key_violation
from tests.allocator.subnets import Ground, parse, write_pools

SIX = [f"10.0.0.{number}" for number in range(1, 7)]


class Undo(Exception):  # noqa: N818  # not an error
    """Ends a transaction without a trace."""


def test_every_address_of_a_pool_is_given_once_then_the_subnet_is_full(small: Ground) -> None:
    assert sorted(small.fill()) == SIX == small.owned()
    with pytest.raises(IpAddressGenerationFailure):
        small.allocate()


@pytest.mark.parametrize("last", [1, 2, 6])
def test_two_processes_together_give_the_last_address_of_a_small_subnet(
    ground: Callable[..., Ground], last: int
) -> None:
    subnet = ground(f"10.0.0.1-10.0.0.{last}")
    other = subnet.another_process()
    given = [subnet.allocate(by=[None, other][turn % 2]) for turn in range(last)]
    assert sorted(given) == SIX[:last]
    for process in (None, other):
        with pytest.raises(IpAddressGenerationFailure):
            subnet.allocate(by=process)


def test_a_process_that_is_gone_keeps_no_address_from_the_others(
    ground: Callable[..., Ground],
) -> None:
    subnet = ground("10.0.0.1-10.0.0.200")
    subnet.allocate(by=subnet.another_process())
    assert len(subnet.fill()) == 199


def test_all_pools_of_a_subnet_are_used(ground: Callable[..., Ground]) -> None:
    subnet = ground("10.0.0.1-10.0.0.3", "10.0.0.10-10.0.0.12", "10.0.1.0-10.0.1.0")
    assert len(subnet.fill()) == 7


def test_a_large_pool_is_given_to_its_last_address(ground: Callable[..., Ground]) -> None:
    subnet = ground("10.0.0.0-10.0.15.255")
    given = [address for _ in range(4) for address in subnet.allocate_many(1024)]
    assert len(set(given)) == 4096
    assert subnet.fill() == []


def test_an_ipv6_subnet_of_64_bits_gives_distinct_addresses(ground: Callable[..., Ground]) -> None:
    subnet = ground("2001:db8::1-2001:db8::ffff:ffff:ffff:ffff")
    given = subnet.allocate_many(500) + [subnet.allocate() for _ in range(3)]
    assert len(set(given)) == 503
    assert all(pack("2001:db8::1") <= pack(each) for each in given)


def test_a_released_address_is_not_given_before_its_cooldown_ends(small: Ground) -> None:
    small.fill()
    assert small.release("10.0.0.3")
    small.clock.seconds += 59
    with pytest.raises(IpAddressGenerationFailure):
        small.allocate()
    small.clock.seconds += 1
    assert small.allocate() == "10.0.0.3"


def test_a_full_subnet_says_which_it_is_and_when_an_address_has_cooled_down(small: Ground) -> None:
    small.fill()
    with pytest.raises(IpAddressGenerationFailure, match=r"subnet [0-9a-f-]{36}, \S*\.$"):
        small.allocate()
    small.release("10.0.0.3")
    small.clock.seconds += 10
    small.release("10.0.0.4")
    cool = r"2 cool down, the first until 1970-01-12T13:47:40Z\.$"
    for give in (small.allocate, small.lowest):
        with pytest.raises(IpAddressGenerationFailure, match=cool):
            give()


def test_on_demand_the_address_that_has_cooled_longest_is_given(small: Ground) -> None:
    small.fill()
    for address in ("10.0.0.5", "10.0.0.3", "10.0.0.4"):
        small.release(address)
        small.clock.seconds += 1
    given = [small.allocate_cooling(by=small.another_process()) for _ in range(3)]
    assert given == ["10.0.0.5", "10.0.0.3", "10.0.0.4"]
    with pytest.raises(IpAddressGenerationFailure):
        small.allocate_cooling()
    assert small.owned() == SIX


def test_no_address_outside_the_pools_is_given_because_it_cools(small: Ground) -> None:
    small.fill()
    small.claim("10.0.0.9")
    small.release("10.0.0.9")
    with pytest.raises(IpAddressGenerationFailure):
        small.allocate_cooling()


def test_many_who_take_cooling_addresses_at_once_get_one_each(small: Ground) -> None:
    small.fill()
    for address in SIX:
        small.release(address)
    given: list[str] = []
    takers = [
        Thread(target=lambda: given.append(small.allocate_cooling(by=small.another_process())))
        for _ in range(4)
    ]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join()
    assert len(set(given)) == len(given) == len(small.owned())


@pytest.mark.parametrize("waited_seconds", [0, 60])
def test_a_released_address_can_be_claimed_at_any_time(small: Ground, waited_seconds: int) -> None:
    small.claim("10.0.0.3")
    small.release("10.0.0.3")
    small.clock.seconds += waited_seconds
    small.claim("10.0.0.3", port=1)
    assert not small.release("10.0.0.3", port=0)
    assert small.release("10.0.0.3", port=1)


def test_a_release_counts_once_and_only_for_the_owner(small: Ground) -> None:
    address = small.allocate(port=0)
    assert not small.release(address, port=1)
    assert small.release(address, port=0)
    assert not small.release(address, port=0)
    small.clock.seconds += 60
    assert sorted(small.fill()) == SIX


def test_a_claimed_address_is_given_to_no_one_else(small: Ground) -> None:
    small.claim("10.0.0.2")
    with pytest.raises(IpAddressAlreadyAllocated, match=r"10\.0\.0\.2"):
        small.claim("10.0.0.2", port=1)
    with pytest.raises(IpAddressAlreadyAllocated):
        small.claim("10.0.0.2", port=0)
    assert "10.0.0.2" not in small.fill()


def test_an_address_on_another_processs_list_can_be_claimed(ground: Callable[..., Ground]) -> None:
    subnet = ground("10.0.0.1-10.0.0.100")
    other = subnet.another_process()
    assert subnet.allocate(by=other) == "10.0.0.1"
    subnet.claim("10.0.0.2")
    assert subnet.allocate(by=other) == "10.0.0.3"


def test_an_address_claimed_outside_the_pools_never_enters_them(small: Ground) -> None:
    small.claim("10.0.0.77")
    small.release("10.0.0.77")
    small.clock.seconds += 60
    assert sorted(small.fill()) == SIX
    small.release("10.0.0.1")
    small.clock.seconds += 60
    assert small.allocate() == "10.0.0.1"
    assert small.count(tables.ip_address) == 6


def test_a_batch_gives_each_port_its_own_address_in_order(ground: Callable[..., Ground]) -> None:
    subnet = ground("10.0.0.1-10.0.0.250", ports=150)
    given = subnet.database.write(
        lambda tx: subnet.allocator.allocate_many(tx, subnet.subnet, subnet.ports)
    )
    table = tables.ip_address.c
    query = select(table.ip, table.owner_pk)
    owners = {
        bytes(ip): owner for ip, owner in subnet.database.read(lambda tx: tx.execute(query).all())
    }
    assert [owners[ip] for ip in given] == subnet.ports


def test_a_batch_too_large_for_the_pool_takes_nothing(small: Ground) -> None:
    small.claim("10.0.0.4")
    with pytest.raises(IpAddressGenerationFailure):
        small.allocate_many(6)
    assert small.owned() == ["10.0.0.4"]
    assert len(small.allocate_many(5)) == 5


def test_a_refused_batch_leaves_nothing_even_if_its_caller_goes_on(small: Ground) -> None:
    def try_both(tx: Transaction) -> bytes:
        with pytest.raises(IpAddressGenerationFailure):
            small.allocator.allocate_many(tx, small.subnet, [small.ports[0]] * 7)
        return small.allocator.allocate(tx, small.subnet, small.ports[0])

    given = unpack(small.database.write(try_both))
    assert small.owned() == [given]
    assert len(small.fill()) == 5


def test_a_batch_of_nobody_is_empty(small: Ground) -> None:
    assert small.allocate_many(0) == []


def test_the_lowest_address_is_the_lowest_that_is_free(small: Ground) -> None:
    assert small.lowest() == "10.0.0.1"
    small.claim("10.0.0.2")
    assert small.lowest() == "10.0.0.3"
    small.release("10.0.0.1")
    assert small.lowest() == "10.0.0.4"
    small.clock.seconds += 60
    assert small.lowest() == "10.0.0.1"
    small.fill()
    with pytest.raises(IpAddressGenerationFailure):
        small.lowest()


def test_a_rollback_returns_every_address(small: Ground) -> None:
    def take_and_fail(tx: Transaction) -> None:
        small.allocator.allocate(tx, small.subnet, small.ports[0])
        small.allocator.allocate_many(tx, small.subnet, [small.ports[0]] * 3)
        raise Undo

    for _ in range(20):
        with pytest.raises(Undo):
            small.database.write(take_and_fail)
    assert sorted(small.fill()) == SIX


def test_a_subnet_can_be_made_and_used_in_one_transaction(small: Ground) -> None:
    pools = parse(["10.9.0.1-10.9.0.3"])

    def make_and_use(tx: Transaction) -> list[bytes]:
        write_pools(tx, small.subnet, pools)
        small.allocator.open_pools(tx, small.subnet, pools)
        lowest = small.allocator.allocate_lowest(tx, small.subnet, small.ports[0])
        return [lowest, small.allocator.allocate(tx, small.subnet, small.ports[1])]

    given = small.database.write(make_and_use)
    assert sorted([*map(unpack, given), *small.fill()]) == ["10.9.0.1", "10.9.0.2", "10.9.0.3"]


@pytest.mark.parametrize("fails", [False, True])
def test_a_list_of_a_transaction_s_own_is_gone_when_that_has_ended(
    small: Ground, *, fails: bool
) -> None:
    def allocate(tx: Transaction) -> None:
        small.allocator.open_pools(tx, small.subnet, parse(["10.0.0.1-10.0.0.6"]))
        small.allocator.allocate(tx, small.subnet, small.ports[0])
        if fails:
            raise KeyError

    with pytest.raises(KeyError) if fails else nullcontext():
        small.database.write(allocate)
    assert not small.allocator._candidates._private


def test_an_allocation_does_not_wait_for_a_lock_its_own_transaction_holds(small: Ground) -> None:
    def lock_then_allocate(tx: Transaction) -> bytes:
        tx.execute(tables.subnet.update().values(name="held"))
        tx.execute(select(tables.subnet.c.pk).with_for_update())
        return small.allocator.allocate(tx, small.subnet, small.ports[0])

    assert unpack(small.database.write(lock_then_allocate)) in SIX


def test_changed_pools_are_the_only_ones_given_from_by_every_process(
    ground: Callable[..., Ground],
) -> None:
    subnet = ground("10.0.0.1-10.0.0.200")
    other = subnet.another_process()
    kept = {subnet.allocate(by=other), subnet.allocate(), "10.0.0.150"}
    subnet.claim("10.0.0.150")
    subnet.change_pools("10.0.0.148-10.0.0.152", "10.0.1.1-10.0.1.2")
    given = [subnet.allocate(by=other), *subnet.fill(), *subnet.fill(by=other)]
    assert sorted(given) == [
        *("10.0.0.148", "10.0.0.149", "10.0.0.151", "10.0.0.152", "10.0.1.1", "10.0.1.2")
    ]
    assert kept < set(subnet.owned())


def test_pools_widened_over_a_used_part_give_only_what_is_free(
    ground: Callable[..., Ground],
) -> None:
    subnet = ground("10.0.0.1-10.0.8.0")
    used = subnet.allocate_many(2000)
    subnet.change_pools("10.0.0.1-10.0.8.9")
    assert not set(used) & set(rest := subnet.fill())
    assert len(rest) == 57


def test_a_subnet_whose_pools_went_gives_nothing(small: Ground) -> None:
    small.allocate()
    small.change_pools()
    with pytest.raises(IpAddressGenerationFailure):
        small.allocate()


def delete_subnet(ground: Ground) -> None:
    def close_and_delete(tx: Transaction) -> None:
        ground.allocator.close_pools(tx, ground.subnet)
        tx.execute(delete(tables.subnet).where(tables.subnet.c.pk == ground.subnet))

    ground.database.write(close_and_delete)


def test_a_deleted_subnet_leaves_no_row_and_another_process_hears_of_it(small: Ground) -> None:
    other = small.another_process()
    small.release(small.allocate(by=other))
    delete_subnet(small)
    for table in (tables.ip_address, tables.ip_candidates, tables.ip_cursor):
        assert small.count(table) == 0
    for process in (None, other):
        with pytest.raises(SubnetNotFound):
            small.allocate(by=process)
        with pytest.raises(SubnetNotFound):
            small.allocate_many(2, by=process)


def test_a_subnet_with_an_owned_address_cannot_be_deleted(small: Ground) -> None:
    small.allocate()
    with pytest.raises(IntegrityError) as refusal:
        delete_subnet(small)
    assert is_foreign_key_violation(refusal.value)
    assert len(small.fill()) == 5


@pytest.mark.parametrize("how", ["allocate", "allocate_many", "claim"])
def test_an_owner_that_does_not_exist_gets_nothing(small: Ground, how: str) -> None:
    def work(tx: Transaction) -> Any:
        match how:
            case "allocate":
                return small.allocator.allocate(tx, small.subnet, 987654)
            case "allocate_many":
                return small.allocator.allocate_many(tx, small.subnet, [987654, 987655])
        return small.allocator.claim(tx, small.subnet, pack("10.0.0.1"), 987654)

    with pytest.raises(IntegrityError) as refusal:
        small.database.write(work)
    assert is_foreign_key_violation(refusal.value)
    assert sorted(small.fill()) == SIX


def test_old_lists_become_free_addresses_and_their_process_carries_on(
    ground: Callable[..., Ground],
) -> None:
    subnet = ground("10.0.0.1-10.0.0.100")
    subnet.allocate()
    subnet.clock.seconds += 100
    assert subnet.allocator.revoke_stale(101) == 0
    assert subnet.allocator.revoke_stale(99) == 1
    assert subnet.count(tables.ip_candidates) == 0
    assert len(subnet.fill()) == 99


def test_addresses_free_for_a_day_are_reused_before_new_ones(
    ground: Callable[..., Ground],
) -> None:
    subnet = ground("2001:db8::1-2001:db8::ffff:ffff:ffff:ffff")
    given = subnet.allocate_many(64)
    for address in given:
        subnet.release(address)
    subnet.clock.seconds += 60 + 86400
    again = {subnet.allocate(by=subnet.another_process()) for _ in range(1)}
    assert again <= set(given)


def test_eight_threads_share_one_allocator_and_fill_a_pool(ground: Callable[..., Ground]) -> None:
    subnet = ground("10.0.0.1-10.0.0.240")
    given: list[str] = []
    threads = [Thread(target=lambda: given.extend(subnet.fill())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(given) == len(set(given)) == 240

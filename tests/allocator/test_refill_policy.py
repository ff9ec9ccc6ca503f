from hypothesis import given
from hypothesis import strategies as st

from ipam.allocator import ranges, refill_policy
from ipam.model import pack


@given(st.integers(1, 5000), st.integers(1, 10**7))
def test_a_share_is_never_nothing_and_never_more_than_there_is(wanted: int, there: int) -> None:
    for share in (
        refill_policy.share_of_unused,
        refill_policy.share_of_released,
        refill_policy.share_of_seized,
    ):
        assert 1 <= share(wanted, there) <= there


def test_the_last_addresses_of_a_small_pool_are_taken_one_by_one() -> None:
    assert [refill_policy.share_of_unused(1, left) for left in (254, 14, 6, 2, 1)] == [
        63,
        3,
        1,
        1,
        1,
    ]


def test_a_list_is_large_only_where_many_are_free() -> None:
    assert [refill_policy.share_of_unused(1, left) for left in (10**24, 65534, 4094, 1022)] == [
        256,
        256,
        64,
        64,
    ]
    assert [refill_policy.share_of_released(1, found) for found in (256, 255, 64, 63, 7)] == [
        256,
        64,
        64,
        7,
        1,
    ]


def test_a_batch_takes_what_it_needs_even_from_a_small_pool() -> None:
    assert refill_policy.share_of_unused(100, 120) == 100


@given(st.integers(1, 10**7), st.integers(1, 10**24))
def test_no_list_is_longer_than_its_column(wanted: int, remaining: int) -> None:
    assert refill_policy.share_of_unused(wanted, remaining) <= refill_policy.LONGEST_LIST
    assert refill_policy.LONGEST_LIST * 16 + 1 <= 65535


def test_only_a_large_pool_is_cut_into_shards() -> None:
    def count(last: str) -> int:
        return len(refill_policy.shards([(pack("10.0.0.1"), pack(last))]))

    assert [count(last) for last in ("10.0.0.2", "10.0.0.254", "10.0.15.254")] == [1, 1, 3]
    assert count("10.255.255.254") == refill_policy.SHARDS


def test_the_shards_of_several_pools_have_numbers_of_their_own() -> None:
    pools = [(pack("10.0.0.1"), pack("10.0.9.9")), (pack("10.1.0.1"), pack("10.1.0.9"))]
    cursors = refill_policy.shards(pools)
    assert [cursor.shard for cursor in cursors] == [0, 1, 2]
    assert sum(ranges.size(cursor.pool) for cursor in cursors) == sum(map(ranges.size, pools))

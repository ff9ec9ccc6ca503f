from random import Random

from hypothesis import given
from hypothesis import strategies as st

from ipam.allocator import ranges
from ipam.allocator.ranges import AddressRange
from ipam.model import pack


@st.composite
def pools(draw: st.DrawFn, longest: int = 300) -> AddressRange:
    width = draw(st.sampled_from([4, 16]))
    top = 2 ** (8 * width) - 1
    first = draw(st.one_of(st.integers(0, top), st.integers(top - longest, top)))
    last = draw(st.integers(first, min(top, first + longest)))
    return first.to_bytes(width, "big"), last.to_bytes(width, "big")


@given(pools())
def test_a_range_has_as_many_addresses_as_its_size_says_all_of_them_inside(
    pool: AddressRange,
) -> None:
    listed = list(ranges.addresses(pool))
    assert len(set(listed)) == len(listed) == ranges.size(pool)
    assert listed == sorted(listed)
    assert all(ranges.contains([pool], address) for address in listed)


@given(pools(), st.integers(1, 20))
def test_split_covers_a_range_once_in_pieces_of_even_size(pool: AddressRange, parts: int) -> None:
    pieces = ranges.split(pool, parts)
    together = [address for piece in pieces for address in ranges.addresses(piece)]
    assert together == list(ranges.addresses(pool))
    sizes = [ranges.size(piece) for piece in pieces]
    assert len(pieces) == min(parts, ranges.size(pool))
    assert max(sizes) - min(sizes) <= 1


@given(pools(), st.integers(1, 100), st.integers(1, 100), st.randoms())
def test_taking_until_nothing_is_left_gives_every_unused_address_once(
    pool: AddressRange, window: int, wanted: int, random: Random
) -> None:
    listed = list(ranges.addresses(pool))
    used = set(random.sample(listed, random.randint(0, len(listed))))
    taken: list[bytes] = []
    rest: AddressRange | None = pool
    while rest is not None:
        found, rest = ranges.take(rest, window, used, wanted)
        assert len(found) <= wanted
        taken += found
    assert taken == [address for address in listed if address not in used]


@given(pools())
def test_joined_addresses_part_into_the_same(pool: AddressRange) -> None:
    listed = list(ranges.addresses(pool))
    assert ranges.part(ranges.join(listed)) == listed


def test_the_address_after_one_carries_over_bytes() -> None:
    assert ranges.after(pack("10.0.0.255")) == pack("10.0.1.0")
    assert ranges.after(pack("2001:db8::ffff"), 2) == pack("2001:db8::1:1")


def test_the_last_address_of_all_can_be_taken() -> None:
    pool = (pack("255.255.255.254"), pack("255.255.255.255"))
    assert ranges.take(pool, 64, set(), 64) == (list(pool), None)

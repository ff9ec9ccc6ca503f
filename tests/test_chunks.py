from hypothesis import given
from hypothesis import strategies as st

from ipam.chunks import chunks


@given(st.lists(st.integers()), st.integers(1, 7))
def test_the_parts_are_the_whole_in_its_order(values: list[int], most: int) -> None:
    assert [value for part in chunks(values, most) for value in part] == values


@given(st.lists(st.integers()), st.integers(1, 7))
def test_no_part_is_empty_or_too_long_and_only_the_last_is_shorter(
    values: list[int], most: int
) -> None:
    lengths = [len(part) for part in chunks(values, most)]
    assert all(length == most for length in lengths[:-1])
    assert all(0 < length <= most for length in lengths[-1:])

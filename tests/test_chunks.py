from hypothesis import given
from hypothesis import strategies as st

from ipam.chunks import MOST_PARAMETERS, alternatives, chunks, padded


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


@given(st.lists(st.integers(), min_size=1))
def test_padding_adds_nothing_new_and_leaves_few_lengths(values: list[int]) -> None:
    longer = padded(values)
    assert list(longer[: len(values)]) == values
    assert set(longer) == set(values)
    assert len(longer).bit_count() == 1
    assert len(longer) < 2 * len(values)


def test_alternatives_of_any_number_have_few_lengths_and_none_too_long() -> None:
    lengths = {
        len(part) for count in range(3 * MOST_PARAMETERS) for part in alternatives(range(count))
    }
    assert lengths == {2**power for power in range(10)} | {MOST_PARAMETERS}

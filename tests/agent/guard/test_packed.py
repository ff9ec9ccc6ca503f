"""Packed elements are the set that they were made of."""

from hypothesis import given
from hypothesis import strategies as st

from ipam.agent.guard.packed import Packed

ELEMENTS = st.sets(
    st.tuples(
        st.sampled_from(["taps", "guarded", "macs", "v4", "v6"]),
        st.sampled_from(["", "fa:16:3e:00:00:01", "fa:16:3e:00:00:01 . 10.0.0.5", "0x1"]),
    )
)


@given(ELEMENTS, ELEMENTS)
def test_packed_elements_are_as_the_set_of_them(
    one: set[tuple[str, str]], other: set[tuple[str, str]]
) -> None:
    packed = Packed(one)
    assert {*packed} == one == packed
    assert packed == one
    assert len(packed) == len(one)
    assert bool(packed) == bool(one)
    assert hash(packed) == hash(frozenset(one))
    assert (packed == Packed(other)) is (frozenset(one) == Packed(other)) is (one == other)
    assert [each in packed for each in other] == [each in one for each in other]
    assert packed - other == one - other == frozenset(one) - Packed(other)
    assert packed | other == one | other == frozenset(one) | Packed(other)
    assert packed & other == one & other


def test_what_is_no_element_is_not_in_it() -> None:
    text: object = "taps"
    assert text not in Packed([("taps", "")])
    assert ("tap", "") not in Packed([("taps", "")])
    assert ("taps", "x") not in Packed([("taps", "")])
    assert ("", "") not in Packed()

"""What a wake says, and what is made of one that cannot be read."""

import pytest

from ipam.protocol.wake_words import LONGEST, MOST_NETWORKS, numbers_of, octets_of

HIGHEST = 2**63 - 1


def test_what_wakes_name_is_read_together() -> None:
    assert numbers_of([octets_of([3, HIGHEST]), octets_of([3, 4])]) == {3, 4, HIGHEST}


def test_the_longest_that_is_said_is_read() -> None:
    most = range(HIGHEST - MOST_NETWORKS, HIGHEST)
    assert len(octets_of(most)) <= LONGEST
    assert numbers_of([octets_of(most)]) == {*most}


def test_too_many_networks_are_all_networks() -> None:
    assert octets_of(range(MOST_NETWORKS + 1)) == b""
    assert numbers_of([octets_of([one]) for one in range(MOST_NETWORKS + 1)]) == frozenset()


@pytest.mark.parametrize("octets", [b"", b" ", b"1 x", b"-1", b"1.5", b"\xb2", b"1" * 2000])
def test_a_wake_that_names_nothing_is_about_everything(octets: bytes) -> None:
    assert numbers_of([octets_of([1]), octets]) == frozenset()

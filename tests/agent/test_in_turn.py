"""Some of many in each look."""

import itertools

import pytest

from ipam.agent.in_turn import InTurn

LOOKS = 6


@pytest.mark.parametrize("count", [1, 5, 6, 8, 12, 100])
def test_all_have_their_turn_once_in_a_round(count: int) -> None:
    every = [str(number) for number in range(count)]
    turns = InTurn(LOOKS)
    found = [turns.some(every) for _ in range(min(count, LOOKS))]
    assert list(itertools.chain(*found)) == every
    assert max(map(len, found)) <= count / LOOKS + 1
    assert turns.some(every)[0] == "0"


def test_there_may_be_nobody() -> None:
    assert InTurn(LOOKS).some([]) == []


def test_who_comes_meanwhile_is_in_the_next_round() -> None:
    turns = InTurn(LOOKS)
    found = [turns.some(["a", "b"]), *(turns.some(["a", "b", "c"]) for _ in range(4))]
    assert found == [["a"], ["b"], ["a"], ["b"], ["c"]]

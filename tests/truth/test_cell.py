"""The choice of cells: every pair of two values is tried, in whatever third."""

from itertools import product

import pytest

from tests.truth.cell import chosen
from tests.truth.changes import CHANGES
from tests.truth.machine import CLIENTS
from tests.truth.states import STATES


@pytest.mark.parametrize("every", [False, True])
def test_every_change_and_every_state_meets_every_client(every: bool) -> None:
    cells = chosen(every=every)
    assert {(change, client) for _, change, client in cells} == set(product(CHANGES, CLIENTS))
    assert {(state, client) for state, _, client in cells} == set(product(STATES, CLIENTS))


def test_every_change_meets_every_state_once_where_all_are_tried() -> None:
    pairs = [(state, change) for state, change, _ in chosen(every=True)]
    assert sorted(pairs) == sorted(product(STATES, CHANGES))

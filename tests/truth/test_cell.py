"""The choice of cells: which clients meet which states and changes."""

from itertools import product

import pytest

from tests.truth.cell import chosen
from tests.truth.changes import CHANGES
from tests.truth.machine import CLIENTS
from tests.truth.states import STATES


@pytest.mark.parametrize("every", [False, True])
def test_every_state_meets_every_client(every: bool) -> None:
    found = {(state, client) for state, _, client in chosen(every=every)}
    assert found == set(product(STATES, CLIENTS))


def test_every_change_meets_every_client_where_all_are_tried() -> None:
    found = {(change, client) for _, change, client in chosen(every=True)}
    assert found == set(product(CHANGES, CLIENTS))


def test_every_change_meets_every_state_once_where_all_are_tried() -> None:
    pairs = [(state, change) for state, change, _ in chosen(every=True)]
    assert sorted(pairs) == sorted(product(STATES, CHANGES))

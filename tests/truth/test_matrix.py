"""A state, a change, and a real client asks again: the API is as right as the client finds it."""

import os
from collections.abc import Iterator
from itertools import product

import pytest

from tests.truth.cell import run_cell
from tests.truth.changes import CHANGES
from tests.truth.site import Site
from tests.truth.states import STATES

pytestmark = [pytest.mark.root, pytest.mark.system]

EVERY_CELL = bool(os.environ.get("IPAM_TEST_EVERY_CELL"))


def chosen() -> list[tuple[str, str]]:
    """Each change in two states, so that every state sees a spread of changes; or every cell."""
    if EVERY_CELL:
        return list(product(STATES, CHANGES))
    states = list(STATES)
    return [
        (states[(number * step + step // 2) % len(states)], change)
        for number, change in enumerate(CHANGES)
        for step in (1, 3)
    ]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    if os.geteuid() != 0:
        pytest.skip("needs root: it makes namespaces and bridges")
    one = Site()
    one.start()
    try:
        yield one
    finally:
        one.close()


@pytest.mark.parametrize(("state", "change"), chosen())
def test_what_the_api_says_is_what_the_machine_gets(site: Site, state: str, change: str) -> None:
    outcome = run_cell(site, state, change)
    assert not outcome.fault, f"{outcome}\n{site.log()[-3000:]}"

"""The faults that tell most, under load: no lease is lost or invented, none without history."""

import os
import random
from collections.abc import Iterator

import pytest

from tests.outages.campaign import run_round
from tests.outages.place import Place
from tests.waiting import PATIENCE_SECONDS

pytestmark = [pytest.mark.root, pytest.mark.system]


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    if os.geteuid() != 0:
        pytest.skip("needs root: it makes namespaces and bridges")
    one = Place("sqlite")
    try:
        one.start()
        yield one
    finally:
        one.close()


@pytest.mark.parametrize(
    "fault",
    ["everything killed", "hook stopped", "disk full"],
)
def test_the_records_are_right_after_a_fault(place: Place, fault: str) -> None:
    chance = random.Random(fault)
    outcome = run_round(place, fault, chance, machines=18, patience=PATIENCE_SECONDS)
    assert not outcome.verdict, f"{outcome}\n{place.said()}"

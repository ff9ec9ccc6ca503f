"""Which networks a turn looks at."""

import math
from collections.abc import Mapping

import msgspec

from ipam.agent.focus import BEFORE_ALL_SECONDS, LONGEST_SECONDS, MOST, Focus
from ipam.protocol.dhcp_state import FullNetwork
from tests.agent.loop_host import network_id, row

ALL: frozenset[str] = frozenset()


def networks(*numbers: int) -> dict[str, FullNetwork]:
    return {network_id(one): msgspec.convert(row(one), FullNetwork) for one in numbers}


def after_a_look_at_all() -> Focus:
    focus = Focus()
    assert focus.networks(0.0) == ALL
    assert focus.looked(ALL, acted=True) == math.inf
    return focus


def changed(before: Mapping[str, FullNetwork], *numbers: int) -> dict[str, FullNetwork]:
    return {**before, **networks(*numbers)}


def test_all_is_looked_at_first() -> None:
    before = networks(1, 2)
    focus = Focus()
    focus.change(before, changed(before, 1), 0.0)
    assert focus.networks(0.0) == ALL


def test_what_has_changed_is_looked_at_until_there_is_nothing_to_do() -> None:
    before, focus = networks(1, 2, 3), after_a_look_at_all()
    focus.change(before, changed(before, 2), 10.0)
    for _ in range(3):
        assert focus.networks(10.0) == {network_id(2)}
        assert focus.looked(focus.networks(10.0), acted=True) == BEFORE_ALL_SECONDS
    assert focus.looked(focus.networks(10.0), acted=False) == BEFORE_ALL_SECONDS
    assert focus.networks(10.0) == ALL


def test_changes_without_end_do_not_keep_a_turn_from_looking_at_all() -> None:
    seen, focus = networks(1, 2, 3), after_a_look_at_all()
    now, looks = 10.0, []
    for number in range(20):
        before, seen = seen, changed(seen, number % 3 + 1)
        focus.change(before, seen, now)
        looks.append(focus.networks(now))
        focus.looked(looks[-1], acted=number % 2 == 0)
        now += LONGEST_SECONDS / 5
    assert looks.count(ALL) >= 2
    assert ALL in looks[:8]


def test_a_network_that_comes_or_goes_has_all_looked_at() -> None:
    one, two = networks(1), networks(1, 2)
    for before, after in (
        (one, {**one, **networks(2)}),
        (two, {network_id(1): two[network_id(1)]}),
    ):
        focus = after_a_look_at_all()
        focus.change(before, after, 0.0)
        assert focus.networks(0.0) == ALL


def test_many_changes_have_all_looked_at() -> None:
    numbers = range(1, MOST + 3)
    before, focus = networks(*numbers), after_a_look_at_all()
    after = changed(before, *numbers[:MOST])
    focus.change(before, after, 0.0)
    assert len(focus.networks(0.0)) == MOST
    focus.change(after, changed(after, numbers[-1]), 0.0)
    assert focus.networks(0.0) == ALL


def test_an_answer_that_changes_nothing_has_nothing_looked_at_first() -> None:
    before, focus = networks(1, 2), after_a_look_at_all()
    focus.change(before, dict(before), 0.0)
    assert focus.networks(0.0) == ALL

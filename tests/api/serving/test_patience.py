from collections.abc import Hashable
from dataclasses import dataclass

import pytest

from ipam.api.serving import patience
from ipam.api.serving.patience import Reading


@dataclass
class Connection:
    origin: Hashable
    waits_since: float | None


@pytest.mark.parametrize(
    ("connections", "leaving"),
    [
        ([("a", 2.0), ("b", 1.0), ("c", 3.0)], 1),
        ([("a", 1.0), ("b", 3.0), ("b", 2.0), ("a", 4.0), ("b", 5.0)], 2),
        ([("a", 1.0), ("b", None), ("b", None)], 2),
        ([("a", None), ("b", None), ("b", 9.0)], 2),
        ([("a", None), ("b", None)], 1),
        ([("a", 1.0), ("a", 1.0)], 0),
    ],
    ids=[
        "of equals the one that waits longest",
        "of the origin with most",
        "another's idle one never gives way to somebody's work",
        "one that works stays",
        "if all work, the newest",
        "of one age the first",
    ],
)
def test_the_right_connection_gives_way(
    connections: list[tuple[str, float | None]], leaving: int
) -> None:
    all_of_them = [Connection(*each) for each in connections]
    assert patience.who_gives_way(all_of_them) is all_of_them[leaving]


def test_a_request_that_has_begun_is_waited_for_a_shorter_time_than_the_next_one() -> None:
    begun_ends = patience.REQUEST_SECONDS + 1
    assert not patience.is_overdue(0, patience.REQUEST_SECONDS, has_begun=True)
    assert patience.is_overdue(0, begun_ends, has_begun=True)
    assert not patience.is_overdue(0, begun_ends, has_begun=False)
    assert patience.is_overdue(0, patience.IDLE_SECONDS + 1, has_begun=False)


def test_a_slow_reader_is_judged_when_the_window_is_over() -> None:
    end = patience.ANSWER_SECONDS
    enough = patience.ANSWER_BYTES
    assert not patience.is_too_slow(Reading(0, 100), Reading(end - 1, 100))
    assert patience.is_too_slow(Reading(0, 100), Reading(end, 100 + enough - 1))
    assert not patience.is_too_slow(Reading(0, 100), Reading(end, 100 + enough))

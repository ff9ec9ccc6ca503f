from collections.abc import Hashable
from dataclasses import dataclass

import pytest

from ipam.api.serving.fair_queue import FairQueue


@dataclass
class Task:
    origin: Hashable
    number: int = 0


def test_origins_take_turns_and_each_keeps_its_order() -> None:
    queue = FairQueue()
    for number in range(3):
        queue.append(Task("many", number))
    queue.append(Task("one"))
    assert len(queue) == 4
    taken = [queue.popleft() for _ in range(4)]
    assert taken == [Task("many", 0), Task("one"), Task("many", 1), Task("many", 2)]
    assert not queue


def test_who_comes_later_waits_for_one_task_of_each_other() -> None:
    queue = FairQueue()
    for origin in ("a", "b"):
        for number in range(9):
            queue.append(Task(origin, number))
    queue.popleft()
    queue.append(Task("late"))
    assert "late" in {queue.popleft().origin for _ in range(3)}


def test_an_empty_queue_gives_nothing() -> None:
    with pytest.raises(IndexError):
        FairQueue().popleft()

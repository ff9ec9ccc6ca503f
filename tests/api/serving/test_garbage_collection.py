import gc
import threading
import weakref

import pytest

from ipam.api.serving import garbage_collection
from tests.waiting import eventually


class Knot:
    def __init__(self) -> None:
        self.itself = self


def test_garbage_that_python_takes_for_old_is_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage_collection, "TIDY_SECONDS", 0.01)
    knot = Knot()
    gc.collect()  # now it is old
    seen = weakref.ref(knot)
    del knot
    stopped = threading.Event()
    tidying = threading.Thread(target=garbage_collection.tidy_until, args=(stopped,))
    tidying.start()
    try:
        eventually(lambda: seen() is None, "the old garbage is collected")
    finally:
        stopped.set()
        tidying.join()
        gc.unfreeze()


def turns_until_left_out_garbage_is_gone(monkeypatch: pytest.MonkeyPatch) -> int:
    """Tidyings, each of which leaves out an object that is garbage at the next one."""
    monkeypatch.setattr(garbage_collection, "OLD", 0)
    knot = Knot()
    seen = weakref.ref(knot)
    looks = []

    class Stopped(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            nonlocal knot
            looks.append(seen() is not None)
            knot = Knot()  # the other one is garbage, and was left out
            monkeypatch.setattr(gc, "get_stats", lambda: [{"collections": len(looks)}])
            return timeout is None or not looks[-1] or len(looks) > 100

    try:
        gc.collect()
        gc.freeze()
        garbage_collection.tidy_until(Stopped())
    finally:
        gc.unfreeze()
    assert not looks[-1]
    return len(looks) - 1


def test_what_was_left_out_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = turns_until_left_out_garbage_is_gone(monkeypatch)
    assert turns == garbage_collection.WHOLE_TURNS


def test_where_much_was_left_out_all_is_looked_at_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage_collection, "LEFT_OUT", 1)
    turns = turns_until_left_out_garbage_is_gone(monkeypatch)
    assert turns == garbage_collection.WHOLE_TURNS_AT_LEAST


def test_nothing_is_collected_where_nothing_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    collected: list[int] = []
    monkeypatch.setattr(gc, "collect", lambda: collected.append(1))
    monkeypatch.setattr(gc, "get_stats", lambda: [{"collections": 7}])
    turns = iter([False, False, False, True])

    class Stopped(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            return timeout is None or next(turns)

    garbage_collection.tidy_until(Stopped())
    assert collected == [1]

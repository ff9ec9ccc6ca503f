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


def test_what_was_left_out_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
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
            return timeout is None or len(looks) > garbage_collection.WHOLE_TURNS

    try:
        gc.collect()
        gc.freeze()
        garbage_collection.tidy_until(Stopped())
    finally:
        gc.unfreeze()
    assert looks == [True] * garbage_collection.WHOLE_TURNS + [False]


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

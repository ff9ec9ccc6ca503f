import pytest

from ipam.identity import known_callers
from ipam.identity.caller import Caller
from ipam.identity.known_callers import KnownCallers

ANN, BOB = Caller("ann", "p1", "reader"), Caller("bob", "p1", "admin")


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_each_caller_is_known_until_its_own_time() -> None:
    clock = Clock()
    known = KnownCallers(clock)
    known.remember(b"a", ANN, 10)
    known.remember(b"b", BOB, 1.5)
    clock.now += 1.5
    assert (known.recall(b"a"), known.recall(b"b")) == (ANN, None)
    clock.now += 8.5
    assert known.recall(b"a") is None


def test_a_caller_that_is_remembered_again_has_its_new_time() -> None:
    clock = Clock()
    known = KnownCallers(clock)
    known.remember(b"a", ANN, 1)
    known.remember(b"a", ANN, 10)
    clock.now += 9
    assert known.recall(b"a") == ANN


def test_a_caller_of_no_seconds_is_not_known() -> None:
    known = KnownCallers(Clock())
    known.remember(b"a", ANN, 0)
    assert known.recall(b"a") is None
    assert len(known) == 0


def test_those_who_come_again_stay_when_too_many_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_callers, "CALLERS_KEPT", 2)
    known = KnownCallers(Clock())
    known.remember(b"a", ANN, 10)
    known.remember(b"b", BOB, 10)
    assert known.recall(b"a") == ANN
    known.remember(b"c", BOB, 10)
    assert [known.recall(key) for key in (b"a", b"b", b"c")] == [ANN, None, BOB]

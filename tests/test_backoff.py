"""After each failure the wait is longer, up to a bound."""

import pytest

from ipam.backoff import Backoff


def test_the_wait_doubles_with_each_failure_up_to_the_longest() -> None:
    backoff = Backoff(0.5, 3.0)
    assert [backoff.seconds(failures) for failures in range(1, 6)] == [0.5, 1.0, 2.0, 3.0, 3.0]


@pytest.mark.parametrize("failures", [100, 10_000, 10**9])
def test_no_number_of_failures_is_too_large(failures: int) -> None:
    assert Backoff(0.5, 600.0).seconds(failures) == 600.0


def test_a_random_wait_lies_below_the_plain_one_and_is_not_always_the_same() -> None:
    backoff = Backoff(0.5, 3.0)
    waits = {backoff.random_seconds(3) for _ in range(100)}
    assert all(0 <= wait <= backoff.seconds(3) for wait in waits)
    assert len(waits) > 50

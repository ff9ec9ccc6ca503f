import logging

import pytest

from ipam.identity import failed_logins
from ipam.identity.failed_logins import FailedLogins, Failures, seconds_left


@pytest.mark.parametrize(
    ("number", "elapsed", "left"),
    [(0, 0, 0), (4, 0, 0), (5, 0, 1), (6, 0, 2), (6, 1.5, 0.5), (6, 3, 0), (11, 0, 60)],
)
def test_the_delay_doubles_up_to_a_minute(number: int, elapsed: float, left: float) -> None:
    assert seconds_left(Failures(number, 100.0), 5, 100.0 + elapsed) == left


def test_any_number_of_failures_is_a_minute() -> None:
    assert seconds_left(Failures(10**9, 0.0), 5, 0.0) == failed_logins.LONGEST_SECONDS


def test_a_success_forgets_the_failures_of_the_name(caplog: pytest.LogCaptureFixture) -> None:
    failed = FailedLogins(lambda: 0.0)
    for _ in range(failed_logins.FREE_OF_NAME):
        failed.failed("ann", "10.0.0.1")
    assert failed.delay("ann", "10.0.0.1") == 1
    failed.succeeded("ann")
    assert failed.delay("ann", "10.0.0.1") == 0


def test_failures_are_forgotten_after_a_while() -> None:
    now = 0.0
    failed = FailedLogins(lambda: now)
    for _ in range(20):
        failed.failed("ann", "10.0.0.1")
    now = failed_logins.FORGOTTEN_SECONDS
    assert failed.delay("ann", "10.0.0.1") == 0


def test_the_tables_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failed_logins, "KEPT", 3)
    failed = FailedLogins(lambda: 0.0)
    for number in range(9):
        failed.failed(f"user-{number}", f"10.0.0.{number}")
    assert (len(failed._of_names), len(failed._of_addresses)) == (3, 3)


def test_a_flood_of_failures_is_a_few_lines(caplog: pytest.LogCaptureFixture) -> None:
    failed = FailedLogins(lambda: 0.0)
    with caplog.at_level(logging.WARNING):
        for _ in range(failed_logins.FREE_OF_ADDRESS * 8):
            failed.failed("ann", "10.0.0.1")
    said = [record.getMessage() for record in caplog.records]
    assert said[0] == "5 logins of 'ann' failed, the last from 10.0.0.1"
    of_address = [line for line in said if "logins from" in line]
    assert [int(line.split()[0]) for line in of_address] == [10, 20, 40, 80]

"""The outcomes of events after each kind of answer, and the size of the next batch."""

import pytest

from ipam.compute.delivery import (
    BATCH_EVENTS,
    Done,
    Drop,
    Pace,
    RequestRefused,
    Retry,
    after_answer,
    after_failure,
    failure,
    grouped,
)
from ipam.errors import ServiceUnavailable
from ipam.rules.nova_events import CHANGED, DELETED, PLUGGED, UNPLUGGED, ComputeEvent
from ipam.store.compute_events import Claimed

SERVER = "11111111-2222-4333-8444-555555555555"
DAY_US = 86_400_000_000
NOW_US = 10 * DAY_US
AWAY = ServiceUnavailable("Nova does not answer")
REFUSED = RequestRefused("Nova answers with HTTP 500")


def claimed(name: str = PLUGGED, *, attempts: int = 1, age_us: int = 0, pk: int = 1) -> Claimed:
    return Claimed(pk, ComputeEvent(name, SERVER, "p"), NOW_US - age_us, attempts, "before")


@pytest.mark.parametrize("name", [PLUGGED, UNPLUGGED, DELETED, CHANGED])
def test_an_event_that_nova_took_is_done(name: str) -> None:
    assert after_answer(claimed(name), 200, now_us=NOW_US) == Done()


@pytest.mark.parametrize("name", [PLUGGED, CHANGED])
def test_an_event_for_a_server_that_is_gone_is_dropped(name: str) -> None:
    outcome = after_answer(claimed(name), 404, now_us=NOW_US)
    assert isinstance(outcome, Drop)
    assert SERVER in outcome.why


@pytest.mark.parametrize("name", [DELETED, UNPLUGGED])
def test_nothing_is_lost_when_a_server_goes_before_its_interface(name: str) -> None:
    assert after_answer(claimed(name), 404, now_us=NOW_US) == Done()


def test_what_nova_finds_malformed_is_dropped() -> None:
    assert isinstance(after_answer(claimed(), 400, now_us=NOW_US), Drop)


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [(1, 0.5), (2, 1), (3, 2), (4, 4), (5, 8), (6, 10), (30, 10), (31, 600)],
)
def test_a_server_without_a_host_is_asked_for_again_soon(attempts: int, seconds: float) -> None:
    outcome = after_answer(claimed(attempts=attempts), 422, now_us=NOW_US)
    assert outcome == Retry(seconds, "the server has no host yet")


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 0.5), (7, 30), (1000, 30)])
def test_a_code_that_nobody_knows_is_tried_again(attempts: int, seconds: float) -> None:
    outcome = after_answer(claimed(attempts=attempts), 599, now_us=NOW_US)
    assert outcome == Retry(seconds, "Nova gives it the code 599")


@pytest.mark.parametrize("code", [422, 599])
def test_an_event_is_given_up_after_a_day_and_no_sooner(code: int) -> None:
    young = after_answer(claimed(attempts=9000, age_us=DAY_US), code, now_us=NOW_US)
    old = after_answer(claimed(attempts=9000, age_us=DAY_US + 1), code, now_us=NOW_US)
    assert isinstance(young, Retry)
    assert isinstance(old, Drop)
    assert after_answer(claimed(age_us=DAY_US + 1), 200, now_us=NOW_US) == Done()


@pytest.mark.parametrize("error", [AWAY, REFUSED])
def test_a_failure_of_the_request_is_no_end_before_a_day(error: ServiceUnavailable) -> None:
    pace = Pace().failed(error, 1)
    young = after_failure(claimed(age_us=DAY_US), error, pace, now_us=NOW_US)
    old = after_failure(claimed(age_us=DAY_US + 1), error, pace, now_us=NOW_US)
    assert young == Retry(0.5, str(error))
    assert isinstance(old, Drop)


def test_while_nova_is_away_one_event_tries_it_ever_more_rarely() -> None:
    pace, seen = Pace(), []
    assert (pace.limit, pace.wait_seconds) == (BATCH_EVENTS, 0)
    for _ in range(9):
        pace = pace.failed(AWAY, 1)
        seen.append(pace.wait_seconds)
        assert pace.limit == 1
    assert seen == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    again = after_failure(claimed(attempts=1), AWAY, pace, now_us=NOW_US)
    assert again == Retry(30, str(AWAY))
    pace = pace.heard()
    assert (pace.limit, pace.wait_seconds) == (BATCH_EVENTS, 0)


def test_a_batch_that_is_refused_goes_again_one_by_one_at_once() -> None:
    pace = Pace().failed(REFUSED, 3)
    assert (pace.limit, pace.wait_seconds) == (1, 0)
    assert after_failure(claimed(), REFUSED, pace, now_us=NOW_US) == Retry(0, "before")
    pace = pace.heard()
    assert pace.limit == 1
    pace = pace.failed(REFUSED, 1)
    assert (pace.limit, pace.wait_seconds) == (1, 0)
    alone = after_failure(claimed(attempts=3), REFUSED, pace, now_us=NOW_US)
    assert alone == Retry(2, str(REFUSED))
    assert pace.heard().limit == BATCH_EVENTS


def test_a_nova_that_refuses_everything_is_not_hammered() -> None:
    pace, waits = Pace().failed(REFUSED, 100), []
    for _ in range(10):
        pace = pace.failed(REFUSED, 1)
        waits.append(pace.wait_seconds)
        assert pace.limit == 1
    assert waits == [0, 0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_an_event_asked_for_twice_is_sent_once() -> None:
    rows = [claimed(PLUGGED, pk=1), claimed(CHANGED, pk=2), claimed(PLUGGED, pk=3)]
    groups = grouped(rows)
    assert [event.name for event in groups] == [PLUGGED, CHANGED]
    assert [[row.pk for row in each] for each in groups.values()] == [[1, 3], [2]]


@pytest.mark.parametrize(
    ("status", "refused", "word"),
    [
        (400, True, "HTTP 400"),
        (413, True, "HTTP 413"),
        (500, True, "HTTP 500"),
        (300, True, "HTTP 300"),
        (401, False, "auth_url"),
        (403, False, "role service"),
        (404, False, "endpoint"),
        (429, False, "HTTP 429"),
        (502, False, "HTTP 502"),
        (503, False, "HTTP 503"),
        (504, False, "HTTP 504"),
    ],
)
def test_an_answer_to_the_whole_request_says_what_to_do(
    status: int, refused: bool, word: str
) -> None:
    error = failure(status, "http://nova.example.org/v2.1")
    assert isinstance(error, RequestRefused) == refused
    assert word in str(error)

"""The judges of an attack: each fault is seen, and what a service may do is not called one."""

import pytest

from tests.hostile.log_reading import read_log
from tests.hostile.report import waits
from tests.hostile.requests import Request, written
from tests.hostile.verdict import verdict
from tests.hostile.wire import Answer

ASKED = Request("plain", written("GET", "/v2.0/networks"))
ERROR = b'{"NeutronError": {"type": "a", "message": "b", "detail": ""}}'


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (Answer(200), ""),
        (Answer(400, body=ERROR), ""),
        (Answer(400, body=b"<html>"), "misshapen error"),
        (Answer(500, body=ERROR), "server error"),
        (Answer(503, body=ERROR), "server error"),
        (Answer(503, b"HTTP/1.1 503 X\r\nRetry-After: 1\r\n\r\n", ERROR), ""),
        (Answer(501, body=ERROR), "server error"),
        (Answer(0), "no answer"),
        (Answer(0, is_hung=True), "hang"),
        (Answer(200, b"HTTP/1.1 200 OK\r\nFORGED: 1\r\n\r\n"), "split answer"),
    ],
)
def test_an_answer_to_a_whole_request_is_judged(answer: Answer, wrong: str) -> None:
    assert verdict(ASKED, answer) == wrong


def test_who_never_ends_a_request_is_owed_nothing() -> None:
    half = Request("framing", b"GET / HT", is_whole=False, is_legible=False)
    assert verdict(half, Answer(0)) == ""
    assert verdict(half, Answer(0, is_hung=True)) == ""
    assert verdict(half, Answer(500, body=ERROR)) == "server error"


def test_an_unknown_transfer_coding_may_be_said_to_be_unknown() -> None:
    raw = written("POST", "/v2.0/networks", [("Transfer-Encoding", "gzip")])
    assert verdict(Request("framing", raw), Answer(501, body=ERROR)) == ""


def test_a_connection_must_not_go_on_after_a_request_of_doubtful_length() -> None:
    doubtful = Request("framing", b"", is_legible=False, is_ambiguous=True)
    refused = Answer(400, body=ERROR)
    assert verdict(doubtful, refused, Answer(0)) == ""
    assert verdict(doubtful, refused, Answer(404)) == "smuggled"


GOOD = "2026-01-31 12:00:00,123 WARNING ipam.api.http.faults: refused user 'a\\n'\n"


def test_a_log_of_the_service_alone_is_in_order() -> None:
    report = read_log([GOOD, GOOD])
    assert (report.lines, report.forged, report.tracebacks) == (2, 0, 0)
    assert report.longest == len(GOOD) - 1


@pytest.mark.parametrize(
    "line",
    ["FORGED line\n", GOOD.replace("user", "\x1b[31m"), GOOD.replace("user", "\u202e"), "\n"],
)
def test_a_line_that_the_service_did_not_write_is_found(line: str) -> None:
    assert read_log([GOOD, line, GOOD]).forged == 1


def test_a_traceback_is_one_and_no_forgery() -> None:
    lines = ["Traceback (most recent call last):\n", '  File "x"\n', "ValueError: a\n"]
    report = read_log([GOOD, *(f"  {line}" for line in lines), GOOD])
    assert (report.tracebacks, report.forged) == (1, 0)
    assert report.shown == ["'ValueError: a (File \"x\")'"]
    assert read_log([GOOD, *lines]).forged == 2


def test_quantiles_are_those_of_the_times() -> None:
    found = waits([number / 1_000 for number in range(1, 101)])
    assert (found.answers, found.p50_ms, found.p99_ms, found.worst_ms) == (100, 51, 100, 100)

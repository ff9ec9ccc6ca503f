"""Which requests are read, and what their errors look like."""

import json
from typing import Any

import pytest
from waitress.adjustments import Adjustments

from ipam.api.serving.requests import ErrorAnswer, Parser, RequestTimeoutError

POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
OLD_POST = b"POST / HTTP/1.0\r\nConnection: keep-alive\r\n"
BODY = b"\r\n2\r\nhi\r\n0\r\n\r\n"


def parsed(sent: bytes) -> Parser:
    parser = Parser(Adjustments(max_request_body_size=100))
    parser.received(sent)
    return parser


@pytest.mark.parametrize(
    "sent",
    [
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" + BODY,
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" + BODY,
        POST + b"Transfer-Encoding: chunked, chunked\r\n" + BODY,
        POST + b"Transfer-Encoding: chunked\r\ntransfer-encoding: chunked\r\n" + BODY,
        OLD_POST + b"Transfer-Encoding: chunked\r\n" + BODY,
    ],
)
def test_a_body_whose_end_is_not_clear_is_refused(sent: bytes) -> None:
    parser = parsed(sent)
    assert parser.completed
    assert parser.error.code == 400


def test_a_head_that_cannot_be_read_has_no_path_that_the_log_could_miss() -> None:
    parser = parsed(b"GET\x00/ HTTP/1.1\r\n\r\n")
    assert (parser.error.code, parser.path) == (400, "")


@pytest.mark.parametrize("coding", [b"chunked", b" Chunked ", b"\tCHUNKED"])
def test_a_chunked_body_is_read(coding: bytes) -> None:
    head = POST + b"Transfer-Encoding:" + coding + b"\r\n\r\n"
    parser = parsed(head)
    parser.received(BODY[2:])
    assert (parser.error, parser.completed) == (None, True)
    assert parser.get_body_stream().read() == b"hi"


@pytest.mark.parametrize("body", [b"", b"Content-Length: 0\r\n", b"Content-Length: 101\r\n"])
def test_a_request_with_no_body_to_come_is_not_asked_for_more(body: bytes) -> None:
    parser = parsed(POST + b"Expect: 100-continue\r\n" + body + b"\r\n")
    assert parser.completed
    assert not parser.expect_continue


def test_a_request_that_announces_a_body_is_asked_for_it() -> None:
    parser = parsed(POST + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    assert not parser.completed
    assert parser.expect_continue


class Channel:
    """The part of a channel that an answer of waitress uses."""

    def __init__(self) -> None:
        self.server = type("Server", (), {"adj": Adjustments(ident=None)})()
        self.written = b""

    def write_soon(self, data: bytes) -> None:
        self.written += data


def error(sent: bytes) -> Any:
    found = parsed(sent).error
    assert found
    return found


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        (RequestTimeoutError("late"), b"408 ", "HTTPRequestTimeout"),
        (error(POST + b"Transfer-Encoding: gzip\r\n\r\n"), b"501 ", "HTTPNotImplemented"),
        (error(POST + b"X: " + b"y" * 300_000), b"431 ", "HTTPRequestHeaderFieldsTooLarge"),
        (error(POST + b"bad header\r\n\r\n"), b"400 ", "HTTPBadRequest"),
    ],
    ids=["408", "501", "431", "400"],
)
def test_each_error_has_its_type(fault: Any, status: bytes, kind: str) -> None:
    request = parsed(POST)
    request.error = fault
    channel = Channel()
    ErrorAnswer(channel, request).service()
    head, _, body = channel.written.partition(b"\r\n\r\n")
    assert head.split(b" ", 1)[1].startswith(status)
    assert json.loads(body)["NeutronError"]["type"] == kind

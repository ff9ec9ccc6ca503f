"""Requests are told as curl commands that a shell can run, with every secret hidden."""

import json
import shlex
from typing import Any

import pytest

from ipam.cli.request_trace import as_curl, in_a_line, in_full, without_secrets
from ipam.client import Exchange


def exchange(**fields: Any) -> Exchange:
    usual: dict[str, Any] = {
        "method": "POST",
        "url": "http://localhost/v2.0/ports?a=b%20c",
        "headers": {"accept": "application/json", "host": "localhost", "content-length": "2"},
        "content": b'{"port": {"name": "it\'s"}}',
    }
    return Exchange(**usual | fields)


def test_a_shell_reads_the_command_as_the_request() -> None:
    words = shlex.split(as_curl(exchange(), "/run/ipam/api.sock"))
    assert words[:6] == ["curl", "-sS", "-X", "POST", "--unix-socket", "/run/ipam/api.sock"]
    assert words[-1] == "http://localhost/v2.0/ports?a=b%20c"
    assert json.loads(words[words.index("-d") + 1]) == {"port": {"name": "it's"}}
    assert words[words.index("-H") + 1] == "accept: application/json"
    assert not any("content-length" in word for word in words)


@pytest.mark.parametrize("header", ["Authorization", "X-Auth-Token", "cookie", "X-Service-Token"])
def test_secrets_of_headers_are_hidden(header: str) -> None:
    told = as_curl(exchange(headers={header: "Basic czNjcjN0"}), None)
    assert "czNjcjN0" not in told
    assert f"{header}: ***" in told


def test_secrets_of_the_url_and_the_body_are_hidden() -> None:
    sent = exchange(
        url="https://anna:s3cr3t@host/v2.0/x", content=b'{"a": [{"admin_Password": "s3cr3t"}]}'
    )
    assert "s3cr3t" not in as_curl(sent, None)
    assert "https://host/v2.0/x" in as_curl(sent, None)


def test_answers_are_told_without_secrets_and_with_status_and_time() -> None:
    answered = exchange(status=201, answer=b'{"token": "s3cr3t", "id": 1}', seconds=0.0123)
    assert in_a_line(answered) == "POST /v2.0/ports?a=b%20c 201 12 ms"
    assert in_full(answered, None).split("\n") == [
        in_a_line(answered),
        '{"token": "***", "id": 1}',
    ]


def test_a_request_without_an_answer_has_no_line_yet() -> None:
    assert in_a_line(exchange()) == ""


def test_what_is_no_json_is_told_as_it_is() -> None:
    assert without_secrets(b"<html>") == "<html>"

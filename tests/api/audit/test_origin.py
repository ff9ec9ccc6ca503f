"""Where a request came from, and how its sender was recognised: by facts, never by claims."""

import os
from typing import Any

import pytest

from ipam.api.audit.origin import address_of, authentication_of
from ipam.identity.authentication import PEER_NAME, PEER_UID

STRANGER = 64_000
PROXIES = ["192.0.2.10", "192.0.2.11"]
BASIC = {"HTTP_AUTHORIZATION": "Basic x"}


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({PEER_UID: os.geteuid()}, "unix_socket"),
        ({PEER_UID: STRANGER, **BASIC}, "http_basic"),
        ({PEER_NAME: "agent@node-7"}, "client_certificate"),
        ({PEER_NAME: "agent@node-7", **BASIC}, "http_basic"),
        ({PEER_NAME: "agent@node-7", "HTTP_X_AUTH_TOKEN": "x"}, "http_basic"),
        (BASIC, "http_basic"),
    ],
)
def test_the_way_is_that_by_which_the_caller_was_found(
    environ: dict[str, Any], expected: str
) -> None:
    assert authentication_of(environ, "http_basic") == expected


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("198.51.100.7", None, "198.51.100.7"),
        ("198.51.100.7", "203.0.113.5", "198.51.100.7"),  # the client's own claim
        ("192.0.2.10", None, "192.0.2.10"),
        ("192.0.2.10", "203.0.113.5", "203.0.113.5"),
        ("192.0.2.10", "10.6.6.6, 203.0.113.5", "203.0.113.5"),  # the client claimed the first
        ("192.0.2.10", "203.0.113.5, 192.0.2.11", "203.0.113.5"),  # two proxies
        ("192.0.2.10", "10.6.6.6, 203.0.113.5, 192.0.2.11", "203.0.113.5"),
        ("192.0.2.10", " , ,", "192.0.2.10"),
        ("192.0.2.10", "192.0.2.11, 192.0.2.10", "192.0.2.11"),
        ("192.0.2.10", "x" * 100, "x" * 64),
    ],
)
def test_only_a_trusted_proxy_says_where_a_request_began(
    peer: str, forwarded: str | None, expected: str
) -> None:
    environ = {"REMOTE_ADDR": peer}
    if forwarded is not None:
        environ["HTTP_X_FORWARDED_FOR"] = forwarded
    assert address_of(environ, PROXIES) == expected


def test_who_comes_through_the_socket_has_no_address() -> None:
    environ = {PEER_UID: 1000, "REMOTE_ADDR": "192.0.2.10", "HTTP_X_FORWARDED_FOR": "10.6.6.6"}
    assert address_of(environ, PROXIES) == "uid 1000"

"""Headers that claim another identity, or that are wrong, long or many."""

from collections.abc import Callable
from random import Random
from typing import Final

from tests.hostile.hostile_values import FORGED, TEXTS
from tests.hostile.requests import Header

HEADERS: Final[tuple[Callable[[Random], Header], ...]] = (
    lambda chance: (chance.choice(("X-Roles", "X_Roles", "X-Role")), "admin"),
    lambda chance: ("X-Project-Id", chance.choice(("project-b", "*", ""))),
    lambda _chance: ("ipam.peer_uid", "0"),
    lambda chance: ("X-Auth-Token", chance.choice(TEXTS).translate({10: None, 13: None})),
    lambda chance: (
        "Authorization",
        chance.choice(("Basic", "Basic ====", "Bearer x", "Basic /w==")),
    ),
    lambda chance: (
        "X-Forwarded-Host",
        chance.choice(("evil.example", f"a{FORGED}", "a" * 3_000)),
    ),
    lambda chance: ("X-Forwarded-For", chance.choice(("127.0.0.1", "::1", f"\x1b[31m{FORGED}"))),
    lambda chance: ("X-Forwarded-Proto", chance.choice(("javascript", "https", "\x85"))),
    lambda chance: (
        "X-Openstack-Request-Id",
        chance.choice((f"req-{FORGED}", "\x1b[31m", "a" * 900)),
    ),
    lambda chance: (
        "If-Match",
        f"revision_number={chance.choice(('9' * 30, '-1', 'x', '', '1,2'))}",
    ),
    lambda chance: ("Idempotency-Key", chance.choice(("a", "a" * 256, "\xe9", "a b", "k" * 255))),
    lambda chance: (
        "Content-Type",
        chance.choice(("text/xml", "application/json; charset=utf-7", "x")),
    ),
    lambda chance: ("Content-Encoding", chance.choice(("gzip", "br", "identity"))),
    lambda chance: ("Accept", chance.choice(("text/xml", "*/*;q=x", "a/" * 500, ""))),
    lambda _chance: ("Range", "bytes=0-0," * 200),
    lambda chance: ("Expect", chance.choice(("100-continue", "200-ok"))),
    lambda chance: ("Host", chance.choice(("evil.example", "a:b:c", "[::1", "\xff"))),
    lambda chance: ("Connection", chance.choice(("close", "upgrade", "keep-alive, x" * 30))),
    lambda chance: ("Upgrade", chance.choice(("h2c", "websocket"))),
    lambda chance: ("Cookie", "a=b; " * chance.choice((1, 1_000))),
    lambda chance: (f"X-{'y' * chance.choice((10, 9_000))}", "z" * chance.choice((1, 70_000))),
    lambda chance: ("X-Many", "a\r\nX-Many: " * chance.choice((10, 2_000)) + "a"),
    lambda chance: (chance.choice(("X-\0", "X Y", "", "X-\xff", "(x)", "X-Fold")), "a\r\n b"),
)

"""Decides how requests are told to a user who wants to see them: a line, or a curl command. Pure.

Nothing that it gives has a password, a token or another secret in it.
"""

import json
import shlex
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from ipam.client import Exchange

HIDDEN: Final = "***"
SECRET_HEADERS: Final = ("authorization", "cookie", "x-auth-token", "x-service-token")
SECRET_WORDS: Final = ("password", "secret", "token", "credential", "private_key")
"""A value of JSON is hidden if one of these is in its key."""
UNSAID_HEADERS: Final = ("accept-encoding", "connection", "content-length", "host", "user-agent")
"""curl sends these by itself."""
ANSWER_CHARACTERS: Final = 10_000


def in_a_line(exchange: "Exchange") -> str:
    """The method, path, status and time of an answer; empty before it is there."""
    if exchange.status is None:
        return ""
    path = exchange.url.removeprefix(_origin(exchange.url))
    return f"{exchange.method} {path} {exchange.status} {exchange.seconds * 1000:.0f} ms"


def in_full(exchange: "Exchange", socket: str | None) -> str:
    """The request as a curl command, before its answer; then the answer."""
    if exchange.status is None:
        return as_curl(exchange, socket)
    told = without_secrets(exchange.answer)[:ANSWER_CHARACTERS]
    return f"{in_a_line(exchange)}\n{told}".rstrip()


def as_curl(exchange: "Exchange", socket: str | None) -> str:
    """A command that sends the same request, but for what is secret in it."""
    words = ["curl", "-sS", "-X", exchange.method]
    if socket:
        words += ["--unix-socket", socket]
    for name, value in exchange.headers.items():
        if name.lower() not in UNSAID_HEADERS:
            shown = HIDDEN if name.lower() in SECRET_HEADERS else value
            words += ["-H", f"{name}: {shown}"]
    if exchange.content:
        words += ["-d", without_secrets(exchange.content)]
    return shlex.join([*words, _without_user(exchange.url)])


def without_secrets(content: bytes) -> str:
    """The text of JSON with its secrets hidden; other text as it is."""
    text = content.decode(errors="replace")
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return json.dumps(_hidden(value), ensure_ascii=False)


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: HIDDEN if _is_secret(name) else _hidden(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_hidden(one) for one in value]
    return value


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in SECRET_WORDS)


def _without_user(url: str) -> str:
    """The URL without the user and password that may stand in it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"

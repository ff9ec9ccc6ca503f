"""Raw bytes: requests that end nowhere, twice, or somewhere else for another parser."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from tests.hostile.requests import Request

SMUGGLED: Final = b"GET /v2.0/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"

Framing = Callable[[str, bytes, Random], Request]


def _post(signed: bytes, headers: bytes, body: bytes) -> bytes:
    return (
        b"POST /v2.0/networks HTTP/1.1\r\nHost: localhost\r\nAuthorization: " + signed + b"\r\n"
        b"Content-Type: application/json\r\n" + headers + b"\r\n" + body
    )


def _ambiguous(headers: bytes, body: bytes = b"0\r\n\r\n" + SMUGGLED) -> Framing:
    return lambda kind, signed, _chance: Request(
        kind, _post(signed, headers, body), is_legible=False, is_ambiguous=True
    )


def _chunked(body: bytes, *, is_whole: bool = True) -> Framing:
    return lambda kind, signed, _chance: Request(
        kind,
        _post(signed, b"Transfer-Encoding: chunked\r\n", body),
        is_legible=False,
        is_whole=is_whole,
    )


def _raw(raw: bytes, *, is_whole: bool = True) -> Framing:
    return lambda kind, _signed, _chance: Request(kind, raw, is_legible=False, is_whole=is_whole)


def _half(kind: str, signed: bytes, chance: Random) -> Request:
    raw = _post(signed, b"Content-Length: 30\r\n", b'{"network": {"name": "half"}} ')
    return Request(kind, raw[: chance.randrange(1, len(raw))], is_legible=False, is_whole=False)


def _noise(kind: str, _signed: bytes, chance: Random) -> Request:
    raw = chance.randbytes(chance.choice((1, 20, 3_000))) + b"\r\n\r\n"
    return Request(kind, raw, is_legible=False, is_whole=False)


def _pipelined(kind: str, signed: bytes, chance: Random) -> Request:
    one = b"GET /v2.0/networks?limit=1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: " + signed
    return Request(kind, (one + b"\r\n\r\n") * chance.choice((2, 20, 200)), is_legible=False)


FRAMINGS: Final[Mapping[str, Framing]] = {
    "length and chunks": _ambiguous(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
    "chunks and length": _ambiguous(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
    "two lengths": _ambiguous(b"Content-Length: 5\r\nContent-Length: 0\r\n"),
    "list of lengths": _ambiguous(b"Content-Length: 5, 5\r\n"),
    "length with sign": _ambiguous(b"Content-Length: +5\r\n"),
    "length with underscore": _ambiguous(b"Content-Length: 0_5\r\n"),
    "length in hexadecimal": _ambiguous(b"Content-Length: 0x5\r\n"),
    "length in other digits": _ambiguous(b"Content-Length: \xd9\xa5\r\n"),
    "negative length": _ambiguous(b"Content-Length: -5\r\n"),
    "empty length": _ambiguous(b"Content-Length: \r\n"),
    "huge length": _raw(
        _post(b"x", b"Content-Length: " + b"9" * 30 + b"\r\n", b""), is_whole=False
    ),
    "length with a space before the colon": _ambiguous(b"Content-Length : 5\r\n"),
    "length on a folded line": _raw(_post(b"x", b"X-Fold: a\r\n Content-Length: 5\r\n", b"")),
    "underscored length": _raw(_post(b"x", b"Content_Length: 5\r\n", SMUGGLED)),
    "chunks in capitals and twice": _ambiguous(b"Transfer-Encoding: chunked, chunked\r\n"),
    "chunks and identity": _ambiguous(b"Transfer-Encoding: chunked, identity\r\n"),
    "chunks with a vertical tab": _ambiguous(b"Transfer-Encoding: \x0bchunked\r\n"),
    "chunks twice": _ambiguous(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n"),
    "chunks with a space before the colon": _ambiguous(b"Transfer-Encoding : chunked\r\n"),
    "bare line feeds": _ambiguous(b"X: a\nContent-Length: 5\r\n"),
    "bare carriage return": _ambiguous(b"X: a\rContent-Length: 5\r\n"),
    "NUL in a header": _ambiguous(b"X: a\0b\r\nContent-Length: 5\r\n"),
    "chunk size with sign": _chunked(b"+5\r\nhello\r\n0\r\n\r\n", is_whole=False),
    "chunk size with prefix": _chunked(b"0x5\r\nhello\r\n0\r\n\r\n", is_whole=False),
    "chunk size with spaces": _chunked(b" 5 \r\nhello\r\n0\r\n\r\n", is_whole=False),
    "chunk size is no number": _chunked(b"zz\r\nhello\r\n0\r\n\r\n", is_whole=False),
    "chunk size is negative": _chunked(b"-1\r\n\r\n0\r\n\r\n", is_whole=False),
    "chunk size is huge": _chunked(b"ffffffffffffffffff\r\nhello", is_whole=False),
    "chunk size is long": _chunked(b"0" * 5_000 + b"5\r\nhello\r\n0\r\n\r\n", is_whole=False),
    "chunk longer than its size": _chunked(b"3\r\nhello\r\n0\r\n\r\n", is_whole=False),
    "chunk extension is long": _chunked(
        b"5;" + b"a" * 70_000 + b"\r\nhello\r\n0\r\n\r\n", is_whole=False
    ),
    "chunk extension with line feed": _chunked(b"5;a\nb\r\nhello\r\n0\r\n\r\n", is_whole=False),
    "chunks of one byte": _chunked(b"1\r\n{\r\n" * 1_500 + b"0\r\n\r\n"),
    "chunks that never end": _chunked(b"1\r\n{\r\n" * 50, is_whole=False),
    "trailers": _chunked(
        b"2\r\n{}\r\n0\r\nX-Roles: admin\r\n" + b"X: y\r\n" * 500 + b"\r\n", is_whole=False
    ),
    "no line end": _raw(b"GET /v2.0/networks", is_whole=False),
    "half a request": _half,
    "noise": _noise,
    "many at once": _pipelined,
    "TLS": _raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x55" * 200, is_whole=False),
    "HTTP/2": _raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", is_whole=False),
    "HTTP/0.9": _raw(b"GET /\r\n\r\n", is_whole=False),
    "HTTP/9.9": _raw(b"GET / HTTP/9.9\r\nHost: a\r\n\r\n", is_whole=False),
    "no method": _raw(b" / HTTP/1.1\r\n\r\n", is_whole=False),
    "method in other letters": _raw("GÉT / HTTP/1.1\r\n\r\n".encode(), is_whole=False),
    "empty lines": _raw(b"\r\n" * 500, is_whole=False),
    "long request line": _raw(b"GET /" + b"a" * 300_000 + b" HTTP/1.1\r\n\r\n", is_whole=False),
    "long head": _raw(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 50_000 + b"\r\n", is_whole=False),
    "head without end": _raw(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 9_000, is_whole=False),
    "CONNECT": _raw(
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n", is_whole=False
    ),
    "unknown coding": _raw(_post(b"x", b"Transfer-Encoding: gzip\r\n", b""), is_whole=False),
}
"""By name; `is_whole` is false where a server may wait for more, or simply go."""

"""One hostile request: its bytes, and what is known of them before they are sent."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

Header = tuple[str | bytes, str | bytes]

JSON: Final = ("Content-Type", "application/json")


@dataclass(frozen=True, slots=True)
class Request:
    """Bytes for one connection."""

    kind: str
    raw: bytes
    is_whole: bool = True
    """Whether an answer is owed. A client that never ends its request gets none, or a refusal."""
    is_legible: bool = True
    """Whether it is HTTP. What is not may be answered by closing the connection."""
    is_ambiguous: bool = False
    """Whether two servers could disagree on where it ends: nothing may be read after it."""

    @property
    def has_no_body_in_answer(self) -> bool:
        return self.raw.startswith(b"HEAD ")


def written(
    method: str | bytes, target: str | bytes, headers: Iterable[Header] = (), body: bytes = b""
) -> bytes:
    """A request of HTTP/1.1, with a Content-Length if there is a body."""
    lines = [b" ".join((_bytes(method), _bytes(target), b"HTTP/1.1")), b"Host: localhost"]
    lines += [_bytes(name) + b": " + _bytes(value) for name, value in headers]
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, b"", body])


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")

"""Reads bodies of requests, a JSON object of bounded length, and writes structs as answers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import falcon
import msgspec

from ipam.errors import HTTPBadRequest, HTTPRequestEntityTooLarge

T = TypeVar("T")

DEEPEST: Final = 30
"""How deep a body may be nested. The deepest, extra_dhcp_opts in a bulk of ports, has 5 levels.

MariaDB keeps no JSON, such as an agent's configurations, of more than 32.
"""
SHALLOW: Final = 100
"""With fewer brackets a body is parsed where it is read."""
_PARSING: Final = ThreadPoolExecutor(1, "parser")
"""Parsing takes 350 bytes of stack for each level, up to 0.4 MB, which a thread never gives back:
so one thread parses for all what may be deep."""
MOST_COMMAS: Final = 50_000
"""As many separators may a body have, and about as many values: one in 20 bytes of 1 MiB.

Without this bound 1 MiB of `{},{},…` would become 30 MB of objects, in each thread at once.
"""


def read_json(req: falcon.Request, max_bytes: int) -> dict[str, Any]:
    """The body as an object. Reads at most one byte more than `max_bytes`.

    Raises HTTPBadRequest if it is not JSON (NaN, Infinity and lone surrogates are not), not an
    object or of too many values, and HTTPRequestEntityTooLarge if it is longer.
    """
    raw = read_bytes(req, max_bytes)
    try:
        body = parsing(raw, msgspec.json.decode)
    except RecursionError:
        raise HTTPBadRequest("The body is nested too deeply.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HTTPBadRequest(f"The body is not valid JSON: {error}.") from None
    # Python's own limit differs between its versions, and between reading and writing.
    if _brackets(raw) > DEEPEST and _is_deeper(body, DEEPEST):
        raise HTTPBadRequest("The body is nested too deeply.")
    if not isinstance(body, dict):
        raise HTTPBadRequest("The body is not a JSON object.")
    return body


def parsing(raw: bytes, work: Callable[[bytes], T]) -> T:
    """The result of work that parses this body. Raises what it raises."""
    if _brackets(raw) < SHALLOW:
        return work(raw)
    return _PARSING.submit(work, raw).result()


def read_bytes(req: falcon.Request, max_bytes: int) -> bytes:
    """The body as bytes, even if it was read before.

    Raises HTTPRequestEntityTooLarge, and HTTPBadRequest for one of too many values.
    """
    known = getattr(req.context, "body", None)
    if known is not None:
        return bytes(known)
    too_large = HTTPRequestEntityTooLarge(f"The body is longer than {max_bytes} bytes.")
    if (req.content_length or 0) > max_bytes:
        raise too_large
    raw: bytes = req.bounded_stream.read(max_bytes + 1)
    if len(raw) > max_bytes:
        raise too_large
    if raw.count(b",") > MOST_COMMAS:
        raise HTTPBadRequest(f"The body has more than {MOST_COMMAS} values.")
    req.context.body = raw
    return raw


def unwrap(body: dict[str, Any], name: str) -> Any:
    """The value under the resource's name. Raises HTTPBadRequest if there is none."""
    if name not in body:
        raise HTTPBadRequest(f"Resource name '{name}' not found in request body.")
    return body[name]


def unwrap_each(items: list[Any], name: str) -> list[Any]:
    """The items of a bulk request, each under its singular name or bare: Neutron takes both."""
    return [
        each[name] if isinstance(each, dict) and each.keys() == {name} else each for each in items
    ]


def respond(resp: falcon.Response, answer: Any) -> None:
    """Send this as JSON. Structs are written with their wire names."""
    resp.content_type = falcon.MEDIA_JSON
    resp.data = msgspec.json.encode(answer)


def _brackets(raw: bytes) -> int:
    return raw.count(b"[") + raw.count(b"{")


def _is_deeper(value: Any, levels: int) -> bool:
    """Whether its containers are nested deeper than `levels`."""
    level = [value]
    for _ in range(levels + 1):
        inner = (one.values() if isinstance(one, dict) else one for one in level)
        level = [one for items in inner for one in items if isinstance(one, (dict, list))]
        if not level:
            return False
    return True

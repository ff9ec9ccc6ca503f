"""Bodies: a request's is of bounded length and one JSON object; an answer's is made of structs."""

from typing import Any, Final

import falcon
import msgspec

from ipam.errors import HTTPBadRequest, HTTPRequestEntityTooLarge

DEEPEST: Final = 100
"""Levels of a body. The deepest attribute, extra_dhcp_opts in a bulk of ports, needs five."""


def read_json(req: falcon.Request, max_bytes: int) -> dict[str, Any]:
    """The body as an object. Reads no more than `max_bytes` and one.

    Raises HTTPBadRequest when it is not JSON (NaN, Infinity and lone surrogates are not) or not an
    object, HTTPRequestEntityTooLarge when it is longer.
    """
    raw = read_bytes(req, max_bytes)
    try:
        body = msgspec.json.decode(raw)
    except RecursionError:
        raise HTTPBadRequest("The body is nested too deeply.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HTTPBadRequest(f"The body is not valid JSON: {error}.") from None
    # How deep Python itself can go differs between its versions, and between reading and writing.
    if raw.count(b"[") + raw.count(b"{") > DEEPEST and _is_deeper(body, DEEPEST):
        raise HTTPBadRequest("The body is nested too deeply.")
    if not isinstance(body, dict):
        raise HTTPBadRequest("The body is not a JSON object.")
    return body


def read_bytes(req: falcon.Request, max_bytes: int) -> bytes:
    """The body as it came, also when it was read before. Raises HTTPRequestEntityTooLarge."""
    known = getattr(req.context, "body", None)
    if known is not None:
        return bytes(known)
    too_large = HTTPRequestEntityTooLarge(f"The body is longer than {max_bytes} bytes.")
    if (req.content_length or 0) > max_bytes:
        raise too_large
    raw: bytes = req.bounded_stream.read(max_bytes + 1)
    if len(raw) > max_bytes:
        raise too_large
    req.context.body = raw
    return raw


def unwrap(body: dict[str, Any], name: str) -> Any:
    """What stands under the resource's name. Raises HTTPBadRequest when nothing does."""
    if name not in body:
        raise HTTPBadRequest(f"Resource name '{name}' not found in request body.")
    return body[name]


def unwrap_each(items: list[Any], name: str) -> list[Any]:
    """The items of a bulk request, each in its singular name or as it is: Neutron takes both."""
    return [
        each[name] if isinstance(each, dict) and each.keys() == {name} else each for each in items
    ]


def respond(resp: falcon.Response, answer: Any) -> None:
    """Send this as JSON; structs are written under their wire names."""
    resp.content_type = falcon.MEDIA_JSON
    resp.data = msgspec.json.encode(answer)


def _is_deeper(value: Any, levels: int) -> bool:
    """Whether containers in it are nested in more levels than these."""
    level = [value]
    for _ in range(levels + 1):
        inner = (one.values() if isinstance(one, dict) else one for one in level)
        level = [one for items in inner for one in items if isinstance(one, (dict, list))]
        if not level:
            return False
    return True

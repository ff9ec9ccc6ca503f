"""Turns exceptions into answers: always `{"NeutronError": {"type", "message", "detail"}}`.

Neutron's client drops the type of an error whose body lacks one of the three keys.
"""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import falcon
import msgspec

from ipam.api.http.refusal_log import LineBudget
from ipam.errors import (
    HTTPBadRequest,
    HTTPMethodNotAllowed,
    HTTPNotFound,
    HTTPRequestEntityTooLarge,
    IpamError,
    Temporary,
    Unauthorized,
)

LOG = logging.getLogger(__name__)

REFUSALS = (401, 403)
INTERNAL = "Request Failed: internal server error while processing your request."


class Refusal(NamedTuple):
    """What the audit log needs of an error that was answered.

    Not the error itself: its frames know the request, which would live until Python looks for
    cycles.
    """

    status: int
    reason: str


Handler: TypeAlias = Callable[[falcon.Request, falcon.Response, Any, dict[str, Any]], None]


def install(app: falcon.App[Any, Any]) -> Handler:
    """Make the application answer every exception in this form. Gives what does it."""
    handle = partial(_handle, LineBudget())
    app.add_error_handler(Exception, handle)
    app.add_error_handler(falcon.HTTPError, handle)  # replaces Falcon's handler
    return handle


def _handle(
    lines: LineBudget,
    req: falcon.Request,
    resp: falcon.Response,
    error: Exception,
    _params: dict[str, Any],
) -> None:
    """Answer a request that ended in this exception."""
    match error:
        case IpamError() if error.status < 500 or isinstance(error, Temporary):
            if error.status in REFUSALS:
                _log_refusal(lines, req, error)
            _refuse(req, resp, error)
        case falcon.HTTPError():
            _refuse(req, resp, _translated(req, error))
            for name, value in dict(error.headers or {}).items():
                resp.set_header(name, value)
        case _:
            request_id = getattr(req.context, "request_id", "-")
            LOG.error("%s %s [%s]", req.method, req.path, request_id, exc_info=error)
            resp.status = falcon.HTTP_500
            _body(resp, "HTTPInternalServerError", INTERNAL)


def _refuse(req: falcon.Request, resp: falcon.Response, error: IpamError) -> None:
    """Answer so, and note it for the audit log if the caller has to do something."""
    if error.status < 500:
        req.context.refusal = Refusal(error.status, f"{error.type}: {error}")
        # A frame that knows the error keeps the request, too.
        error.__traceback__ = error.__cause__ = error.__context__ = None
    _render(resp, error)


def _log_refusal(lines: LineBudget, req: falcon.Request, error: IpamError) -> None:
    """Log who was refused what, and why, if there are not too many. No other place does."""
    is_allowed, left_out = lines.take()
    if left_out:
        LOG.warning("%d more requests were refused, and not logged one by one", left_out)
    if not is_allowed:
        return
    who = getattr(req.context, "caller", None) or f"somebody at {req.remote_addr}"
    request_id = getattr(req.context, "request_id", "-")
    LOG.warning("refused %s: %s %s: %s [%s]", who, req.method, req.path, error, request_id)


def _render(resp: falcon.Response, error: IpamError) -> None:
    resp.status = falcon.code_to_http_status(error.status)
    if isinstance(error, Temporary):
        resp.set_header("Retry-After", str(error.retry_after_seconds))
    if isinstance(error, Unauthorized):
        resp.set_header("WWW-Authenticate", error.challenge)
    _body(resp, error.type, str(error))


def _translated(req: falcon.Request, error: falcon.HTTPError) -> IpamError:
    """Falcon's errors (no such path, no such method, a bad header) as errors of `ipam.errors`."""
    match error.status_code:
        case 404:
            return HTTPNotFound("The resource could not be found.")
        case 405:
            return HTTPMethodNotAllowed(f"The method {req.method} is not allowed for this path.")
        case 413:
            return HTTPRequestEntityTooLarge(error.description or error.title)
        case _:
            return HTTPBadRequest(error.description or error.title)


def _body(resp: falcon.Response, kind: str, message: str) -> None:
    resp.content_type = falcon.MEDIA_JSON
    resp.data = msgspec.json.encode(
        {"NeutronError": {"type": kind, "message": message, "detail": ""}}
    )

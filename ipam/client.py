"""The HTTP client of the Networking API, for the agent and the command line.

Takes a Unix socket or a URL, gives parsed JSON, and raises the errors of `ipam.errors` that the
service answered. The only retry is of a GET on a connection that the server had closed meanwhile.
"""

import itertools
import json as json_module
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from email.message import Message
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from ipam import errors
from ipam.escaping import escaped
from ipam.protocol.unix_http import UnixHttp

DEFAULT_SOCKET = "/run/ipam/api.sock"
DEFAULT_TIMEOUT_SECONDS = 60.0
"""Longer than the service's own retries on a slow database, shorter than a user's patience."""
CONNECT_TIMEOUT_SECONDS = 5.0
HEADERS = {"Accept": "application/json", "User-Agent": "ipam-client"}

Pairs = list[tuple[str, str | int | float | bool | None]]
Params = Mapping[str, Any] | Sequence[tuple[str, Any]]
Items = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request as it was sent, and its answer: `status` is None before that came."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes
    status: int | None = None
    answer: bytes = b""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class News:
    """The answer to a conditional request: its ETag, and no body when nothing changed."""

    etag: str | None
    body: Any | None
    headers: Mapping[str, str] | Message
    """By name in any case."""


class Client:
    """Kept-alive connections to one service. Threads may share it. Close it after use."""

    def __init__(
        self,
        *,
        socket_path: str | Path | None = None,
        url: str | None = None,
        auth: httpx.Auth | tuple[str, str] | None = None,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        verify: bool | ssl.SSLContext = True,
        watch: Callable[[Exchange], None] | None = None,
    ) -> None:
        """Exactly one of `socket_path` and `url` (without /v2.0) says where the service is.

        `watch` is called twice for each request: when it is sent, and when the answer is there.
        """
        if (socket_path is None) == (url is None):
            raise ValueError("give either socket_path or url")
        self.where = f"the socket {socket_path}" if socket_path else str(url)
        transport = _unix_transport(socket_path) if socket_path else None
        self._polls = UnixHttp(socket_path, timeout_seconds) if socket_path and not watch else None
        self._http = httpx.Client(
            base_url=_unversioned(url) if url else "http://localhost",
            transport=transport,
            auth=auth,
            verify=verify,
            timeout=httpx.Timeout(timeout_seconds, connect=CONNECT_TIMEOUT_SECONDS),
            headers=HEADERS,
            event_hooks=_hooks(watch) if watch else None,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._http.close()
        if self._polls:
            self._polls.close()

    def get(self, path: str, params: Params | None = None) -> Any:
        """The parsed answer. A list or tuple as a parameter's value repeats the parameter."""
        return _body(self._send("GET", path, params))

    def get_bytes(self, path: str, params: Params | None = None) -> bytes:
        """The answer as bytes, for a caller that decodes it into a type."""
        return self._send("GET", path, params).content

    def post(self, path: str, params: Params | None = None, json: Any = None) -> Any:
        """The parsed answer, None when it is empty."""
        return _body(self._send("POST", path, params, json))

    def put(
        self,
        path: str,
        params: Params | None = None,
        json: Any = None,
        *,
        revision_number: int | None = None,
    ) -> Any:
        """The parsed answer.

        Raises RevisionNumberConstraintFailed if the revision given is old.
        """
        return _body(self._send("PUT", path, params, json, _if_match(revision_number)))

    def delete(
        self,
        path: str,
        params: Params | None = None,
        json: Any = None,
        *,
        revision_number: int | None = None,
    ) -> Any:
        """The parsed answer, mostly None. Treats `revision_number` like `put`."""
        return _body(self._send("DELETE", path, params, json, _if_match(revision_number)))

    def get_if_changed(self, path: str, etag: str | None, params: Params | None = None) -> "News":
        """The answer, or nothing but its headers when nothing changed since `etag`."""
        headers = {"If-None-Match": etag} if etag else {}
        if self._polls is not None and (news := self._polled(self._polls, path, params, headers)):
            return news
        response = self._send("GET", path, params, headers=headers)
        if response.status_code == httpx.codes.NOT_MODIFIED:
            return News(etag, None, response.headers)
        return News(response.headers.get("ETag"), _body(response), response.headers)

    def _polled(
        self, polls: UnixHttp, path: str, params: Params | None, headers: Mapping[str, str]
    ) -> News | None:
        """The answer, at little cost; None if it is no usual one, so that it is asked again."""
        query = urlencode(_pairs(params))
        try:
            answer = polls.get(f"{path}?{query}" if query else path, {**HEADERS, **headers})
        except TimeoutError as error:
            raise self._unreachable(httpx.ReadTimeout(str(error))) from error
        if answer is None or answer.status not in (httpx.codes.OK, httpx.codes.NOT_MODIFIED):
            return None
        if answer.status == httpx.codes.NOT_MODIFIED:
            return News(headers.get("If-None-Match"), None, answer.headers)
        try:
            return News(
                answer.headers.get("ETag"), json_module.loads(answer.content), answer.headers
            )
        except ValueError:
            return None

    def list(
        self,
        path: str,
        collection: str,
        params: Params | None = None,
        *,
        max_items: int | None = None,
    ) -> Items:
        """Every item of a collection, or the first `max_items`, from as many pages as needed."""
        return list(itertools.islice(self.iterate(path, collection, params), max_items))

    def iterate(
        self, path: str, collection: str, params: Params | None = None
    ) -> Iterator[dict[str, Any]]:
        """The items of a collection one by one; a page is fetched when it is reached."""
        query = params
        while True:
            page = self.get(path, query)
            yield from page[collection]
            query = _next_page(page, collection)
            if query is None:
                return

    def _send(
        self,
        method: str,
        path: str,
        params: Params | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        request = self._http.build_request(
            method, path, params=_pairs(params), json=json, headers=headers
        )
        try:
            response = self._http.send(request)
        except httpx.RemoteProtocolError:
            response = self._again(request)
        except httpx.TransportError as error:
            raise self._unreachable(error) from error
        if response.status_code >= 400:
            raise error_from_response(response)
        return response

    def _again(self, request: httpx.Request) -> httpx.Response:
        """Send a GET once more: the server may close an idle connection just when it is used."""
        try:
            if request.method == "GET":
                return self._http.send(request)
            raise errors.ServiceUnavailable(
                f"The connection to {self.where} broke before an answer came; whether the"
                " request was carried out is not known: look before you send it again."
            )
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: httpx.TransportError) -> errors.ServiceUnavailable:
        if isinstance(error, httpx.TimeoutException) and not isinstance(
            error, httpx.ConnectTimeout
        ):
            return errors.ServiceUnavailable(
                f"No answer from {self.where} in time. It may be overloaded, or its database away:"
                " try again, and see its log."
            )
        cause = _system_error(error)
        reason = (cause and cause.strerror) or str(error) or type(error).__name__
        advice = (
            "Run this as root or as the service's own user, or sign in over TCP."
            if isinstance(cause, PermissionError)
            else "Is the service running? `ipam up` starts it."
        )
        return errors.ServiceUnavailable(f"Cannot reach ipam at {self.where}: {reason}. {advice}")


def _unix_transport(path: str | Path) -> httpx.HTTPTransport:
    """Without certificates: httpx would read all that it knows, in 39 ms and 2.3 MiB."""
    return httpx.HTTPTransport(uds=str(path), verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def _hooks(watch: Callable[[Exchange], None]) -> dict[str, list[Callable[..., Any]]]:
    """The hooks that tell of each request, once it has its credentials, and of its answer."""

    def sent(request: httpx.Request) -> None:
        request.extensions["sent_at"] = time.monotonic()
        watch(_exchange(request))

    def answered(response: httpx.Response) -> None:
        response.read()
        request = response.request
        seconds = time.monotonic() - request.extensions["sent_at"]
        told = _exchange(request)
        watch(replace(told, status=response.status_code, answer=response.content, seconds=seconds))

    return {"request": [sent], "response": [answered]}


def _exchange(request: httpx.Request) -> Exchange:
    return Exchange(request.method, str(request.url), dict(request.headers), request.read())


def sends_secrets_openly(url: str) -> bool:
    """Whether what is sent to this URL can be read on the way: no TLS, to another machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "http" or host == "localhost":
        return False
    try:
        return not ip_address(host).is_loopback
    except ValueError:  # a name
        return True


def error_from_response(response: httpx.Response) -> errors.IpamError:
    """The error of a refusing answer: by its NeutronError type, else by its status."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        body = None
    error = error_from_answer(response.status_code, body, response.reason_phrase)
    retry_after = response.headers.get("Retry-After", "")
    is_number = retry_after.isascii() and retry_after.isdecimal() and len(retry_after) < 6
    if isinstance(error, errors.Temporary) and is_number:
        error.retry_after_seconds = int(retry_after)
    return error


def error_from_answer(status: int, body: Any, reason: str = "") -> errors.IpamError:
    """The error of a refusing answer with this JSON: by its NeutronError type, else by status."""
    kind, message = _neutron_error(body)
    by_type = _by_type(kind)
    error_class = by_type or _by_status(status)
    said = message or f"The service answered {status} {reason}".rstrip() + "."
    error = error_class(escaped(said))  # one line, whoever answered
    error.answered = by_type is not None
    return error


def _if_match(revision_number: int | None) -> dict[str, str]:
    return {} if revision_number is None else {"If-Match": f"revision_number={revision_number}"}


def _neutron_error(body: Any) -> tuple[str, str]:
    inner = body.get("NeutronError") if isinstance(body, dict) else None
    if isinstance(inner, str):
        return "", inner
    if not isinstance(inner, dict):
        return "", ""
    parts = [inner.get(name) for name in ("message", "detail")]
    return str(inner.get("type", "")), " ".join(str(part) for part in parts if part)


def _by_type(kind: str) -> type[errors.IpamError] | None:
    found = getattr(errors, kind, None) if kind.isidentifier() else None
    return found if isinstance(found, type) and issubclass(found, errors.IpamError) else None


def _by_status(status: int) -> type[errors.IpamError]:
    """The general class of a status, for error types that this version does not know."""
    named: dict[int, type[errors.IpamError]] = {
        400: errors.HTTPBadRequest,
        401: errors.Unauthorized,
        403: errors.PolicyNotAuthorized,
        404: errors.NotFound,
        405: errors.HTTPMethodNotAllowed,
        409: errors.Conflict,
        412: errors.RevisionNumberConstraintFailed,
        413: errors.HTTPRequestEntityTooLarge,
        502: errors.ServiceUnavailable,
        503: errors.ServiceUnavailable,
        504: errors.ServiceUnavailable,
    }
    return named.get(status, errors.CallerError if status < 500 else errors.IpamError)


def _body(response: httpx.Response) -> Any:
    if not response.content:
        return None
    try:
        return response.json()
    except (json_module.JSONDecodeError, UnicodeDecodeError) as error:
        raise errors.IpamError(
            f"{response.url} did not answer in JSON: is it a Networking service?"
        ) from error


def _next_page(page: Mapping[str, Any], collection: str) -> Sequence[tuple[str, str]] | None:
    """The query of the page after this one.

    Only the query of the link is used. Its host may be unreachable from here, or may be one that
    must not see the password.
    """
    for link in page.get(f"{collection}_links", ()):
        if link.get("rel") == "next":
            return parse_qsl(urlsplit(link["href"]).query, keep_blank_values=True)
    return None


def _pairs(params: Params | None) -> Pairs:
    pairs: Pairs = []
    for name, value in params.items() if isinstance(params, Mapping) else params or ():
        values = value if isinstance(value, (list, tuple)) else [value]
        pairs += [(name, "" if one is None else str(one)) for one in values]
    return pairs


def _unversioned(url: str) -> str:
    return url.rstrip("/").removesuffix("/v2.0")


def _system_error(error: BaseException | None) -> OSError | None:
    """The system call's error among the causes of httpx's exception."""
    while error is not None:
        if isinstance(error, OSError) and error.strerror:
            return error
        error = error.__cause__ or error.__context__
    return None

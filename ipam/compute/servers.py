"""Reads Nova's servers: all of them, in every project and cell, or one by its id.

A listing that fails or is cut off raises. It never gives only a part of the servers.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from keystoneauth1 import adapter, exceptions

from ipam.compute import facts
from ipam.compute.facts import Server
from ipam.errors import CallerError, IpamError, ServiceUnavailable, Unauthorized

MICROVERSION: Final = "2.69"
"""Since this version Nova lists servers of a cell that is down, with the facts it knows."""
TIMEOUT_SECONDS: Final = 120.0
"""Time for an answer to begin. Nova waits a minute for a cell that does not answer."""

Json = Mapping[str, Any]
T = TypeVar("T")


class Servers:
    """The servers of one Nova, read by an adapter for the `compute` service."""

    def __init__(self, nova: adapter.Adapter) -> None:
        self._nova = nova

    def listed(self, progress: Callable[[int], None] = lambda _: None) -> dict[str, Server]:
        """Every server of GET /servers/detail, by id.

        `progress` is called with their number so far.

        The first request names no limit, because Nova leaves out cells that are down if there is
        one. Nova does not count the servers of those cells in the page's size. So a page without a
        link may not be the last; only an empty page is. Soft-deleted servers are not listed.
        """
        found: dict[str, Server] = {}
        marker: str | None = None
        while True:
            page = self._page(marker)
            fresh = {server.id: server for server in page if server.id not in found}
            if page and not fresh:
                raise ServiceUnavailable(f"Nova lists the same servers again after {marker}.")
            found |= fresh
            progress(len(found))
            known = [server.id for server in page if server.known]
            if not known:
                return found
            marker = known[-1]

    def find(self, server_id: str) -> Server | None:
        """The server, also if it is soft-deleted or in a cell that is down."""
        status, body = self._get(f"/servers/{server_id}")
        if status == 404 and "itemNotFound" in body:
            return None
        _check(status, body)
        return _read(body, lambda: facts.server(body["server"]))

    def _page(self, marker: str | None) -> list[Server]:
        query = "all_tenants=1" + (f"&marker={marker}" if marker else "")
        status, body = self._get(f"/servers/detail?{query}")
        if status == 400 and marker:
            raise ServiceUnavailable(
                f"The list of Nova's servers was cut off: server {marker} went away meanwhile."
            )
        _check(status, body)
        return _read(body, lambda: [facts.server(each) for each in body["servers"]])

    def _get(self, path: str) -> tuple[int, Json]:
        try:
            answer = self._nova.get(
                path, microversion=MICROVERSION, raise_exc=False, timeout=TIMEOUT_SECONDS
            )
        except exceptions.ClientException as error:
            raise sign_in_error(error) from error
        try:
            body = answer.json()
        except ValueError:
            body = {}
        return answer.status_code, body if isinstance(body, dict) else {}


def _check(status: int, body: Json) -> None:
    """Raise the error of an answer other than 200."""
    if status == 200:
        return
    said = _message(body)
    match status:
        case 401:
            raise Unauthorized(f"Nova does not accept the token.{said}")
        case 403:
            raise CallerError(
                "Nova shows the servers of all projects to its admins only: sign in as a user"
                f" with the role admin.{said}"
            )
        case 406:
            raise CallerError(
                f"This Nova is too old: microversion {MICROVERSION} (Stein) is needed.{said}"
            )
    raise ServiceUnavailable(f"Nova answered {status} when asked for servers.{said}")


def _read(body: Json, parse: Callable[[], T]) -> T:
    try:
        return parse()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ServiceUnavailable(
            f"Nova's answer is not what the Compute API says: {error!r} in {str(body)[:200]}"
        ) from error


def _message(body: Json) -> str:
    """Nova's own message, if there is one: {"forbidden": {"message": …}}."""
    for inner in body.values():
        if isinstance(inner, dict) and inner.get("message"):
            return f" It says: {str(inner['message'])[:300]}"
    return ""


def sign_in_error(error: exceptions.ClientException) -> IpamError:
    """The error to raise when keystoneauth could not send a request to the service."""
    match error:
        case exceptions.Unauthorized():
            return Unauthorized(f"Keystone refused to sign in: {error}")
        case exceptions.EndpointNotFound():
            return CallerError(f"Keystone's catalog has no endpoint of Nova that fits: {error}")
        case exceptions.AuthPluginException():
            return CallerError(f"The settings do not say how to sign in to Nova: {error}")
        case _:
            return ServiceUnavailable(f"Cannot reach Nova: {error}")

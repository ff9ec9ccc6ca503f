"""Nova's servers: all of them, of every project and cell, and one by its id.

A listing that fails or is cut off raises; it is never shorter than the truth by that.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from keystoneauth1 import adapter, exceptions

from ipam.compute import facts
from ipam.compute.facts import Server
from ipam.errors import CallerError, IpamError, ServiceUnavailable, Unauthorized

MICROVERSION: Final = "2.69"
"""From here on servers of a cell that is down are shown, as far as they are known."""
TIMEOUT_SECONDS: Final = 120.0
"""For an answer to begin: Nova gives a cell that is silent a minute."""

Json = Mapping[str, Any]
T = TypeVar("T")


class Servers:
    """The servers of one Nova, by an adapter for the `compute` service."""

    def __init__(self, nova: adapter.Adapter) -> None:
        self._nova = nova

    def listed(self, progress: Callable[[int], None] = lambda _: None) -> dict[str, Server]:
        """Every server of GET /servers/detail by id; `progress` hears their number so far.

        The first page names no limit: to a request with one Nova leaves out the cells that are
        down. Nova then counts the servers of those cells as it likes, so a page without a link to
        the next may still not be the last: an empty one is. Soft-deleted servers are not listed.
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
        """The server, soft-deleted ones and those of cells that are down included."""
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
    """Raise what an answer other than 200 means."""
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
    """Nova's own words, where it has some: {"forbidden": {"message": …}}."""
    for inner in body.values():
        if isinstance(inner, dict) and inner.get("message"):
            return f" It says: {str(inner['message'])[:300]}"
    return ""


def sign_in_error(error: exceptions.ClientException) -> IpamError:
    """What it means that keystoneauth could not bring a request to the service."""
    match error:
        case exceptions.Unauthorized():
            return Unauthorized(f"Keystone refused to sign in: {error}")
        case exceptions.EndpointNotFound():
            return CallerError(f"Keystone's catalog has no endpoint of Nova that fits: {error}")
        case exceptions.AuthPluginException():
            return CallerError(f"The settings do not say how to sign in to Nova: {error}")
        case _:
            return ServiceUnavailable(f"Cannot reach Nova: {error}")

"""Signing in with Keystone as a client: for the agent, and for the command line at a cloud."""

from collections.abc import Generator
from typing import Any, Final

import httpx
from keystoneauth1 import exceptions, loading
from oslo_config import cfg

from ipam.errors import ServiceUnavailable, Unauthorized

GROUP: Final = "agent_keystone"
"""Where the settings say how the agent signs in; the names of its options are keystoneauth's."""


class SessionAuth(httpx.Auth):
    """The headers of a keystoneauth session: a token, renewed once when it has expired."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the request; sign in anew and send it again when the answer is 401."""
        request.headers.update(self._headers())
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED and self._session.invalidate():
            request.headers.update(self._headers())
            yield request

    def _headers(self) -> dict[str, str]:
        try:
            return self._session.get_auth_headers() or {}
        except exceptions.Unauthorized as error:
            raise Unauthorized(f"Keystone refused to sign in: {error}") from error
        except exceptions.ClientException as error:
            raise ServiceUnavailable(f"Cannot sign in: {error}") from error


def agent_auth(settings: cfg.ConfigOpts) -> SessionAuth:
    """How the agent signs in, as [agent_keystone] says. Asks Keystone when it is first used."""
    loading.register_auth_conf_options(settings, GROUP)
    loading.register_session_conf_options(settings, GROUP)
    auth = loading.load_auth_from_conf_options(settings, GROUP)
    return SessionAuth(loading.load_session_from_conf_options(settings, GROUP, auth=auth))

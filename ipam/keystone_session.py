"""Signs in with Keystone as a client, for the agent, the worker and the command line."""

import contextlib
import ssl
from collections.abc import Generator, Iterator
from typing import Any, Final

import httpx
from keystoneauth1 import adapter, exceptions, loading
from oslo_config import cfg

from ipam.errors import ServiceUnavailable, Unauthorized
from ipam.settings import Settings

AGENT_GROUP: Final = "agent_keystone"
NOVA_GROUP: Final = "nova"
"""The settings group that says how to sign in. Its options are keystoneauth's."""


class SessionAuth(httpx.Auth):
    """Adds the token of a keystoneauth session, and renews it once if it has expired."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the token. If the answer is 401, sign in again and send the request again."""
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


def agent_auth(settings: Settings) -> SessionAuth:
    """How the agent signs in, from [agent_keystone]. Asks Keystone at its first use."""
    return SessionAuth(_session(settings, AGENT_GROUP))


def nova_adapter(settings: Settings) -> adapter.Adapter:
    """An adapter for the `compute` service of the catalog, signed in as [nova] says.

    Asks Keystone at its first use. Failures are keystoneauth1 ClientExceptions.
    """
    session = _session(settings, NOVA_GROUP)
    loading.register_adapter_conf_options(settings.config_opts, NOVA_GROUP)
    with _faults_as_keystoneauth_has_them(NOVA_GROUP):
        return loading.load_adapter_from_conf_options(
            settings.config_opts, NOVA_GROUP, session=session, service_type="compute"
        )


def verify(session: Any) -> bool | ssl.SSLContext:
    """The `verify` (a flag or a CA file) and `cert` of keystoneauth, in httpx's form."""
    if session.verify is False:
        return False
    if session.verify is True and not session.cert:
        return True
    cafile = session.verify if isinstance(session.verify, str) else None
    context = ssl.create_default_context(cafile=cafile)
    if session.cert:
        chain = session.cert if isinstance(session.cert, tuple) else (session.cert,)
        context.load_cert_chain(*chain)
    return context


def _session(settings: Settings, group: str) -> Any:
    opts = settings.config_opts
    loading.register_auth_conf_options(opts, group)
    loading.register_session_conf_options(opts, group)
    with _faults_as_keystoneauth_has_them(group):
        auth = loading.load_auth_from_conf_options(opts, group)
        return loading.load_session_from_conf_options(opts, group, auth=auth)


@contextlib.contextmanager
def _faults_as_keystoneauth_has_them(group: str) -> Iterator[None]:
    try:
        yield
    except cfg.Error as error:
        raise exceptions.OptionError(f"[{group}]: {error}") from error

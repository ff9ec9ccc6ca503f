"""Keystone's tokens, checked by keystonemiddleware's auth_token.

auth_token is WSGI middleware: it checks X-Auth-Token (and X-Service-Token) and calls the
application behind it with headers that say who that is. Here it gets a request of its own, made of
the two tokens, method and path, and the application behind it is a few lines that read those
headers into a Caller. So no header that a client claims an identity with ever comes near it, and
none that it writes comes near the API. Its options are those of [keystone_authtoken] in the same
settings file.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from keystonemiddleware.auth_token import AuthProtocol
from oslo_config import cfg

from ipam.errors import ServiceUnavailable, Unauthorized
from ipam.identity.caller import Caller, strongest

LOG = logging.getLogger(__name__)

CALLER: Final = "ipam.keystone_caller"
"""Where the application behind auth_token leaves whom it was called by."""
PASSED_ON: Final = (
    "HTTP_X_AUTH_TOKEN",
    "HTTP_X_SERVICE_TOKEN",
    "PATH_INFO",
    "REQUEST_METHOD",
    "SCRIPT_NAME",
    "SERVER_NAME",
    "SERVER_PORT",
    "SERVER_PROTOCOL",
    "wsgi.url_scheme",
)
"""Tokens, and what the access rules of application credentials are about."""
RETRY_AFTER_SECONDS: Final = 5


class KeystoneAuthenticator:
    """Finds the Caller of a request by its token; one object serves every thread of a process."""

    def __init__(self, settings: cfg.ConfigOpts) -> None:
        self._protocol = AuthProtocol(_behind, {"oslo_config_config": settings})
        authtoken = settings.keystone_authtoken
        self._challenge = f'Keystone uri="{authtoken.www_authenticate_uri or ""}"'

    def caller(self, environ: Mapping[str, Any]) -> Caller:
        """Who the token was made for.

        Raises Unauthorized for a token that is missing, wrong, expired or revoked, and
        ServiceUnavailable while Keystone does not answer.
        """
        request = {name: environ[name] for name in PASSED_ON if name in environ}
        answer: list[str] = []
        self._protocol(request, _recorder(answer))
        caller = request.get(CALLER)
        if isinstance(caller, Caller):
            return caller
        if answer and answer[0].startswith("401"):
            raise Unauthorized(
                "The request you have made requires authentication.", challenge=self._challenge
            )
        LOG.error("auth_token answered %s: nobody is let in", answer[0] if answer else "nothing")
        error = ServiceUnavailable("Keystone does not answer; try again.")
        error.retry_after_seconds = RETRY_AFTER_SECONDS
        raise error


def _recorder(answer: list[str]) -> Callable[..., Callable[[bytes], None]]:
    """A start_response that keeps the status line."""

    def start_response(
        status: str, _headers: Any, _exc_info: Any = None
    ) -> Callable[[bytes], None]:
        answer.append(status)
        return lambda _data: None

    return start_response


def _behind(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """The application behind auth_token: called with a confirmed identity and nothing else."""
    if environ.get("HTTP_X_IDENTITY_STATUS") == "Confirmed":
        environ[CALLER] = _caller(environ)
    start_response("204 No Content", [])
    return ()


def _caller(environ: Mapping[str, Any]) -> Caller:
    roles = _names(environ.get("HTTP_X_ROLES"))
    confirmed = environ.get("HTTP_X_SERVICE_IDENTITY_STATUS") == "Confirmed"
    return Caller(
        user_id=environ.get("HTTP_X_USER_ID", ""),
        project_id=environ.get("HTTP_X_PROJECT_ID", ""),
        role=strongest(roles),
        roles=roles,
        service_roles=_names(environ.get("HTTP_X_SERVICE_ROLES")) if confirmed else frozenset(),
    )


def _names(header: str | None) -> frozenset[str]:
    # Role names have no case, and policy compares them as they are written: in lower case.
    return frozenset(name.strip().lower() for name in (header or "").split(",") if name.strip())

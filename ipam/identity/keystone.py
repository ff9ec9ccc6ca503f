"""Keystone's tokens, checked by keystonemiddleware's auth_token.

auth_token is WSGI middleware: it checks X-Auth-Token (and X-Service-Token) and calls the
application behind it with headers that say who that is. Here it gets a request of its own, made of
the two tokens, method and path, and the application behind it is a few lines that read those
headers into a Caller. So no header that a client claims an identity with ever comes near it, and
none that it writes comes near the API. Its options are those of [keystone_authtoken] in the same
settings file.

auth_token keeps what Keystone said of a token for token_cache_time, and takes it apart anew at
each request. Who it let in is therefore known here for some seconds, by which its own time is
shorter: a token that was revoked is worth something for token_cache_time in all, and no longer.
"""

import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from keystoneauth1.exceptions import ClientException
from keystonemiddleware import opts
from keystonemiddleware.auth_token import AuthProtocol

from ipam.errors import ServiceUnavailable, Unauthorized
from ipam.identity.caller import Caller, strongest
from ipam.identity.known_callers import KnownCallers, digest
from ipam.settings import Settings

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
PAUSES_SECONDS: Final = (0.25, 1.0)
ASK_AGAIN_WITHIN_SECONDS: Final = 2.0
"""Beyond that auth_token has waited itself, as it does for one that cannot be reached."""
KNOWN_SECONDS: Final = 10
"""The requests of one boot in Nova come within this."""


class KeystoneAuthenticator:
    """Finds the Caller of a request by its token; one object serves every thread of a process."""

    def __init__(self, settings: Settings) -> None:
        for group, options in opts.list_auth_token_opts():
            settings.config_opts.register_opts(options, group=group)
        authtoken = settings.config_opts.keystone_authtoken
        cache_seconds = authtoken.token_cache_time  # -1 is no cache, 0 one that never forgets
        self._known_seconds = max(0, min(KNOWN_SECONDS, cache_seconds // 2))
        conf = {
            "oslo_config_config": settings.config_opts,
            "token_cache_time": cache_seconds - self._known_seconds,
        }
        self._protocol = AuthProtocol(_behind, conf)
        self._known = KnownCallers()
        self._secret = os.urandom(32)
        self._challenge = f'Keystone uri="{authtoken.www_authenticate_uri or ""}"'

    def caller(self, environ: Mapping[str, Any]) -> Caller:
        """Who the token was made for.

        Raises Unauthorized for a token that is missing, wrong, expired or revoked, and
        ServiceUnavailable while Keystone does not answer.
        """
        key = digest(
            self._secret,
            environ.get("HTTP_X_AUTH_TOKEN", "").encode(),
            environ.get("HTTP_X_SERVICE_TOKEN", "").encode(),
        )
        if known := self._known.recall(key):
            return known
        caller, request = self._patiently(environ)
        if seconds := min(self._known_seconds, _seconds_for_every_request(request)):
            self._known.remember(key, caller, seconds)
        return caller

    def _patiently(self, environ: Mapping[str, Any]) -> tuple[Caller, dict[str, Any]]:
        """The caller, and the request as auth_token left it.

        A Keystone that has just started answers 403 to this service for a moment: its threads
        load its policy at the same time. A boot that is lost for that stays lost.
        """
        give_up_at = time.monotonic() + ASK_AGAIN_WITHIN_SECONDS
        for pause in PAUSES_SECONDS:
            try:
                return self._checked(environ)
            except ServiceUnavailable:
                if time.monotonic() + pause > give_up_at:
                    raise
            time.sleep(pause)
        return self._checked(environ)

    def _checked(self, environ: Mapping[str, Any]) -> tuple[Caller, dict[str, Any]]:
        request = {name: environ[name] for name in PASSED_ON if name in environ}
        answer: list[str] = []
        try:
            self._protocol(request, _recorder(answer))
        except ClientException as error:  # auth_token catches some of them
            answer.append(str(error))
        caller = request.get(CALLER)
        if isinstance(caller, Caller):
            return caller, request
        if answer and answer[0].startswith("401"):
            raise Unauthorized(
                "The request you have made requires authentication.", challenge=self._challenge
            )
        LOG.error("auth_token says %r: nobody is let in", answer[0] if answer else "nothing")
        away = ServiceUnavailable("Keystone does not answer; try again.")
        away.retry_after_seconds = RETRY_AFTER_SECONDS
        raise away


def _seconds_for_every_request(request: Mapping[str, Any]) -> float:
    """How long whoever sends these tokens is the same Caller, whatever else the request says."""
    credential = request["keystone.token_info"]["token"].get("application_credential") or {}
    if credential.get("access_rules") is not None:
        return 0.0  # auth_token compares them with each method and path
    tokens = request["keystone.token_auth"]
    ends: list[float] = [ref.expires.timestamp() for ref in (tokens.user, tokens.service) if ref]
    return max(0.0, min(ends) - time.time())


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

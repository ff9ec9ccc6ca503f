"""Keystone's tokens, checked by keystonemiddleware's auth_token.

auth_token is WSGI middleware: it checks X-Auth-Token (and X-Service-Token) and calls the
application behind it with headers that name the caller. Here it gets a request of its own, made of
the two tokens, method and path. The application behind it is a few lines that make a Caller from
the headers. So auth_token sees no identity header of a client, and the API sees none of
auth_token. Its options are in [keystone_authtoken] of the same settings file.

auth_token remembers Keystone's answer for token_cache_time, but parses it again at each request.
Therefore the Caller is remembered here for some seconds, and auth_token's own time is that much
shorter: a revoked token is accepted for at most token_cache_time in all.
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
from ipam.identity.caller import Caller, agent_host, strongest
from ipam.identity.known_callers import Digests, KnownCallers, digest
from ipam.identity.turnstile import Turnstile
from ipam.settings import Settings

LOG = logging.getLogger(__name__)

CALLER: Final = "ipam.keystone_caller"
"""The environ key under which the application behind auth_token stores the caller."""
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
"""The tokens, and what access rules of application credentials check."""
RETRY_AFTER_SECONDS: Final = 5
PAUSES_SECONDS: Final = (0.25, 1.0)
ASK_AGAIN_WITHIN_SECONDS: Final = 2.0
"""After a longer time auth_token has waited itself, as for a Keystone that cannot be reached."""
WRONG_SECONDS: Final = 10.0
"""How long Keystone is not asked again about a token that it refused."""
KNOWN_SECONDS: Final = 10
"""All requests for the boot of one server come within this time."""


class KeystoneAuthenticator:
    """Finds the Caller of a request by its token. One object serves every thread of a process."""

    def __init__(self, settings: Settings) -> None:
        for group, options in opts.list_auth_token_opts():
            settings.config_opts.register_opts(options, group=group)
        authtoken = settings.config_opts.keystone_authtoken
        cache_seconds = authtoken.token_cache_time  # -1: no cache; 0: never forgets
        self._known_seconds = max(0, min(KNOWN_SECONDS, cache_seconds // 2))
        conf = {
            "oslo_config_config": settings.config_opts,
            "token_cache_time": cache_seconds - self._known_seconds,
        }
        self._protocol = AuthProtocol(_behind, conf)
        self._known = KnownCallers()
        self._wrong = Digests(WRONG_SECONDS)
        self._turnstile = Turnstile(
            max(1, settings.api.threads * 3 // 4), most_waiting=settings.api.threads
        )
        self._secret = os.urandom(32)
        self._challenge = f'Keystone uri="{authtoken.www_authenticate_uri or ""}"'

    def caller(self, environ: Mapping[str, Any]) -> Caller:
        """The caller for whom the token was made.

        Raises Unauthorized for a token that is missing, wrong, expired or revoked,
        ServiceUnavailable while Keystone does not answer, and TooManyLogins while most threads
        wait for it.
        """
        key = digest(
            self._secret,
            environ.get("HTTP_X_AUTH_TOKEN", "").encode(),
            environ.get("HTTP_X_SERVICE_TOKEN", "").encode(),
        )
        if known := self._known.recall(key):
            return known
        # Access rules of application credentials depend on method and path.
        asked = f"{environ.get('REQUEST_METHOD')} {environ.get('PATH_INFO')}"
        request_key = digest(self._secret, key, asked.encode())
        if request_key in self._wrong:
            raise self._unauthorized()
        with self._turnstile.one():
            try:
                caller, request = self._patiently(environ)
            except Unauthorized:
                self._wrong.add(request_key)
                raise
        if seconds := min(self._known_seconds, _seconds_for_every_request(request)):
            self._known.remember(key, caller, seconds)
        return caller

    def _patiently(self, environ: Mapping[str, Any]) -> tuple[Caller, dict[str, Any]]:
        """The caller, and the request as auth_token left it.

        A Keystone that has just started may answer 403 to this service, while its threads load its
        policy. Without another attempt, the boot of a server could fail for that.
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
            raise self._unauthorized()
        LOG.error("auth_token says %r: nobody is let in", answer[0] if answer else "nothing")
        away = ServiceUnavailable("Keystone does not answer; try again.")
        away.retry_after_seconds = RETRY_AFTER_SECONDS
        raise away

    def _unauthorized(self) -> Unauthorized:
        return Unauthorized(
            "The request you have made requires authentication.", challenge=self._challenge
        )


def _seconds_for_every_request(request: Mapping[str, Any]) -> float:
    """How long the caller of these tokens is known, whatever else a request says."""
    credential = request["keystone.token_info"]["token"].get("application_credential") or {}
    if credential.get("access_rules") is not None:
        return 0.0  # access rules depend on method and path
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
    """The application behind auth_token. It is called only with a confirmed identity."""
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
        host=agent_host(environ.get("HTTP_X_USER_NAME", ""), roles),
        user_name=environ.get("HTTP_X_USER_NAME", ""),
    )


def _names(header: str | None) -> frozenset[str]:
    # Role names are case-insensitive, and policies have them in lower case.
    return frozenset(name.strip().lower() for name in (header or "").split(",") if name.strip())

"""Makes a Caller from a request. No other place does.

The way depends on where the request came in (the Unix socket's server notes the peer's uid) and on
[api] auth_strategy. A client cannot name a caller in a header: such headers are removed from the
environ first.
"""

import re
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Final, TypeAlias

from ipam import extras
from ipam.errors import TooManyLogins, Unauthorized
from ipam.identity.basic import BasicAuthenticator
from ipam.identity.caller import Caller
from ipam.identity.local import caller_of_peer
from ipam.settings import Settings

PEER_UID: Final = "ipam.peer_uid"
"""The environ key of the peer's uid. No header can set it: keys of headers begin with HTTP_."""

REFUSALS: Final = ("missing", "wrong", "too_many")
"""Why a request is not let in: no credentials, wrong ones, or too many logins at a time."""

PEER_NAME: Final = "ipam.peer_name"
"""The environ key of the name in the client's certificate, which was verified."""

Strategy: TypeAlias = Callable[[Mapping[str, Any]], Caller]

_IDENTITY_HEADER = re.compile(
    r"HTTP_X_(?!SERVICE_TOKEN$)(USER|ROLE|ROLES|PROJECT|TENANT|DOMAIN|IDENTITY|SERVICE|SYSTEM"
    r"|TRUST|AUTHENTICATED|REMOTE|IS_ADMIN|KEY_MANAGER|APPLICATION_CREDENTIAL)(_.*)?"
    r"|HTTP_(REMOTE_USER|OPENSTACK_SYSTEM_SCOPE)"
)
"""The headers that keystonemiddleware sets for the application behind it, and their old names.

X-Service-Token is not among them, because it is a proof and not a claim.
"""

_SUSPICIOUS = ("HTTP_X_", "HTTP_REMOTE_", "HTTP_OPENSTACK_")
"""All these headers begin so. Matching every key would take a tenth of a request's time."""


def authenticator(
    settings: Settings, on_refusal: Callable[[str], None] = lambda _reason: None
) -> Callable[[MutableMapping[str, Any]], Caller]:
    """A function that gives the Caller of a WSGI environ, or raises Unauthorized or TooManyLogins.

    It calls `on_refusal` with one of REFUSALS first.
    """
    users = _users(settings)
    strategy = _strategy(settings, users)

    def authenticate(environ: MutableMapping[str, Any]) -> Caller:
        strip_identity_headers(environ)
        peer_uid = environ.get(PEER_UID)
        known = caller_of_peer(peer_uid) if isinstance(peer_uid, int) else None
        if known:
            return known
        try:
            if is_by_certificate(environ):
                return users.caller_named(environ[PEER_NAME])
            return strategy(environ)
        except Unauthorized:
            is_missing = PEER_NAME not in environ and not _has_credentials(environ)
            on_refusal("missing" if is_missing else "wrong")
            raise
        except TooManyLogins:
            on_refusal("too_many")
            raise

    return authenticate


def is_by_certificate(environ: Mapping[str, Any]) -> bool:
    """Whether the client's certificate says who asks: it sent no other credentials."""
    return PEER_NAME in environ and not _has_credentials(environ)


def _has_credentials(environ: Mapping[str, Any]) -> bool:
    return bool(environ.get("HTTP_AUTHORIZATION") or environ.get("HTTP_X_AUTH_TOKEN"))


def strip_identity_headers(environ: MutableMapping[str, Any]) -> None:
    """Remove every header that claims an identity, so that no later code can believe it."""
    suspects = [key for key in environ if key.startswith(_SUSPICIOUS)]
    for key in suspects:
        if _IDENTITY_HEADER.fullmatch(key):
            del environ[key]
    environ.pop("REMOTE_USER", None)


def _users(settings: Settings) -> BasicAuthenticator:
    return BasicAuthenticator(
        settings.api.htpasswd_file,
        cache_seconds=settings.api.auth_cache_seconds,
        most_waiting=settings.api.threads // 4,
    )


def _strategy(settings: Settings, users: BasicAuthenticator) -> Strategy:
    if settings.api.auth_strategy == "keystone":
        with extras.needed_for("[api] auth_strategy = keystone"):
            # Half a second of imports.
            from ipam.identity.keystone import KeystoneAuthenticator  # noqa: PLC0415

        return KeystoneAuthenticator(settings).caller
    return lambda environ: users.caller(environ.get("HTTP_AUTHORIZATION"), _origin(environ))


def _origin(environ: Mapping[str, Any]) -> str:
    """The client's address, or its user on this machine."""
    peer_uid = environ.get(PEER_UID)
    return (
        str(environ.get("REMOTE_ADDR", "")) if peer_uid is None else f"the socket, uid {peer_uid}"
    )

"""Where a request came from, and how its sender was recognised."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from ipam.identity.authentication import PEER_UID, is_by_certificate
from ipam.identity.local import caller_of_peer

UNIX: Final = "unix_socket"
CERTIFICATE: Final = "client_certificate"
ADDRESS_MAX: Final = 64


def address_of(environ: Mapping[str, Any], trusted_proxies: Collection[str]) -> str:
    """`uid N` on the Unix socket, else the peer's IP address, or what a trusted proxy says.

    X-Forwarded-For is read from its end: what a trusted proxy added is true, and what stands
    before the first address that is no trusted proxy is the client's claim.
    """
    uid = environ.get(PEER_UID)
    if uid is not None:
        return f"uid {uid}"
    peer = str(environ.get("REMOTE_ADDR") or "")
    if peer not in trusted_proxies:
        return peer[:ADDRESS_MAX]
    for hop in reversed(environ.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        if hop.strip() and peer in trusted_proxies:
            peer = hop.strip()
    return peer[:ADDRESS_MAX]


def authentication_of(environ: Mapping[str, Any], strategy: str) -> str:
    """How the caller was recognised: by the socket's peer, a certificate, or by `strategy`."""
    uid = environ.get(PEER_UID)
    if isinstance(uid, int) and caller_of_peer(uid):
        return UNIX
    return CERTIFICATE if is_by_certificate(environ) else strategy

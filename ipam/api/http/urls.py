"""The URL under which a client reaches the service: what a proxy changed is undone."""

import re

import falcon

from ipam.settings import Settings

_HOST = re.compile(r"[A-Za-z0-9.\-_:\[\]]{1,255}")


def public_url(req: falcon.Request, settings: Settings) -> str:
    """Scheme, host and prefix, no final slash: [api] public_url, or as the request has it."""
    if settings.api.public_url:
        return settings.api.public_url.rstrip("/")
    host = req.forwarded_host
    if not _HOST.fullmatch(host):  # a header a client wrote must not become part of a document
        host = "localhost"
    scheme = "https" if req.forwarded_scheme == "https" else "http"
    return f"{scheme}://{host}{req.root_path}".rstrip("/")

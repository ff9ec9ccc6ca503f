"""The URL by which a client reaches the service, even through a proxy."""

import re

import falcon

from ipam.settings import Settings

_HOST = re.compile(r"[A-Za-z0-9.\-_:\[\]]{1,255}")


def public_url(req: falcon.Request, settings: Settings) -> str:
    """Scheme, host and prefix without a final slash: [api] public_url, or those of the request."""
    if settings.api.public_url:
        return settings.api.public_url.rstrip("/")
    host = req.forwarded_host
    if not _HOST.fullmatch(host):  # a client's header must not become part of a document
        host = "localhost"
    scheme = "https" if req.forwarded_scheme == "https" else "http"
    return f"{scheme}://{host}{req.root_path}".rstrip("/")

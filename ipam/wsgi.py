"""The API for any WSGI server: `ipam.wsgi:application`.

Settings come from the files named in IPAM_CONFIG_FILE (separated by colons), or from
/etc/ipam/ipam.conf. The application is made when a server first asks for it, not on import, so
that each worker of a forking server makes its own.
"""

import os
from typing import Any

from ipam import log_lines, settings
from ipam.api.app import create_app
from ipam.api.serving import garbage_collection


def __getattr__(name: str) -> Any:
    if name != "application":
        raise AttributeError(name)
    log_lines.escape_records()  # the server formats them
    files = [path for path in os.environ.get("IPAM_CONFIG_FILE", "").split(":") if path]
    application = globals()["application"] = create_app(settings.load(files or None))
    garbage_collection.settle()
    return application

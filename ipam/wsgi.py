"""The API for any WSGI server: `ipam.wsgi:application`.

Settings come from the files named in IPAM_CONFIG_FILE (separated by colons), or from
/etc/ipam/ipam.conf. The application is made when a server first asks for it, not on import, so
that each worker of a forking server makes its own.
"""

import logging
import os
from typing import Any

from ipam import log_lines, settings
from ipam.api.app import create_app
from ipam.api.serving import garbage_collection

LOG = logging.getLogger(__name__)


def __getattr__(name: str) -> Any:
    if name != "application":
        raise AttributeError(name)
    log_lines.escape_records()  # the server formats them
    files = [path for path in os.environ.get("IPAM_CONFIG_FILE", "").split(":") if path]
    loaded = settings.load(files or None)
    for fault in settings.exposed_files(loaded):
        LOG.warning("%s", fault)
    application = globals()["application"] = create_app(loaded, wakes_distant=True)
    garbage_collection.settle()
    return application

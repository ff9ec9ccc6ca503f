"""How many connections the operating system lets this process have."""

import logging
import resource
from typing import Final

from ipam.api.serving.doors import OTHER_LOCAL_CONNECTIONS, TRUSTED_CONNECTIONS

LOG = logging.getLogger(__name__)

OTHER_FILES: Final = 256
"""Connections to the database, logs, what Python opens, and the local connections' bodies."""
FILES_OF_CONNECTION: Final = 2
"""Its socket, and a file for a long body."""


def connections(wanted: int) -> int:
    """How many TCP connections there may be: as many as wanted, or fewer, with a warning.

    Raises the soft limit of open files to what they need.
    """
    others = OTHER_FILES + TRUSTED_CONNECTIONS + OTHER_LOCAL_CONNECTIONS
    needed = others + FILES_OF_CONNECTION * wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    within_hard = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    allowed = needed if soft == resource.RLIM_INFINITY else max(soft, within_hard)
    if soft not in (allowed, resource.RLIM_INFINITY):
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    possible = max((allowed - others) // FILES_OF_CONNECTION, 1)
    if possible < wanted:
        LOG.warning(
            "With %d open files there may be %d connections, fewer than [api] max_connections"
            " (%d): raise LimitNOFILE.",
            *(allowed, possible, wanted),
        )
    return min(wanted, possible)

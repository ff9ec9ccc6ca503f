"""Leaves a line in this machine's system log of what a command changed without the API.

The API records its changes itself. Users are in a file, of which it knows nothing.
"""

import os
import syslog

from ipam.escaping import escaped


def record(done: str) -> None:
    """Log what was done, with who did it; facility auth. Without a system log nothing happens."""
    behind = os.environ.get("SUDO_USER", "")
    actor = f"uid {os.getuid()}" + (f", by sudo from {behind}" if behind else "")
    syslog.openlog("ipam", syslog.LOG_PID, syslog.LOG_AUTH)
    syslog.syslog(syslog.LOG_NOTICE, escaped(f"{done} ({actor})"))
    syslog.closelog()

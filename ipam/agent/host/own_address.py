"""By which address other hosts reach this one."""

import contextlib
import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

from ipam.settings.agent import AgentSettings


def wake_ip(settings: AgentSettings) -> str:
    """The address at which APIs of other hosts wake the agent; empty for none."""
    if settings.wake_ip or not settings.api_url:
        return settings.wake_ip
    url = urlsplit(settings.api_url)
    return own_ip_towards(url.hostname or "", url.port or 443)


def own_ip_towards(host: str, port: int) -> str:
    """The address from which this host reaches another.

    Empty if it reaches it by no address that is of use elsewhere, or does not know it.
    """
    with contextlib.suppress(OSError):
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        family, kind, protocol, _name, to = found[0]
        with socket.socket(family, kind, protocol) as asked:
            asked.connect(to)  # sends nothing
            own = ip_address(asked.getsockname()[0])
        return "" if own.is_loopback or own.is_link_local else str(own)
    return ""

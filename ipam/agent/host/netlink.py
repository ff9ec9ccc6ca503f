"""What changes through netlink need: indices, ignoring some refusals, and setting sysctls."""

import contextlib
import logging
import socket
from collections.abc import Iterator
from pathlib import Path

from pyroute2.netlink.exceptions import NetlinkError

IPV6_CONF = Path("/proc/sys/net/ipv6/conf")

logging.getLogger("pyroute2").setLevel(logging.WARNING)  # else it logs every netlink message


@contextlib.contextmanager
def unless(*codes: int) -> Iterator[None]:
    """Treat these answers of the kernel as success."""
    try:
        yield
    except NetlinkError as error:
        if error.code not in codes:
            raise


def indices_of(interface: str) -> list[int]:
    """The index of the interface in the namespace of this thread; none if it is gone.

    pyroute2's own look-up reads and decodes all links.
    """
    try:
        return [socket.if_nametoindex(interface)]
    except OSError:
        return []


def write_sysctl(path: Path, value: str) -> None:
    """Set the sysctl, if the kernel has it. A kernel without IPv6 lacks some."""
    with contextlib.suppress(FileNotFoundError):
        path.write_text(value)

"""What every change through netlink needs: which refusals are none, and a way to set a sysctl."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

from pyroute2.netlink.exceptions import NetlinkError

IPV6_CONF = Path("/proc/sys/net/ipv6/conf")

logging.getLogger("pyroute2").setLevel(logging.WARNING)  # it would log every netlink message


@contextlib.contextmanager
def unless(*codes: int) -> Iterator[None]:
    """Take these answers of the kernel for success."""
    try:
        yield
    except NetlinkError as error:
        if error.code not in codes:
            raise


def write_sysctl(path: Path, value: str) -> None:
    """Set it where the kernel has it; one without IPv6 does not."""
    with contextlib.suppress(FileNotFoundError):
        path.write_text(value)

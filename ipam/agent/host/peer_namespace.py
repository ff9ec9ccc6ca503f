"""In which network namespace the peer of a Unix socket is, as the kernel says."""

import fcntl
import os
import socket
from dataclasses import dataclass

from ipam.agent.host.namespaces import namespace_path

SIOCGSKNS = 0x894C
"""A descriptor of a socket's network namespace (linux/sockios.h); it needs CAP_NET_ADMIN."""


@dataclass(frozen=True, slots=True)
class NamespaceId:
    """A namespace for as long as it exists."""

    device: int
    inode: int


def peer_namespace(connection: socket.socket) -> NamespaceId:
    """The namespace in which the peer of an accepted Unix socket made its own socket.

    Linux gives the accepted socket the namespace of the one that connected. So no process id is
    looked up, which another process might have by then. Raises OSError if the kernel refuses.
    """
    descriptor = fcntl.ioctl(connection, SIOCGSKNS)
    try:
        found = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    return NamespaceId(found.st_dev, found.st_ino)


def network_namespace(network_id: str) -> NamespaceId | None:
    """The namespace of a network on this host; None if it has none."""
    try:
        found = os.stat(namespace_path(network_id))  # noqa: PTH116  # at each lease event
    except OSError:
        return None
    return NamespaceId(found.st_dev, found.st_ino)

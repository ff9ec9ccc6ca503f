"""The two sockets that the API server listens on: a Unix socket, and TCP."""

import errno
import socket
from pathlib import Path
from typing import Final

from ipam import files

SOCKET_MODE: Final = 0o666
"""Everyone may connect. The kernel tells the peer's uid, which decides."""


class CannotListen(Exception):  # noqa: N818  # a refusal, named like the ones in ipam.errors
    """The address to listen on is taken or is not valid. str() says which."""


def unix_listener(path: Path) -> socket.socket:
    """A listening Unix socket at this path. One that nobody listens on is replaced."""
    files.make_directory(path.parent, files.PUBLIC_DIRECTORY)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(path)
        listener.bind(str(path))
        listener.listen()  # whoever sees the file may connect, and no other server replaces it
        files.open_socket_file(path, SOCKET_MODE)
    except OSError as error:
        listener.close()
        raise CannotListen(
            f"Cannot listen on the socket {path}: {error.strerror or error}."
        ) from error
    except CannotListen:
        listener.close()
        raise
    return listener


def tcp_listener(host: str, port: int) -> socket.socket:
    """A bound TCP socket. Port 0 means any free port."""
    listener = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        # A restarted server can bind its port while old connections are in TIME_WAIT.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()  # two servers may bind one port, but only one may listen
    except OSError as error:
        if listener is not None:
            listener.close()
        raise CannotListen(_why_not(host, port, error)) from error
    return listener


def _remove_stale(path: Path) -> None:
    if not path.is_socket():  # for other files bind reports the error
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
    raise CannotListen(
        f"Another process listens on the socket {path}; is the API running already?"
    )


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} of {host} is in use by another process;"
            " set [api] bind_port to another, or 0 for a free one."
        )
    return f"Cannot listen on {host} port {port}: {error.strerror or error}."

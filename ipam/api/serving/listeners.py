"""The two doors of the API server: a Unix socket that knows its peers, and TCP.

All that touches waitress's inside stands here. waitress makes one server object per socket; both
share a task dispatcher (the threads) and a socket map (the loop).
"""

import errno
import socket
import struct
import time
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any, Final

import msgspec
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer, UnixWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher, WSGITask
from waitress.utilities import RequestEntityTooLarge

from ipam.identity.authentication import PEER_UID

SOCKET_MODE: Final = 0o666
"""Everyone may connect: the kernel says who it is, and that decides."""
SOCKET_DIRECTORY_MODE: Final = 0o755
DRAIN_LIMIT_BYTES: Final = 64 * 1024 * 1024
"""Of a body that is too long, this much is read and dropped so that the client sees its 413."""

_UCRED = struct.Struct("iII")  # struct ucred of unix(7): pid, uid, gid
_ERROR_TYPES = {400: "HTTPBadRequest", 413: "HTTPRequestEntityTooLarge"}

WsgiApplication = Callable[..., Any]


class DoorInUse(Exception):  # noqa: N818  # a refusal, named like the ones in ipam.errors
    """The address that the server should listen on is taken, or is none; str() says which."""


def unix_listener(path: Path) -> socket.socket:
    """A bound Unix socket at this path. A socket nobody listens on is replaced."""
    path.parent.mkdir(mode=SOCKET_DIRECTORY_MODE, parents=True, exist_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(path)
        listener.bind(str(path))
        path.chmod(SOCKET_MODE)
    except OSError as error:
        listener.close()
        raise DoorInUse(
            f"Cannot listen on the socket {path}: {error.strerror or error}."
        ) from error
    except DoorInUse:
        listener.close()
        raise
    return listener


def tcp_listener(host: str, port: int) -> socket.socket:
    """A bound TCP socket; port 0 takes a free one."""
    listener = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        # A restarted server takes its port back while old connections are in TIME_WAIT.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()  # two servers may bind one port, only one may listen
    except OSError as error:
        if listener is not None:
            listener.close()
        raise DoorInUse(_why_not(host, port, error)) from error
    return listener


def unix_server(application: WsgiApplication, listener: socket.socket, **shared: Any) -> Any:
    """The waitress server of the Unix socket; `shared` holds adj, dispatcher and map."""
    return _UnixServer(
        application, _sock=listener, bind_socket=False, **_sockinfo(listener, shared)
    )


def tcp_server(application: WsgiApplication, listener: socket.socket, **shared: Any) -> Any:
    """The waitress server of the TCP socket; `shared` holds adj, dispatcher and map."""
    return _TcpServer(
        application, _sock=listener, bind_socket=False, **_sockinfo(listener, shared)
    )


def dispatcher(threads: int) -> ThreadedTaskDispatcher:
    """The threads that both doors share."""
    made = ThreadedTaskDispatcher()
    # More requests than threads is what a queue is for, and not worth a line each.
    made.queue_logger.disabled = True
    made.set_thread_count(threads)
    return made


def adjustments(*, threads: int, max_body_bytes: int) -> Adjustments:
    """The settings of waitress."""
    return Adjustments(
        threads=threads,
        # One above what the API reads: a body of exactly the limit is let through.
        max_request_body_size=max_body_bytes + 1,
        max_request_header_size=65536,
        # Agents and Nova keep connections open; a process may have 1,024 files by default.
        connection_limit=800,
        asyncore_use_poll=True,
        log_socket_errors=False,
        clear_untrusted_proxy_headers=False,
        ident=None,
    )


def _sockinfo(listener: socket.socket, shared: MutableMapping[str, Any]) -> dict[str, Any]:
    info = (listener.family, listener.type, listener.proto, listener.getsockname())
    return {**shared, "sockinfo": info}


def _remove_stale(path: Path) -> None:
    if not path.is_socket():  # anything else makes bind say what is wrong
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
    raise DoorInUse(f"Another process listens on the socket {path}; is the API running already?")


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} of {host} is in use by another process;"
            " set [api] bind_port to another, or 0 for a free one."
        )
    return f"Cannot listen on {host} port {port}: {error.strerror or error}."


class _Parser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    """Reads a body that is too long to its end, keeping none of it.

    waitress answers at once and closes; a client that is still sending then sees a reset
    connection in place of the answer.
    """

    _to_drain = 0

    def received(self, data: bytes) -> int:
        if self._to_drain:
            taken = min(len(data), self._to_drain)
            self._to_drain -= taken
            self.completed = self._to_drain == 0
            return taken
        consumed: int = super().received(data)
        if self._is_refused_unread():
            self._to_drain = self.content_length
            self.completed = False
        return consumed

    def _is_refused_unread(self) -> bool:
        return (
            isinstance(self.error, RequestEntityTooLarge)
            and self.body_bytes_received == 0
            and not self.expect_continue  # that client waits for the answer before it sends
            and 0 < self.content_length <= DRAIN_LIMIT_BYTES
        )


class _ErrorTask(ErrorTask):  # type: ignore[misc]  # waitress has no types
    """What waitress refuses by itself, in the form of every other error of this API."""

    def execute(self) -> None:
        error = self.request.error
        kind = _ERROR_TYPES.get(error.code, "HTTPBadRequest" if error.code < 500 else "Bug")
        body = msgspec.json.encode(
            {
                "NeutronError": {
                    "type": kind,
                    "message": f"{error.reason}: {error.body}",
                    "detail": "",
                }
            }
        )
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Task(WSGITask):  # type: ignore[misc]  # waitress has no types
    """Tells the client of a server that is stopping to ask on another connection next time."""

    def build_response_header(self) -> bytes:
        if not self.channel.server.accepting:
            self.set_close_on_finish()
        header: bytes = super().build_response_header()
        return header


class _Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    error_task_class = _ErrorTask
    parser_class = _Parser
    task_class = _Task

    def write_soon(self, data: Any) -> int:
        # waitress notes this after the answer; a stop must see at once that it is on its way.
        self.last_activity = time.time()
        written: int = super().write_soon(data)
        return written


class _PeerTask(_Task):
    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ[PEER_UID] = self.channel.peer_uid
        return environ


class _PeerChannel(_Channel):
    """Asks the kernel who is at the other end, once, when the connection is accepted."""

    task_class = _PeerTask

    def __init__(self, server: Any, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
        _, self.peer_uid, _ = _UCRED.unpack(credentials)
        super().__init__(server, sock, *args, **kwargs)


class _UnixServer(UnixWSGIServer):  # type: ignore[misc]  # waitress has no types
    channel_class = _PeerChannel


class _TcpServer(TcpWSGIServer):  # type: ignore[misc]  # waitress has no types
    channel_class = _Channel

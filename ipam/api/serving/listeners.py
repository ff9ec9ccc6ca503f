"""The two listeners of the API server: a Unix socket that knows its peers, and TCP.

Only this module uses waitress's internals. waitress makes one server object per socket. Both share
a task dispatcher (the threads) and a socket map (the loop).
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

from ipam import files
from ipam.identity.authentication import PEER_UID

SOCKET_MODE: Final = 0o666
"""Everyone may connect. The kernel tells the peer's uid, which decides."""
DRAIN_LIMIT_BYTES: Final = 64 * 1024 * 1024
"""How much of a too long body is read and dropped, so that the client sees its 413."""

_UCRED = struct.Struct("iII")  # struct ucred of unix(7): pid, uid, gid
_ERROR_TYPES = {400: "HTTPBadRequest", 413: "HTTPRequestEntityTooLarge"}

WsgiApplication = Callable[..., Any]


class CannotListen(Exception):  # noqa: N818  # a refusal, named like the ones in ipam.errors
    """The address to listen on is taken or is not valid. str() says which."""


def unix_listener(path: Path) -> socket.socket:
    """A bound Unix socket at this path. A socket nobody listens on is replaced."""
    files.make_directory(path.parent, files.PUBLIC_DIRECTORY)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(path)
        listener.bind(str(path))
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


def unix_server(application: WsgiApplication, listener: socket.socket, **shared: Any) -> Any:
    """The waitress server of the Unix socket. `shared` has adj, dispatcher and map."""
    return _UnixServer(
        application, _sock=listener, bind_socket=False, **_sockinfo(listener, shared)
    )


def tcp_server(application: WsgiApplication, listener: socket.socket, **shared: Any) -> Any:
    """The waitress server of the TCP socket. `shared` has adj, dispatcher and map."""
    return _TcpServer(
        application, _sock=listener, bind_socket=False, **_sockinfo(listener, shared)
    )


def dispatcher(threads: int) -> ThreadedTaskDispatcher:
    """The threads that both listeners share."""
    made = ThreadedTaskDispatcher()
    # It would log a line for each request that waits in the queue.
    made.queue_logger.disabled = True
    made.set_thread_count(threads)
    return made


def adjustments(*, threads: int, max_body_bytes: int) -> Adjustments:
    """The settings of waitress."""
    return Adjustments(
        threads=threads,
        # One more than the API reads, so that a body of exactly the limit passes.
        max_request_body_size=max_body_bytes + 1,
        max_request_header_size=65536,
        # Agents and Nova keep connections open. By default a process may have 1,024 files.
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


class _Parser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    """Reads a body that is too long to its end, and keeps nothing of it.

    waitress would answer at once and close. A client that is still sending would see a reset
    connection instead of the answer.
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
    """Gives waitress's own errors the form of the API's errors."""

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
    """Tells clients of a stopping server to use another connection for the next request."""

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
        # waitress sets this after the answer. A stop must see at once that an answer is being
        # sent.
        self.last_activity = time.time()
        written: int = super().write_soon(data)
        return written


class _PeerTask(_Task):
    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ[PEER_UID] = self.channel.peer_uid
        return environ


class _PeerChannel(_Channel):
    """Asks the kernel for the peer's uid, once, when the connection is accepted."""

    task_class = _PeerTask

    def __init__(self, server: Any, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
        _, self.peer_uid, _ = _UCRED.unpack(credentials)
        super().__init__(server, sock, *args, **kwargs)


class _UnixServer(UnixWSGIServer):  # type: ignore[misc]  # waitress has no types
    channel_class = _PeerChannel


class _TcpServer(TcpWSGIServer):  # type: ignore[misc]  # waitress has no types
    channel_class = _Channel

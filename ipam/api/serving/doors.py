"""The doors of the API: each is a socket with a loop, connections and limits of its own.

Whatever happens at one door, the other one works. A door has a thread that accepts, reads and
writes, and other threads work on the requests. Requests of local users without rights of their
own come in at the Unix socket, but share the threads of TCP.
"""

import errno
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.server import BaseWSGIServer, TcpWSGIServer, UnixWSGIServer
from waitress.task import ThreadedTaskDispatcher

from ipam.api.serving import draining
from ipam.api.serving.channels import Channel, PeerChannel
from ipam.api.serving.fair_queue import FairQueue
from ipam.api.serving.patience import who_gives_way
from ipam.api.serving.sockets import Sockets
from ipam.api.serving.tls_channels import TlsChannel
from ipam.tls import CurrentContext

LOG = logging.getLogger(__name__)

TRUSTED_CONNECTIONS: Final = 200
"""Of root and the service's own user: agent, worker, command line."""
OTHER_LOCAL_CONNECTIONS: Final = 64
"""Of all other users of this machine, at the Unix socket."""
CHECK_SECONDS: Final = 1
LOOP_SECONDS: Final = 1.0
THREADS_END_SECONDS: Final = 0.3
IN_MEMORY_BYTES: Final = 65536
"""A longer body that arrives is kept in a file, because hundreds may be arriving."""
UNREAD_BYTES: Final = 1_048_576
"""A client that has not read so much of its answers gets no further one."""
UNSENT_BYTES: Final = 262_144
"""So much that has not left yet the kernel takes for a connection. Without this bound it takes
megabytes, and who reads nothing would have many answers made."""
FULL_AGAIN_SECONDS: Final = 60.0
"""How often the log says at most that a door is full."""

WsgiApplication = Callable[..., Any]


class Threads(ThreadedTaskDispatcher):  # type: ignore[misc]  # waitress has no types
    """Threads that work on requests."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.queue = FairQueue()
        # It would log a line for each request that waits in the queue.
        self.queue_logger.disabled = True
        self.set_thread_count(number)

    def end(self) -> None:
        """End the threads, and drop what still waits."""
        self.shutdown(timeout=THREADS_END_SECONDS)


class _Server(BaseWSGIServer):  # type: ignore[misc]  # waitress has no types
    """Accepts every connection, and closes another for it if there are too many."""

    max_connections: int
    _said_full_at = float("-inf")

    def handle_accept(self) -> None:
        try:
            accepted = self.accept()
            if accepted is None:
                return
            connection, address = accepted
            self.set_socket_options(connection)
            channel = self.channel_class(
                self, connection, self.fix_addr(address), self.adj, map=self._map
            )
        except OSError as error:  # or the client is away again
            if error.errno in (errno.EMFILE, errno.ENFILE) and self.active_channels:
                who_gives_way(list(self.active_channels.values())).drop()
            return
        alike = self.alike(channel)
        if len(alike) > self.limit(channel):
            self._make_room(alike)

    def add_task(self, channel: Channel) -> None:
        """Have a thread work on the connection's next request, if its client may have it now."""
        if not channel.has_to_read():
            self.threads_for(channel).add_task(channel)

    def threads_for(self, channel: Channel) -> Any:
        """The threads that work for this connection."""
        _ = channel
        return self.task_dispatcher

    def alike(self, channel: Channel) -> list[Channel]:
        """The connections that count together with this one, itself included."""
        _ = channel
        return list(self.active_channels.values())

    def limit(self, channel: Channel) -> int:
        """How many connections like this one there may be."""
        _ = channel
        return self.max_connections

    def readable(self) -> bool:
        """Whether it accepts connections."""
        accepts: bool = self.accepting
        return accepts

    def pull_trigger(self) -> None:
        """Do nothing: a connection itself tells the kernel what it waits for.

        waitress wakes its loop after each answer, so that the loop asks every connection.
        """

    def maintenance(self, now: float) -> None:
        """Check every connection. The loop calls it every CHECK_SECONDS."""
        for channel in list(self.active_channels.values()):
            channel.check(now)

    def _make_room(self, channels: list[Channel]) -> None:
        """Close one of the connections, the last of which is the newest."""
        self._say_full(len(channels) - 1)
        leaving = who_gives_way(channels)
        if leaving is channels[-1]:
            leaving.refuse()
        else:
            leaving.drop()

    def _say_full(self, number: int) -> None:
        now = time.monotonic()
        if now - self._said_full_at > FULL_AGAIN_SECONDS:
            self._said_full_at = now
            LOG.warning(
                "%s is full with %d connections: for each new one, one that waits for its client"
                " is closed.",
                *(self.name, number),
            )


class _TcpServer(_Server, TcpWSGIServer):  # type: ignore[misc]  # waitress has no types
    channel_class = Channel
    name = "TCP"

    def set_socket_options(self, connection: socket.socket) -> None:
        super().set_socket_options(connection)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)


class _TlsServer(_TcpServer):
    channel_class = TlsChannel
    tls: CurrentContext


class _UnixServer(_Server, UnixWSGIServer):  # type: ignore[misc]  # waitress has no types
    channel_class = PeerChannel
    name = "The socket"
    threads_for_others: Threads

    def threads_for(self, channel: Channel) -> Any:
        return self.task_dispatcher if channel.is_trusted else self.threads_for_others

    def alike(self, channel: Channel) -> list[Channel]:
        all_channels = self.active_channels.values()
        return [each for each in all_channels if each.is_trusted == channel.is_trusted]

    def limit(self, channel: Channel) -> int:
        return TRUSTED_CONNECTIONS if channel.is_trusted else OTHER_LOCAL_CONNECTIONS


class Door:
    """A listening socket with its loop. `run` serves until `stop`."""

    def __init__(self, server: Any, sockets: Sockets) -> None:
        self.server = server
        self._sockets = sockets
        self._check_at = 0.0
        self._stopping = False
        self._closed = False
        self._closing = threading.RLock()  # a signal handler may interrupt `close`

    def run(self, before_close: Callable[[], None] = lambda: None) -> None:
        """Answer requests until `stop`, then those that were sent before it.

        Calls `before_close` before the listening socket is closed.
        """
        while not self._stopping:
            self._turn(LOOP_SECONDS)
        before_close()
        self._close_listener()
        deadline = time.monotonic() + draining.DRAIN_SECONDS
        while not self._is_drained() and time.monotonic() < deadline:
            self._turn(0.05)

    def stop(self) -> None:
        """Make `run` return soon. A signal handler or another thread may call it."""
        self._stopping = True
        with self._closing:
            if not self._closed:
                self.server.trigger.pull_trigger()

    def close(self) -> None:
        """Close every connection."""
        with self._closing:
            self._closed = True
        self._sockets.close()

    def _turn(self, seconds: float) -> None:
        self._sockets.turn(seconds)
        now = time.time()
        if now >= self._check_at:
            self._check_at = now + CHECK_SECONDS
            self.server.maintenance(now)

    def _is_drained(self) -> bool:
        """Whether no client waits for an answer or has sent anything that was not read yet."""
        if self._is_busy():
            return False
        self._turn(0)  # a busy channel was not read: this sees what it has sent
        return not self._is_busy()

    def _is_busy(self) -> bool:
        return any(map(draining.is_under_way, list(self.server.active_channels.values())))

    def _close_listener(self) -> None:
        """Accept the connections that wait, and no others."""
        draining.accept_waiting(self.server)
        self.server.accepting = False
        wasyncore.dispatcher.close(self.server)


def tcp_door(
    application: WsgiApplication,
    listener: socket.socket,
    *,
    threads: Threads,
    max_connections: int,
    max_body_bytes: int,
    tls: CurrentContext | None = None,
) -> Door:
    """The door of everyone who comes by TCP, with TLS if there is a context."""
    server_class = _TlsServer if tls else _TcpServer
    door = _door(server_class, application, listener, threads, max_body_bytes)
    door.server.max_connections = max_connections
    door.server.tls = tls
    return door


def unix_door(
    application: WsgiApplication,
    listener: socket.socket,
    *,
    threads: Threads,
    threads_for_others: Threads,
    max_body_bytes: int,
) -> Door:
    """The door of root and the service's own user, at which other local users may knock."""
    door = _door(_UnixServer, application, listener, threads, max_body_bytes)
    door.server.threads_for_others = threads_for_others
    return door


def _door(
    server_class: type[_Server],
    application: WsgiApplication,
    listener: socket.socket,
    threads: Threads,
    max_body_bytes: int,
) -> Door:
    sockets = Sockets()
    server = server_class(
        application,
        map=sockets,
        _sock=listener,
        bind_socket=False,
        dispatcher=threads,
        adj=_adjustments(max_body_bytes, "https" if server_class is _TlsServer else "http"),
        sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
    )
    return Door(server, sockets)


def _adjustments(max_body_bytes: int, url_scheme: str) -> Adjustments:
    return Adjustments(
        url_scheme=url_scheme,
        # One more than the API reads, so that a body of exactly the limit passes.
        max_request_body_size=max_body_bytes + 1,
        max_request_header_size=65536,
        inbuf_overflow=IN_MEMORY_BYTES,
        outbuf_high_watermark=UNREAD_BYTES,
        connection_limit=sys.maxsize,  # `_Server` counts
        log_socket_errors=False,
        clear_untrusted_proxy_headers=False,
        ident=None,
        # The loop goes on reading while a request is worked on, and so sees a client leave.
        channel_request_lookahead=1,
    )

"""`ipam api`: a process with threads that serves the API on a Unix socket and TCP."""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any, Final, NoReturn

from waitress import wasyncore

from ipam import systemd
from ipam.api.app import create_app
from ipam.api.serving import draining, garbage_collection, listeners
from ipam.errors import DatabaseUnavailable
from ipam.escaping import escaped
from ipam.settings import Settings
from ipam.store import schema
from ipam.store.engine.database import Database

LOG = logging.getLogger(__name__)

THREADS_END_SECONDS: Final = 0.3
LOOP_SECONDS: Final = 1.0


class Server:
    """A server with both listeners bound. It answers nothing before `run`."""

    def __init__(self, application: listeners.WsgiApplication, settings: Settings) -> None:
        """Raises CannotListen, and leaves nothing behind, if a listener cannot be made."""
        api = settings.api
        tcp = listeners.tcp_listener(api.bind_host, api.bind_port)
        self.socket_path = api.socket
        try:
            unix = listeners.unix_listener(self.socket_path)
        except listeners.CannotListen:
            tcp.close()
            raise
        self._socket_status = self.socket_path.stat()
        self._map: dict[int, Any] = {}
        self._dispatcher = listeners.dispatcher(api.threads)
        adj = listeners.adjustments(threads=api.threads, max_body_bytes=api.max_body_bytes)
        shared = {"adj": adj, "dispatcher": self._dispatcher, "map": self._map}
        self._tcp = listeners.tcp_server(application, tcp, **shared)
        self._unix = listeners.unix_server(application, unix, **shared)
        self._stopping = False

    @property
    def url(self) -> str:
        """The URL of the TCP listener, with its actual port."""
        host, port = self._tcp.effective_host, self._tcp.effective_port
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def run(self) -> None:
        """Answer requests until `stop`, then those that were sent before it."""
        while not self._stopping:
            self._turn(LOOP_SECONDS)
        self._close_listeners()
        deadline = time.monotonic() + draining.DRAIN_SECONDS
        while not self._is_drained() and time.monotonic() < deadline:
            self._turn(0.05)
        self._dispatcher.shutdown(timeout=THREADS_END_SECONDS)
        wasyncore.close_all(self._map, ignore_all=True)

    def stop(self) -> None:
        """Make `run` return soon. A signal handler or another thread may call it."""
        self._stopping = True
        self._tcp.pull_trigger()

    def _turn(self, seconds: float) -> None:
        wasyncore.loop(timeout=seconds, use_poll=True, map=self._map, count=1)

    def _is_drained(self) -> bool:
        """Whether no client waits for an answer or has sent anything that was not read yet."""
        if self._is_busy():
            return False
        self._turn(0)  # a busy channel was not read: this sees what it has sent
        return not self._is_busy()

    def _is_busy(self) -> bool:
        channels = [*self._tcp.active_channels.values(), *self._unix.active_channels.values()]
        return any(map(draining.is_under_way, channels))

    def _close_listeners(self) -> None:
        """Accept the connections that wait, and no others."""
        self._remove_socket()
        for listener in (self._tcp, self._unix):
            draining.accept_waiting(listener)
            listener.accepting = False
            wasyncore.dispatcher.close(listener)

    def _remove_socket(self) -> None:
        """Remove the socket's file, unless a successor has made its own."""
        try:
            now = self.socket_path.stat()
        except FileNotFoundError:
            return
        if (now.st_dev, now.st_ino) == (self._socket_status.st_dev, self._socket_status.st_ino):
            self.socket_path.unlink(missing_ok=True)


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Exits with status 1 and one line if it cannot start."""
    _require_schema(settings)
    try:
        server = Server(create_app(settings), settings)
    except listeners.CannotListen as error:
        _give_up(str(error))
    garbage_collection.settle()
    _on_stop_signals(server.stop)
    LOG.info("Listening on %s and on the socket %s", server.url, server.socket_path)
    systemd.notify("READY=1")
    server.run()
    systemd.notify("STOPPING=1")
    LOG.info("Stopped.")


def _require_schema(settings: Settings) -> None:
    """Refuse to start if the database has another schema than this program's.

    A database that does not answer does not prevent the start. Until it does, every answer is a
    503.
    """
    database = Database(settings.database.connection, pool_size=1, max_attempts=1)
    try:
        if not schema.is_current(database):
            _give_up("The database schema is not current: run `ipam db upgrade`.")
    except DatabaseUnavailable as error:
        LOG.warning("The database is away (%s); answering 503 until it is back.", error)
    finally:
        database.dispose()


def _on_stop_signals(stop: Callable[[], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop())


def _give_up(reason: str) -> NoReturn:
    print(f"ipam api: {escaped(reason)}", file=sys.stderr)  # noqa: T201  # for whoever started it
    sys.exit(os.EX_OK + 1)

"""`ipam api`: a process with threads that serves the API on a Unix socket and TCP."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NoReturn

from ipam import systemd
from ipam.api.app import create_app
from ipam.api.serving import doors, garbage_collection, heap, listeners, open_files
from ipam.errors import DatabaseUnavailable, SettingsUnfit
from ipam.escaping import escaped
from ipam.settings import Settings
from ipam.settings.api import ApiSettings
from ipam.store import schema
from ipam.store.engine.database import Database
from ipam.tls import CurrentContext, TlsFiles, server_context

LOG = logging.getLogger(__name__)

SWITCH_SECONDS: Final = 0.0005
"""How long a thread that computes keeps others waiting; Python's default is 5 ms.

A short request waits so long after each answer of the database, and for each thread that computes.
"""


class Server:
    """A server with both doors bound. It answers nothing before `run`."""

    def __init__(self, application: doors.WsgiApplication, settings: Settings) -> None:
        """Leaves nothing behind if it raises.

        Raises CannotListen if a listener cannot be made, and SettingsUnfit if TLS does not work.
        """
        api = settings.api
        tls = _tls(api)
        tcp = listeners.tcp_listener(api.bind_host, api.bind_port)
        self.socket_path = api.socket
        try:
            unix = listeners.unix_listener(self.socket_path)
        except listeners.CannotListen:
            tcp.close()
            raise
        self._socket_status = self.socket_path.stat()
        self._threads = doors.Threads(api.threads)
        self._local_threads = doors.Threads(api.threads)
        self._tcp = doors.tcp_door(
            application,
            tcp,
            threads=self._threads,
            max_connections=open_files.connections(api.max_connections),
            max_body_bytes=api.max_body_bytes,
            tls=tls,
        )
        self._scheme = "https" if tls else "http"
        self._unix = doors.unix_door(
            application,
            unix,
            threads=self._local_threads,
            threads_for_others=self._threads,
            max_body_bytes=api.max_body_bytes,
        )

    @property
    def url(self) -> str:
        """The URL of the TCP listener, with its actual port."""
        host, port = self._tcp.server.effective_host, self._tcp.server.effective_port
        return f"{self._scheme}://" + (f"[{host}]:{port}" if ":" in host else f"{host}:{port}")

    def run(self) -> None:
        """Answer requests until `stop`, then those that were sent before it."""
        sys.setswitchinterval(SWITCH_SECONDS)
        stopped = threading.Event()
        with ThreadPoolExecutor(2, "server") as others:
            others.submit(garbage_collection.tidy_until, stopped)
            tcp = others.submit(self._run_tcp)
            try:
                self._unix.run(before_close=self._remove_socket)
            finally:
                self.stop()
                stopped.set()
            tcp.result()
        self._threads.end()
        self._local_threads.end()
        self._tcp.close()
        self._unix.close()

    def stop(self) -> None:
        """Make `run` return soon. A signal handler or another thread may call it."""
        self._tcp.stop()
        self._unix.stop()

    def _run_tcp(self) -> None:
        try:
            self._tcp.run()
        finally:
            self._unix.stop()  # no server without TCP

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
    heap.share()
    _require_schema(settings)
    try:
        server = Server(create_app(settings, wakes_distant=True), settings)
    except (listeners.CannotListen, SettingsUnfit) as error:
        _give_up(str(error))
    garbage_collection.settle()
    _on_stop_signals(server.stop)
    LOG.info("Listening on %s and on the socket %s", server.url, server.socket_path)
    systemd.notify("READY=1")
    server.run()
    systemd.notify("STOPPING=1")
    LOG.info("Stopped.")


def _tls(api: ApiSettings) -> CurrentContext | None:
    """The context of TLS, or None if there is no certificate."""
    if api.tls_certificate_file is None:
        return None
    files = TlsFiles(
        api.tls_certificate_file,
        api.tls_key_file,
        api.tls_client_ca_file,
        api.tls_minimum_version,
    )
    return server_context(files, require_client_certificate=api.tls_require_client_certificate)


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

"""Both doors of the API in this process, before an application that does as it is told."""

import contextlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ipam.api.serving import doors, listeners
from ipam.identity.authentication import PEER_UID
from ipam.tls import CurrentContext
from tests.waiting import PATIENCE_SECONDS

LONG_BYTES = 64 * 1024 * 1024
MIDDLING_BYTES = 1_000_000
SIZES = {"/long": LONG_BYTES, "/middling": MIDDLING_BYTES}
CONNECTIONS = 20
BODY_BYTES = 1000


class Application:
    """Answers at once, at length, or when it is told."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.go_on.set()
        self.paths: list[str] = []
        self.environ: dict[str, Any] = {}
        """Of the latest request."""

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        path = environ["PATH_INFO"]
        self.paths.append(path)
        self.environ = environ
        environ["wsgi.input"].read()
        if path.startswith("/slow"):
            assert self.go_on.wait(PATIENCE_SECONDS)
        size = SIZES.get(path)
        body = bytes(size) if size else str(environ.get(PEER_UID)).encode()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]


class Place:
    """Both doors, open."""

    def __init__(self, directory: Path, tls: CurrentContext | None = None) -> None:
        self.application = Application()
        self.threads, self.own = doors.Threads(2), doors.Threads(2)
        self.path = directory / "api.sock"
        listener = listeners.tcp_listener("127.0.0.1", 0)
        self.port = listener.getsockname()[1]
        self.tcp = doors.tcp_door(
            self.application,
            listener,
            threads=self.threads,
            max_connections=CONNECTIONS,
            max_body_bytes=BODY_BYTES,
            tls=tls,
        )
        self.unix = doors.unix_door(
            self.application,
            listeners.unix_listener(self.path),
            threads=self.own,
            threads_for_others=self.threads,
            max_body_bytes=BODY_BYTES,
        )
        self.opened = contextlib.ExitStack()
        self._runs = [threading.Thread(target=each.run) for each in (self.tcp, self.unix)]
        for each in self._runs:
            each.start()

    def close(self) -> None:
        self.application.go_on.set()
        self.opened.close()
        for door, run in zip((self.tcp, self.unix), self._runs, strict=True):
            door.stop()
            run.join()
        for threads in (self.threads, self.own):
            threads.end()
        for door in (self.tcp, self.unix):
            door.close()

    def by_tcp(self, sent: bytes = b"", source: str = "127.0.0.1") -> socket.socket:
        channel = self.opened.enter_context(socket.socket())
        channel.settimeout(PATIENCE_SECONDS)
        channel.bind((source, 0))
        channel.connect(("127.0.0.1", self.port))
        channel.sendall(sent)
        return channel

    def by_unix(self, sent: bytes = b"") -> socket.socket:
        channel = self.opened.enter_context(socket.socket(socket.AF_UNIX))
        channel.settimeout(PATIENCE_SECONDS)
        channel.connect(str(self.path))
        channel.sendall(sent)
        return channel

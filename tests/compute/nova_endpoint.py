"""A small HTTP server whose answers to os-server-external-events a test chooses."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any, TypeAlias

from tests.servers.quiet_server import QuietHttpServer

Events: TypeAlias = list[dict[str, Any]]
Answer: TypeAlias = tuple[int, Any]
"""Status, and the body: what becomes JSON, or bytes as they are."""


def by_code(code_of: Callable[[dict[str, Any]], int]) -> Callable[[Events], Answer]:
    """Nova's answer where each event has the code that the function gives."""

    def answer(events: Events) -> Answer:
        codes = [code_of(event) for event in events]
        words = [
            {**event, "status": "completed" if code == 200 else "failed", "code": code}
            for event, code in zip(events, codes, strict=True)
        ]
        return (207 if set(codes) - {200} else 200), {"events": words}

    return answer


ACCEPTS = by_code(lambda _event: 200)


class NovaEndpoint:
    """Listens on loopback; notes the events of each request, heard or not."""

    def __init__(self, port: int = 0) -> None:
        self.answer: Callable[[Events], Answer] = ACCEPTS
        self.batches: list[Events] = []
        self.headers: list[dict[str, str]] = []
        self.heard: list[tuple[str, str, str]] = []
        """Name, server and port of each event that was given 200."""
        self._lock = threading.Lock()
        self._connections: list[socket.socket] = []
        self._server = QuietHttpServer(("127.0.0.1", port), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """As the catalog has it."""
        return f"http://127.0.0.1:{self.port}/v2.1"

    def settings(self) -> str:
        """The lines of [nova] that lead here without signing in."""
        return f"[nova]\nauth_type = none\nendpoint_override = {self.url}\n"

    def close(self) -> None:
        """Nobody listens any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def take(self, headers: dict[str, str], events: Events) -> Answer:
        """Note a request and give its answer."""
        with self._lock:
            self.batches.append(events)
            self.headers.append(headers)
        status, body = self.answer(events)
        if status in (200, 207) and isinstance(body, dict):
            taken = [each for each in body.get("events") or [] if each.keys() > {"code", "tag"}]
            with self._lock:
                self.heard += [
                    (each["name"], each["server_uuid"], each["tag"])
                    for each in taken
                    if each["code"] == 200
                ]
        return status, body

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # an answer in one packet: in two, the second waits for an ACK

            def setup(self) -> None:
                super().setup()
                endpoint._connections.append(self.connection)

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                body: Any
                if self.path != "/v2.1/os-server-external-events":
                    status, body = 404, b""
                else:
                    found = {name.lower(): value for name, value in self.headers.items()}
                    status, body = endpoint.take(found, json.loads(raw)["events"])
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                self.wfile.flush()

            def log_message(self, *_words: object) -> None:
                """Nothing: what it got is noted."""

        return Handler

"""Servers for tests: their threads end with the test, and they do not log lost clients."""

import socketserver
import sys
from http.server import HTTPServer
from typing import Any


class QuietThreads(socketserver.ThreadingMixIn):
    """A mix-in for socketserver's servers."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that is killed, or gives up, is the test's own doing."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[misc]  # of the server


class QuietHttpServer(QuietThreads, HTTPServer):
    """HTTP on loopback."""

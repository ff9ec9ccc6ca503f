import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any

from ipam.api.serving.server import Server
from ipam.settings import Settings
from tests.changed_settings import changed
from tests.waiting import PATIENCE_SECONDS, eventually


def test_a_request_is_told_that_its_client_has_left(settings: Settings) -> None:
    begun, left = threading.Event(), threading.Event()

    def application(environ: dict[str, Any], start: Callable[..., Any]) -> Sequence[bytes]:
        is_gone = environ["waitress.client_disconnected"]
        assert not is_gone()
        begun.set()
        eventually(is_gone, "the client's end is seen")
        left.set()
        start("204 No Content", [])
        return []

    server = Server(application, changed(settings, "api", bind_port=0))
    running = threading.Thread(target=server.run)
    running.start()
    try:
        host, _, port = server.url.removeprefix("http://").rpartition(":")
        with socket.create_connection((host, int(port)), PATIENCE_SECONDS) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert begun.wait(PATIENCE_SECONDS)
        assert left.wait(PATIENCE_SECONDS)
    finally:
        server.stop()
        running.join()

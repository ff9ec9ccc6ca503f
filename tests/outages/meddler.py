"""What is between an agent and the API, and may answer in its stead, late, or not at all."""

import contextlib
import select
import socket
import threading
import time
from pathlib import Path
from typing import Final

HTML: Final = b"<html><body>Please sign in.</body></html>"


def _answer(status: str, body: bytes = b"", *more: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *more]
    return "\r\n".join([*head, "", ""]).encode() + body


ANSWERS: Final = {
    "500": _answer("500 Internal Server Error", HTML, "Content-Type: text/html"),
    "503": _answer("503 Service Unavailable", HTML, "Content-Type: text/html"),
    "400 with HTML": _answer("400 Bad Request", HTML, "Content-Type: text/html"),
    "200 with nothing": _answer("200 OK"),
    "302": _answer("302 Found", b"", "Location: http://127.0.0.1:9/login"),
}
PASS, SLOW, HALF, LOST, CUT = "pass", "slow", "half", "answer lost", "cut"
SLOW_SECONDS = 1.0
HALF_BYTES = 60


class Meddler:
    """A proxy from one Unix socket to another. A new mode ends all connections."""

    def __init__(self, path: Path, upstream: Path) -> None:
        self._upstream = str(upstream)
        self._mode = PASS
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def become(self, mode: str) -> None:
        with self._lock:
            self._mode = mode
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.become(CUT)
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        with self._lock:
            mode = self._mode
            self._open |= {client, server}
        try:
            if mode in ANSWERS:
                while _request(client):
                    client.sendall(ANSWERS[mode])
            elif mode != CUT:
                server.connect(self._upstream)
                _carry(client, server, mode)
        except OSError:
            pass
        finally:
            with self._lock:
                self._open -= {client, server}
            client.close()
            server.close()


def _request(client: socket.socket) -> bool:
    """Read a whole request; False at the end."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (part := client.recv(65536)):
            return False
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(body) < length and (part := client.recv(65536)):
        body += part
    return True


def _carry(client: socket.socket, server: socket.socket, mode: str) -> None:
    while True:
        for one in select.select([client, server], [], [])[0]:
            data = one.recv(65536)
            if not data:
                return
            if one is client:
                if mode == SLOW:
                    time.sleep(SLOW_SECONDS)
                server.sendall(data)
            elif mode == LOST:
                return
            elif mode == HALF:
                client.sendall(data[:HALF_BYTES])
                return
            else:
                client.sendall(data)

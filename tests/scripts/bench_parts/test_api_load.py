"""The benchmarks' client reads answers of known and of unknown length."""

import socket
from contextlib import closing
from threading import Thread

import pytest

from scripts.bench_parts.api_load import Wire

HEAD = b"HTTP/1.1 200 OK\r\n"
WHOLE = HEAD + b"Content-Length: 8\r\n\r\n[1, 2,3]"
IN_PIECES = HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n5;x\r\n 2,3]\r\n0\r\n\r\n"


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("answer", [WHOLE, IN_PIECES])
def test_an_answer_is_read_however_it_is_cut(answer: bytes, size: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Thread(target=_serve, args=(listener, answer, size))
        server.start()
        with closing(Wire(listener.getsockname()[1])) as wire:
            assert [wire.call("GET", "/") for _ in range(2)] == [b"[1, 2,3]"] * 2
        server.join(30)


def _serve(listener: socket.socket, answer: bytes, size: int) -> None:
    channel, _ = listener.accept()
    with channel:
        for _ in range(2):
            channel.recv(1000)
            for start in range(0, len(answer), size):
                channel.sendall(answer[start : start + size])

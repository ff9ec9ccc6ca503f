"""The sockets that the API server listens on."""

import contextlib
import socket
from pathlib import Path

import pytest

from ipam.api.serving import listeners


def test_whoever_sees_the_file_of_the_socket_may_connect(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    listening = contextlib.closing(listeners.unix_listener(path))
    with listening, socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_a_second_server_does_not_replace_the_socket_of_one_that_starts(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    with contextlib.closing(listeners.unix_listener(path)):
        with pytest.raises(listeners.CannotListen, match="Another process listens"):
            listeners.unix_listener(path)
        assert path.is_socket()

"""The kernel says where a peer is, and no word of the peer changes that."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ipam.agent.host.peer_namespace import NamespaceId, network_namespace, peer_namespace
from tests.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs CAP_NET_ADMIN")

CONNECT = """
import os, socket, sys
one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
one.connect(sys.argv[1])
one.send(str(os.stat('/proc/self/ns/net').st_ino).encode())
"""


def peer_of(path: Path, *wrapper: str) -> tuple[NamespaceId, int]:
    """What the kernel says of a process that connects, and what it says itself."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(PATIENCE_SECONDS)
        with subprocess.Popen([*wrapper, sys.executable, "-c", CONNECT, str(path)]):
            connection, _address = listener.accept()
        with connection:
            return peer_namespace(connection), int(connection.recv(32))


def test_the_namespace_is_the_connecting_ones(tmp_path: Path) -> None:
    here = Path("/proc/self/ns/net").stat()
    assert peer_of(tmp_path / "a") == (NamespaceId(here.st_dev, here.st_ino), here.st_ino)
    found, said = peer_of(tmp_path / "b", "unshare", "--net")
    assert found == NamespaceId(here.st_dev, said)
    assert said != here.st_ino


def test_a_network_without_a_namespace_has_none() -> None:
    assert network_namespace("11111111-1111-4111-8111-111111111111") is None

"""Wakes of other hosts: the key counts, and a flood without it costs little."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipam.protocol import wake_port
from ipam.protocol.wake import WORKER_SOCKET, WakeSocket, Woken
from ipam.protocol.wake_port import AT_ONCE, WakeEnd, WakePort
from tests.waiting import PATIENCE_SECONDS


@pytest.fixture
def wakes(tmp_path: Path) -> Iterator[WakeSocket]:
    opened = WakeSocket(tmp_path / WORKER_SOCKET, WakePort(0))
    yield opened
    opened.close()


def end_of(wakes: WakeSocket) -> WakeEnd:
    end = wakes.distant_end("127.0.0.1")
    assert end is not None
    return end


def test_a_wake_with_the_key_ends_a_wait(wakes: WakeSocket) -> None:
    end = end_of(wakes)
    threading.Timer(0.05, lambda: wake_port.send([end, end])).start()
    assert wakes.wait(PATIENCE_SECONDS) is Woken.FROM_OUTSIDE


def test_a_wake_names_networks_and_one_that_names_none_is_about_all(wakes: WakeSocket) -> None:
    end = end_of(wakes)
    for numbers in ([7, 8], [], [9]):
        wake_port.send([end], numbers)
        assert wakes.wait(PATIENCE_SECONDS) is Woken.FROM_OUTSIDE
        assert wakes.changed_networks == {*numbers}


def test_an_older_agent_which_has_a_shorter_key_gets_the_key_alone() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as older:
        older.bind(("127.0.0.1", 0))
        ip, port = older.getsockname()
        key = "ab" * 16
        wake_port.send([WakeEnd(ip, port, key)], [7])
        older.settimeout(PATIENCE_SECONDS)
        assert older.recv(2000) == key.encode()


def test_what_has_not_the_key_ends_no_wait_however_much_comes(wakes: WakeSocket) -> None:
    end = end_of(wakes)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for _ in range(3 * AT_ONCE):
            stranger.sendto(b"0" * 2000, (end.ip, end.port))
    wake_port.send([WakeEnd(end.ip, end.port, "ab" * 16)])
    assert wakes.wait(0.3) is Woken.BY_TIME
    wake_port.send([end])
    assert wakes.wait(PATIENCE_SECONDS) is Woken.FROM_OUTSIDE


@pytest.mark.parametrize("datagram", [b"", b"0"])
def test_after_a_datagram_without_the_key_nothing_is_heard_for_a_while(
    monkeypatch: pytest.MonkeyPatch, datagram: bytes
) -> None:
    monkeypatch.setattr(wake_port, "DEAF_SECONDS", PATIENCE_SECONDS)
    port = WakePort(0)
    end = port.end_at("127.0.0.1")
    assert end is not None
    assert port.wakes() == []
    assert not port.deaf_seconds(), "nothing has come"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(datagram, (end.ip, end.port))
    assert port.wakes() == []
    assert port.deaf_seconds()
    port.close()


def test_an_interrupt_still_comes_from_inside(wakes: WakeSocket) -> None:
    end_of(wakes)
    wakes.interrupt()
    assert wakes.wait(PATIENCE_SECONDS) is Woken.FROM_INSIDE


def test_a_port_or_an_address_that_cannot_be_had_is_no_end(wakes: WakeSocket) -> None:
    end = end_of(wakes)
    assert WakePort(end.port).end_at("127.0.0.1") is None
    assert wakes.distant_end("192.0.2.77") is None
    assert wakes.distant_end("") is None
    assert end_of(wakes).key == end.key


def test_an_end_that_cannot_be_reached_keeps_no_other_from_its_wake(wakes: WakeSocket) -> None:
    end = end_of(wakes)
    wake_port.send([WakeEnd("240.0.0.1", 9, end.key), WakeEnd("::1", 9, end.key), end])
    assert wakes.wait(PATIENCE_SECONDS) is Woken.FROM_OUTSIDE

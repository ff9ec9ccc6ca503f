"""Whom the listener hears, on sockets of the test. The kernel's filter is the system tests'."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipam.agent.dnsmasq import packet_listener
from ipam.agent.dnsmasq.dhcp6_requests import read_request, request_filter
from ipam.agent.dnsmasq.packet_listener import PacketListener
from ipam.agent.state import Interface
from tests.agent.dnsmasq.test_dhcp6_requests import ADVERTISE, CLIENT, SOLICIT, frame, message

FIRST, SECOND = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
INTERFACE = Interface("tap1", "ns-1", "fa:16:3e:00:00:02", 1450)
MACS = ("fa:16:3e:00:00:05", "fa:16:3e:00:00:06")


class Host:
    """The files that stand for namespaces, and the wire of each listening socket."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory = directory
        self.wires: list[tuple[socket.socket, socket.socket]] = []
        monkeypatch.setattr(packet_listener, "namespace_path", lambda one: str(directory / one))
        monkeypatch.setattr(packet_listener, "call_in_namespace", lambda _name, work: work())
        monkeypatch.setattr(PacketListener, "_listen", lambda _self, one: self.listen(one))
        for network_id in (FIRST, SECOND):
            self.make_namespace(network_id)
        self.listener = PacketListener(request_filter(), read_request)

    def make_namespace(self, network_id: str) -> None:
        fresh = self.directory / "new"
        fresh.touch()
        fresh.rename(self.directory / network_id)

    def listen(self, interface: str) -> socket.socket:
        assert interface == INTERFACE.inside
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        self.wires.append((ours, theirs))
        return ours

    def send(self, *frames: bytes) -> None:
        """To the socket that was opened last."""
        for one in frames:
            self.wires[-1][1].send(one)

    def heard(self, network_id: str = FIRST) -> list[str]:
        return [one.mac for one in self.listener.heard(network_id, INTERFACE)]

    def open_sockets(self) -> list[bool]:
        return [ours.fileno() >= 0 for ours, _theirs in self.wires]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    one = Host(tmp_path, monkeypatch)
    yield one
    one.listener.close()
    assert not any(one.open_sockets())
    for _ours, theirs in one.wires:
        theirs.close()


def test_each_request_is_heard_once_and_nothing_else(host: Host) -> None:
    assert host.heard() == [], "the first call begins to listen"
    requests = [frame(message(SOLICIT, CLIENT), mac) for mac in MACS]
    host.send(requests[0], b"no request", frame(message(ADVERTISE, CLIENT)), requests[1])
    assert host.heard() == [*MACS]
    assert host.heard() == []
    assert len(host.wires) == 1


def test_a_namespace_that_was_made_anew_is_listened_to_anew(host: Host) -> None:
    host.heard()
    host.make_namespace(FIRST)
    assert host.heard() == []
    assert host.open_sockets() == [False, True]
    host.send(frame(message(SOLICIT, CLIENT)))
    assert host.heard() == [MACS[0]]


def test_who_is_not_kept_is_not_listened_to(host: Host) -> None:
    for network_id in (FIRST, SECOND):
        host.heard(network_id)
    host.listener.keep([SECOND])
    assert host.open_sockets() == [False, True]
    host.send(frame(message(SOLICIT, CLIENT)))
    assert host.heard(SECOND) == [MACS[0]]


def test_a_namespace_that_is_gone_is_an_error_of_the_system(host: Host) -> None:
    host.heard()
    (host.directory / FIRST).unlink()
    with pytest.raises(FileNotFoundError):
        host.heard()


def test_an_interface_that_was_made_anew_is_listened_to_anew(host: Host) -> None:
    host.heard()
    ours, theirs = host.wires[-1]
    ours.send(b"unread")
    theirs.close()  # as the kernel does for a lost interface, reading fails once
    with pytest.raises(OSError, match="reset"):
        host.heard()
    assert host.heard() == []
    host.send(frame(message(SOLICIT, CLIENT)))
    assert len(host.heard()) == 1
